// Package tap is what the collectors on tracefs have in common: an instance of
// their own, a filter of followed threads, and goroutines that take the pages
// out of the ring buffer while events flow.
//
// # Following
//
// A launcher is a thread of hapscope that forks the runtime's command. It is on
// the kernel's filter, because the kernel hands the filter on from parent to
// child; what the launcher itself does is discarded by the decoder, by its
// thread id.
//
// The kernel's filters can be added to and emptied, but a single thread cannot
// be taken off: rewriting the list without it would lose every child that is
// forked between reading and writing. So a launcher stays listed, and discarded,
// until Forget. One that must end being a launcher while the session goes on has
// to end as a thread; the kernel takes threads off when it frees them.
package tap
