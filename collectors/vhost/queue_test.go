package vhost

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"hapscope/collectors"
	"hapscope/record"
)

func TestQueueOf(t *testing.T) {
	for function, want := range map[string]struct {
		queue  string
		isKick bool
	}{
		"handle_tx_kick [vhost_net]":               {"net tx", true},
		"handle_rx_net [vhost_net]":                {"", false}, // a tap
		"vhost_vsock_handle_rx_kick [vhost_vsock]": {"vsock rx", true},
		"handle_vq_kick [vhost_vdpa]":              {"vdpa", true},
		"handle_vq_kick [vhost_new]":               {"handle_vq_kick [vhost_new]", true},
	} {
		if queue, isKick := queueOf(function); queue != want.queue || isKick != want.isKick {
			t.Errorf("%s is of queue %q, %v", function, queue, isKick)
		}
	}
}

// Kicks of taps are none, and those for which no work is counted degrade the cell.
func TestAdd(t *testing.T) {
	s, o := new(Session), collectors.Observation{Vhost: map[record.VhostEvent]map[string]uint64{}}
	s.add(&o, record.VhostWork, "handle_rx_net [vhost_net]", 5)
	s.add(&o, record.VhostKick, "handle_rx_net [vhost_net]", 7)
	s.add(&o, record.VhostKick, "handle_vq_kick [vhost_vdpa]", 2)
	s.add(&o, record.VhostKick, "handle [vhost_new]", 3)
	if o.Events != 10 || o.Unknown != 3 || len(o.Vhost[record.VhostKick]) != 2 || o.Vhost[record.VhostWork]["handle_rx_net [vhost_net]"] != 5 {
		t.Errorf("%+v", o)
	}
}

func TestMemberOffset(t *testing.T) {
	call := &btf.Struct{Name: "vhost_vring_call", Members: []btf.Member{{Name: "ctx"}, {Name: "producer", Offset: 64}}}
	queue := &btf.Struct{Name: "vhost_virtqueue", Members: []btf.Member{{Name: "dev"}, {Name: "call_ctx", Type: &btf.Typedef{Type: call}, Offset: 8 * 168}}}
	if n, err := memberOffset(queue, []string{"call_ctx", "producer"}); n != 176 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, path := range [][]string{{"kick"}, {"dev", "mm"}, {"call_ctx", "file"}} {
		if _, err := memberOffset(queue, path); err == nil || !strings.HasPrefix(err.Error(), "struct ") {
			t.Errorf("%v: %v", path, err)
		}
	}
}
