package analysis

import "hapscope/record"

// virtiofsd hears the guest's doorbell by reading an eventfd, and answers by writing to
// another (vhost-user, contrib docs of QEMU: interop/vhost-user.rst); it uses eventfds
// for nothing else while it serves. These are what the kernel runs for it
// (fs/eventfd.c).
const (
	virtiofsKick  = "eventfd_read"
	virtiofsReply = "eventfd_write"
)

// virtiofsQueues is what virtiofsd's events are counted under: the kernel does not know
// its queues apart.
const virtiofsQueues = "all queues"

// virtiofs counts what virtiofsd heard and answered in a phase, from how often the
// threads of that role entered functions; functions are those of the kernel's table. It
// is nil where threads were not told apart, and empty where none was virtiofsd's.
func virtiofs(p *record.PhaseResult, functions []record.Function) map[record.VhostEvent]map[string]uint64 {
	if p.Roles == nil || p.Bounds {
		return nil
	}
	events := map[record.VhostEvent]map[string]uint64{}
	if p.Roles[record.RoleVirtiofsd] == nil {
		return events
	}
	for _, h := range p.Roles[record.RoleVirtiofsd].Functions {
		switch functions[h.Function].Name() {
		case virtiofsKick:
			events[record.VhostKick] = map[string]uint64{virtiofsQueues: h.Count}
		case virtiofsReply:
			events[record.VhostInterrupt] = map[string]uint64{virtiofsQueues: h.Count}
		}
	}
	return events
}
