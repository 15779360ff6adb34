// Package symbols makes the universe: every function of the running kernel that
// the function tracer can see, with an identity that outlives the boot, and a
// fast way from a recorded address to it.
//
// What can be seen is what available_filter_functions lists, one line for each
// patch site. Where each of them lies is told by
// available_filter_functions_addrs since 6.5. Before that there are only names,
// and several functions may share one: see place.go for how they are told apart
// and Table.Ambiguous for how many are not.
//
// The name is the one that the kernel prints for the address. Where a function
// has several (SYSCALL_DEFINE0 makes __do_sys_getppid and __x64_sys_getppid the
// same bytes) that is one of them; Table.Find knows them all.
package symbols
