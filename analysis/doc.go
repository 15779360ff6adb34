// Package analysis turns a record into what reports show: function sets,
// counts per repetition, summaries per cell, the state of every planned cell,
// rankings and warnings. It computes; it neither reads files nor looks at the
// clock, so the same record gives the same report for ever.
//
// The number that hapscope exists for, the horizontal attack profile (HAP), is
// metric UniqueFunctions of phase record.Steady in record.InProcess.
//
// Its opinions:
//
//   - A repetition that failed or was skipped has no number. It is never zero.
//   - A degraded repetition counts, since dropping it would hide the loss, and
//     whatever it went into is degraded: its sets are lower bounds.
//   - Spread is shown as minimum and maximum. With three repetitions, a
//     confidence interval would promise more than there is.
//   - Functions of different kernels are different functions, so that sets over
//     two kernels are refused rather than inflated.
package analysis
