//go:build lab

package shim

// What the tests in the lab look at: they are outside of the package because they run
// with each engine, of which another package has one.
const (
	CgroupParent = cgroupParent
	VhostVsock   = vhostVsock
	VhostNet     = vhostNet
)

var (
	FindMonitor    = findMonitor
	ErrMonitorGone = errMonitorGone
	Write          = write
)
