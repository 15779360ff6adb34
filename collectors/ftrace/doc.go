// Package ftrace counts the kernel functions that followed threads enter, with
// the kernel's function tracer: a record for each entry of each traceable
// function, whose address and context are counted as they come.
//
// The tracer is armed once for a session, with tracing off: that patches every
// function of the kernel, which takes seconds under emulation, and leaves a
// call in each that returns early for threads that are not on the filter.
//
// docs/method-ftrace.md says what is and is not seen.
package ftrace
