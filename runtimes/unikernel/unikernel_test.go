package unikernel

import (
	"bytes"
	"debug/elf"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/record"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/unikernel/unikerneltest"
)

var (
	net0  = unikerneltest.Device{Name: "service0", Type: 2}
	disk0 = unikerneltest.Device{Name: "storage", Type: 1}
)

func TestRead(t *testing.T) {
	image, err := Read(unikerneltest.Write(t, "u", elf.EM_X86_64, uint32(SPT), net0, disk0))
	if err != nil || image.Target != SPT || image.ABI != 2 || image.Machine != elf.EM_X86_64 ||
		!slices.Equal(image.Nets, []string{"service0"}) || !slices.Equal(image.Blocks, []string{"storage"}) {
		t.Errorf("got %+v, %v", image, err)
	}
	image, err = Read(unikerneltest.Write(t, "u", elf.EM_AARCH64, 0))
	if err != nil || image.Target != Unnoted || image.Machine != elf.EM_AARCH64 {
		t.Errorf("without notes: got %+v, %v", image, err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if image, err := Read(self); err == nil && image.Target != Unnoted {
		t.Errorf("this test is %+v", image)
	}
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile(unikerneltest.Write(f, "u", elf.EM_X86_64, uint32(SPT), net0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			return
		}
		if image, err := read(file); (image == nil) == (err == nil) {
			t.Errorf("got %+v, %v", image, err)
		}
	})
}

// What is wrong with files is said before anything is made.
func TestExamine(t *testing.T) {
	other := elf.EM_AARCH64
	if machine() == other {
		other = elf.EM_X86_64
	}
	disk := filepath.Join(t.TempDir(), "disk")
	small := filepath.Join(t.TempDir(), "small")
	for path, size := range map[string]int{disk: 512, small: 511} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("#!/bin/sh\n", 9)), 0o700); err != nil {
		t.Fatal(err)
	}
	spt := unikerneltest.Write(t, "u.spt", machine(), uint32(SPT), net0)
	stored := unikerneltest.Write(t, "u.spt", machine(), uint32(SPT), net0, disk0)
	nabla := unikerneltest.Write(t, "u.nabla", machine(), 0)
	address := []string{"--ipv4={address}/{mask}"}
	json := []string{`{"cmdline":"u","net":{"if":"ukvmif0","addr":"{address}"}}`}
	today, raw, container := Kind{Target: SPT}, Kind{Rumprun: true}, Kind{Container: true, Rumprun: true, Suffix: ".nabla"}
	for name, c := range map[string]struct {
		kind Kind
		u    *record.Unikernel
		want string // "" is nothing wrong
	}{
		"fits":              {today, &record.Unikernel{Image: spt, Args: address}, ""},
		"fits with a disk":  {today, &record.Unikernel{Image: stored, Disk: disk, Args: address}, ""},
		"fits nabla-run":    {raw, &record.Unikernel{Image: nabla, Disk: disk, Args: json}, ""},
		"fits runnc":        {container, &record.Unikernel{Image: nabla, Disk: t.TempDir(), Args: []string{"--port", "1"}}, ""},
		"none":              {today, nil, "none is named"},
		"not there":         {today, &record.Unikernel{Image: "/nowhere"}, "no such file"},
		"a script":          {today, &record.Unikernel{Image: text}, "bad magic number"},
		"another machine":   {today, &record.Unikernel{Image: unikerneltest.Write(t, "u", other, uint32(SPT), net0), Args: address}, "is for the machine " + other.String()},
		"another tender":    {today, &record.Unikernel{Image: unikerneltest.Write(t, "u", machine(), uint32(HVT), net0), Args: address}, "was built for solo5-hvt, want solo5-spt"},
		"today's for nabla": {raw, &record.Unikernel{Image: spt, Args: json}, "was built for solo5-spt, want a tender without notes"},
		"nabla's for today": {today, &record.Unikernel{Image: nabla, Args: address}, "was built for a tender without notes (nabla-run), want solo5-spt"},
		"no network":        {today, &record.Unikernel{Image: unikerneltest.Write(t, "u", machine(), uint32(SPT)), Args: address}, "has no network"},
		"two networks":      {today, &record.Unikernel{Image: unikerneltest.Write(t, "u", machine(), uint32(SPT), net0, net0), Args: address}, "attaches one of each"},
		"no disk named":     {today, &record.Unikernel{Image: stored, Args: address}, "wants the disk storage, and none is named"},
		"a disk too many":   {today, &record.Unikernel{Image: spt, Disk: disk, Args: address}, "has no disk"},
		"a small disk":      {raw, &record.Unikernel{Image: nabla, Disk: small, Args: json}, "has 511 bytes"},
		"a file for runnc":  {container, &record.Unikernel{Image: nabla, Disk: disk}, "must be a directory"},
		"a directory":       {raw, &record.Unikernel{Image: nabla, Disk: t.TempDir(), Args: json}, "is no file"},
		"another name":      {container, &record.Unikernel{Image: unikerneltest.Write(t, "u.spt", machine(), 0)}, "does not end in .nabla"},
		"no address":        {raw, &record.Unikernel{Image: nabla, Args: []string{"{}"}}, "{address} is nowhere"},
		"malformed":         {raw, &record.Unikernel{Image: nabla, Args: []string{`{"net": {"addr": "{address}"`}}, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.kind.Examine(c.u)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q in it", err, c.want)
			}
			q := c.kind.Check("redis-set", c.u)[0]
			if q.Met != (c.want == "") || q.Met == (q.Remedy != "") {
				t.Errorf("requirement = %+v", q)
			}
		})
	}
}

