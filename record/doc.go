// Package record is the schema of a run directory: the contract between the
// half of hapscope that measures and the half that analyses and draws.
//
// A run directory holds
//
//	run.json              what was planned, where it ran, with which tools
//	results.jsonl         one line a finished repetition, appended and synced
//	functions-ID.csv      the universe of traceable functions of one kernel
//
// run.json is replaced as a whole (write, sync, rename); the other two files
// only grow. A reader therefore sees every repetition that was finished when a
// run was killed, and nothing else: a half-written last line is dropped and
// said, never repaired.
package record
