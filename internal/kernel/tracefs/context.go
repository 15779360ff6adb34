package tracefs

// Bits of an event's common_flags (enum trace_flag_type,
// include/linux/trace_events.h; the same from 5.12 to 6.12).
const (
	FlagHardIRQ = 0x08
	FlagSoftIRQ = 0x10 // serving a softirq, not merely having them disabled
	FlagNMI     = 0x40
)
