// Package tracefs speaks with the kernel's tracing file system: instances, pid
// filters, per-CPU statistics and the binary pages of trace_pipe_raw.
//
// The layout of pages and events is read from the kernel (events/header_page,
// events/header_event, events/*/*/format) and never assumed. Only the meaning
// of bits for which the kernel has no file is written down here, each with the
// header that defines it.
//
// The edges that are sharp:
//
//   - An empty pid filter means "trace everything". Filter parks on an
//     impossible pid instead.
//   - Opening a filter or the trace file with O_TRUNC clears it before anything
//     is written.
//   - Writing to a filter copies the old list, adds to the copy and swaps the
//     two (trace_pid_write, kernel/trace/trace.c). A fork in between is added
//     to the old list only, and the child is lost. Whoever adds pids while
//     followed threads run must look again afterwards.
//   - Switching tracing_on to 1 empties the ring buffer and its statistics
//     where the function tracer is current (function_trace_start,
//     kernel/trace/trace_functions.c), and does not for events.
package tracefs
