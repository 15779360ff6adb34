// Package guest is what runs inside a lab VM: process 1 and the agent. Both are
// the hapscope binary itself.
//
// Process 1 (init) mounts the disks and shares, loads the modules that a run
// needs, starts the agent as its child, reaps orphans and powers off when the
// agent ends. The agent runs the commands that the host asks for. They are two
// processes because reaping orphans and waiting for one's own children cannot
// be done by one Go process without racing for exit codes.
//
// Whatever goes wrong in init is said on the serial console and ends the
// machine; the host quotes the console in its error.
package guest
