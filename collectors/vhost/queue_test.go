package vhost

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"hapscope/collectors"
	"hapscope/record"
)

func TestTitleOf(t *testing.T) {
	for _, c := range []struct {
		kind record.VhostEvent
		f    record.Function
		want string
	}{
		{record.VhostWork, record.Function{Module: "vhost_net", Symbol: "handle_tx_kick"}, "handle_tx_kick [vhost_net]"},
		{record.VhostWork, record.Function{Module: "vhost_net", Symbol: "handle_rx_net"}, "handle_rx_net [vhost_net]"},
		{record.VhostKick, record.Function{Module: "vhost_net", Symbol: "handle_tx_kick"}, "net tx"},
		{record.VhostKick, record.Function{Module: "vhost_net", Symbol: "handle_rx_net"}, ""}, // a tap
		{record.VhostInterrupt, record.Function{Module: "vhost_vsock", Symbol: "vhost_vsock_handle_rx_kick"}, "vsock rx"},
		{record.VhostKick, record.Function{Module: "vhost_vdpa", Symbol: "handle_vq_kick"}, "vdpa"},
	} {
		if got := titleOf(c.kind, c.f); got != c.want {
			t.Errorf("%s for %s is counted under %q, want %q", c.kind, c.f.Name(), got, c.want)
		}
	}
}

func TestAdd(t *testing.T) {
	o := collectors.Observation{Vhost: map[record.VhostEvent]map[string]uint64{}}
	add(&o, record.VhostKick, "net tx", 5)
	add(&o, record.VhostKick, "net tx", 2) // of another function
	add(&o, record.VhostKick, "", 7)
	add(&o, record.VhostWork, "f", 0)
	if o.Events != 7 || len(o.Vhost) != 1 || o.Vhost[record.VhostKick]["net tx"] != 7 {
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
