// Package json writes the numbers of a report for other programs: what the other
// formats show in tables and figures, with the same medians, intervals and verdicts, so
// that nobody needs to work them out anew. Schema is its layout; the values of
// single repetitions are those of the CSV, and the functions themselves those of the
// record.
//
// What was not measured is absent, and never 0 or null.
package json
