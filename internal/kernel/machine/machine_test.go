package machine

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	m, err := Facts()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", m)
	if m.Release == "" || m.Version == "" || len(m.BuildID) < 16 || m.CPUs == 0 || m.MemoryBytes == 0 || m.Lockdown == "" {
		t.Errorf("facts are missing: %+v", m)
	}
}

func note(name string, kind uint32, description string) []byte {
	pad := func(s string) string { return s + strings.Repeat("\x00", -len(s)&3) }
	b := binary.NativeEndian.AppendUint32(nil, uint32(len(name)))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(description)))
	b = binary.NativeEndian.AppendUint32(b, kind)
	return append(append(b, pad(name)...), pad(description)...)
}

func TestBuildID(t *testing.T) {
	notes := slices.Concat(note("Xen\x00", 3, "xx"), note("Linux\x00", 257, "\x00"), note("GNU\x00", 3, "\x01\xab"))
	if got, err := BuildID(notes); err != nil || got != "01ab" {
		t.Errorf("buildID = %q, %v", got, err)
	}
	for i := range notes {
		if got, err := BuildID(notes[:i]); err == nil && got != "01ab" {
			t.Errorf("cut at %d: %q", i, got)
		}
	}
}

func FuzzBuildID(f *testing.F) {
	f.Add(note("GNU\x00", 3, "\x01\xab"))
	f.Fuzz(func(t *testing.T, b []byte) { BuildID(b) })
}

func TestWithoutSecrets(t *testing.T) {
	got := withoutSecrets("quiet root=/dev/vda iscsi_password=abc ro API_KEY=d=e")
	if want := "quiet root=/dev/vda iscsi_password=(not recorded) ro API_KEY=(not recorded)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestModules(t *testing.T) {
	got := modules("veth 36864 0 - Live 0xffffffffc068d000\noverlay 163840 0 - Live 0xffffffffc0659000 (E)\n")
	if !slices.Equal(got, []string{"overlay", "veth"}) {
		t.Errorf("modules = %v", got)
	}
}

func TestHypervisorFlag(t *testing.T) {
	if !hypervisorFlag("processor\t: 0\nflags\t\t: fpu hypervisor lm\n") || hypervisorFlag("flags\t: fpu lm\n") || hypervisorFlag("") {
		t.Error("hypervisor flag misread")
	}
}
