package code

import (
	"testing"

	"hapscope/record"
)

func TestSubsystemOf(t *testing.T) {
	for file, want := range map[string]string{
		"kernel/fork.c":                                 "kernel",
		"kernel/sched/core.c":                           "kernel/sched",
		"mm/kasan/common.c":                             "mm",
		"fs/ext4/inode.c":                               "fs/ext4",
		"net/ipv4/netfilter/ip_tables.c":                "net/ipv4",
		"net/socket.c":                                  "net",
		"drivers/net/ethernet/intel/e1000/e1000_main.c": "drivers/net",
		"arch/x86/kvm/svm/svm.c":                        "arch/x86/kvm",
		"arch/x86/entry/entry_64.S":                     "arch/x86/entry",
		"virt/kvm/kvm_main.c":                           "virt/kvm",
		"include/linux/fs.h":                            "include/linux",
		"Makefile":                                      "",
		"":                                              "",
	} {
		if got := SubsystemOf(file); got != want {
			t.Errorf("SubsystemOf(%q) = %q, want %q", file, got, want)
		}
	}
}

func TestWithoutATableNamesAreAGuess(t *testing.T) {
	m := For("0000")
	if m.Exact() {
		t.Error("a build without a table is called exact")
	}
	for _, c := range []struct {
		f    record.Function
		want string
	}{
		{record.Function{Symbol: "tcp_sendmsg"}, "net/ipv4"},
		{record.Function{Symbol: "__tcp_push_pending_frames"}, "net/ipv4"},
		{record.Function{Symbol: "ext4_file_write_iter"}, "fs/ext4"},
		{record.Function{Symbol: "vhost_poll_queue", Module: "vhost"}, "drivers/vhost"},
		{record.Function{Symbol: "tcp_in_a_module", Module: "nobody_knows"}, ""},
		{record.Function{Symbol: "xyzzy"}, ""},
	} {
		want := Place{Subsystem: c.want, Approximate: true}
		if got := m.Place(c.f); got != want {
			t.Errorf("%s: %+v, want %+v", c.f.Name(), got, want)
		}
	}
}

func TestATableOfAnotherBuildIsNotUsed(t *testing.T) {
	f := record.Function{Symbol: "tcp_sendmsg", Offset: 64}
	table, err := NewTable("aa", []Function{{Offset: 64, File: "net/ipv4/tcp.c", Line: 7, Bytes: 100, Lines: 9}})
	if err != nil {
		t.Fatal(err)
	}
	if p := For("aa", table).Place(f); p.Line != 7 || p.Approximate {
		t.Errorf("with its table: %+v", p)
	}
	if p := For("bb", table).Place(f); p.Line != 0 || !p.Approximate {
		t.Errorf("with another's table: %+v", p)
	}
	f.Offset = 65
	if p := For("aa", table).Place(f); p.Line != 0 || !p.Approximate || p.Subsystem != "net/ipv4" {
		t.Errorf("a function that the table does not hold: %+v", p)
	}
}

func TestTablesOfOneBuildAddUp(t *testing.T) {
	image, err := NewTable("aa", []Function{{Offset: 64, File: "net/ipv4/tcp.c", Line: 7, Bytes: 100, Lines: 9}})
	if err != nil {
		t.Fatal(err)
	}
	module, err := NewTable("aa", []Function{{Module: "m", File: "drivers/m/m.c", Line: 8, Bytes: 10, Lines: 2}})
	if err != nil {
		t.Fatal(err)
	}
	m := For("aa", image, module)
	if a, b := m.Place(record.Function{Symbol: "f", Offset: 64}), m.Place(record.Function{Symbol: "g", Module: "m"}); a.Line != 7 || b.Line != 8 {
		t.Errorf("%+v and %+v", a, b)
	}
}
