// Package driver carries a plan out: it makes each sandbox, drives its load,
// collects what the kernel did, and writes a result to disk before the next
// repetition starts. It knows runtimes, workloads and collectors by their
// contracts only.
package driver