func TestCheckRumprun(t *testing.T) {
	for args, want := range map[string]string{
		`{"cmdline":"redis","net":{"if":"ukvmif0","cloner":"True","type":"inet","method":"static","addr":"1","mask":"30","gw":"2"},"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"/"},"cwd":"/","env":"A=1","env":"B=2"}`: "",
		``:                          "no JSON object",
		`[]`:                        "no JSON object",
		`"x"`:                       "no JSON object",
		`{"cmdline":"redis"`:        "no JSON",
		`{"cmdline":"redis",}`:      "no JSON",
		`{"cmdline":redis}`:         "no JSON: the value of cmdline",
		`{} {}`:                     "behind the JSON object",
		`{"cmdline":["redis"]}`:     "cmdline must be a text",
		`{"net":"x"}`:               "net must be an object of texts",
		`{"net":null}`:              "net must be an object of texts",
		`{"net":{"mask":30}}`:       "net must be an object of texts",
		`{"net":{"adr":"1"}}`:       `net has the key "adr"`,
		`{"blk":{"mount":"/data"}}`: `blk has the key "mount"`,
	} {
		err := CheckRumprun([]string{args})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v, want %q in it", args, err, want)
		}
	}
	if err := CheckRumprun([]string{"{}", "{}"}); err == nil {
		t.Error("two arguments were accepted")
	}
}

func TestFill(t *testing.T) {
	n := &netns.Namespace{Address: netip.MustParseAddr("10.200.0.2"), Gateway: netip.MustParseAddr("10.200.0.1"), Bits: 30}
	got := Fill([]string{`{"addr":"{address}","mask":"{mask}"}`, "--gw={gateway}", "{other}"}, n)
	if want := []string{`{"addr":"10.200.0.2","mask":"30"}`, "--gw=10.200.0.1", "{other}"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTools(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := Kind{}.Tools("redis-set", record.Unikernel{Image: filepath.Join(dir, "a"), Disk: dir})
	if err != nil || len(tools) != 3 || tools[0].Name != "unikernel for redis-set" || tools[2].Path != filepath.Join(dir, "b") || len(tools[2].SHA256) != 64 {
		t.Errorf("got %+v, %v", tools, err)
	}
}

func FuzzCheckRumprun(f *testing.F) {
	f.Add(`{"cmdline":"redis-server","net":{"if":"ukvmif0","cloner":"True","type":"inet","method":"static","addr":"10.0.0.2","mask":"16"},"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"}}`)
	f.Add(`{"net":null}`)
	f.Add(`{"a":1}{"b":2}`)
	f.Add(`{"cwd":[`)
	f.Fuzz(func(t *testing.T, text string) {
		if CheckRumprun([]string{text}) == nil && !strings.HasPrefix(strings.TrimSpace(text), "{") {
			t.Errorf("%q is taken for an object", text)
		}
	})
}
