package vhost

import "hapscope/record"

// core is the module that all the others use.
const core = "vhost"

// backend is a module whose devices vhost serves.
type backend struct {
	module string
	device string // opening it loads the module
	works  []work
}

// work is a function that workers run.
type work struct {
	function string
	queue    string // whose kicks it handles, if any
}

// backends are those of drivers/vhost in Linux 6.1 and 6.12: whatever is given to
// vhost_work_init or vhost_poll_init, or is a queue's handle_kick. Where one of these
// functions is missing the kernel has no such work.
var backends = []backend{
	{core, "", []work{{"vhost_flush_work", ""}, {"vhost_attach_cgroups_work", ""}}},
	{"vhost_net", "/dev/vhost-net", []work{
		{"handle_tx_kick", "net tx"}, {"handle_rx_kick", "net rx"},
		{"handle_tx_net", ""}, {"handle_rx_net", ""}, // the tap has room again, or a packet
	}},
	{"vhost_vsock", "/dev/vhost-vsock", []work{
		{"vhost_vsock_handle_tx_kick", "vsock tx"}, {"vhost_vsock_handle_rx_kick", "vsock rx"},
		{"vhost_transport_send_pkt_work", ""}, // a packet for the guest
	}},
	{"vhost_scsi", "/dev/vhost-scsi", []work{
		{"vhost_scsi_handle_kick", "scsi io"}, {"vhost_scsi_ctl_handle_kick", "scsi control"}, {"vhost_scsi_evt_handle_kick", "scsi event"},
		{"vhost_scsi_complete_cmd_work", ""}, {"vhost_scsi_evt_work", ""}, {"vhost_scsi_tmf_resp_work", ""},
	}},
}

// vdpaKick handles the kicks of vDPA devices, in the time of whoever kicks: no worker
// runs it (use_worker is false, drivers/vhost/vdpa.c).
var vdpa = place{module: "vhost_vdpa", function: "handle_vq_kick"}

// queueOf names the queue whose kicks a function handles; empty is none.
func queueOf(f record.Function) string {
	if f.Module == vdpa.module {
		return "vdpa"
	}
	for _, b := range backends {
		for _, w := range b.works {
			if b.module == f.Module && w.function == f.Symbol {
				return w.queue
			}
		}
	}
	return ""
}
