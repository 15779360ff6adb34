package process

import (
	"os"
	"os/exec"
	"testing"
)

// A tree like that of a container: a manager that was there before, its shim, and what
// that has started.
func TestTable(t *testing.T) {
	before := Table{1: {PID: 1}, 10: {PID: 10, Parent: 1, Start: 5, Command: "manager"}, 30: {PID: 30, Parent: 1, Start: 6}}
	now := Table{
		1: before[1], 10: before[10],
		20: {PID: 20, Parent: 10, Start: 9, Command: "shim"}, 21: {PID: 21, Parent: 20, Start: 9}, 22: {PID: 22, Parent: 21, Start: 9},
		30: {PID: 30, Parent: 20, Start: 9}, // an id that was somebody else's
	}
	for pid, want := range map[int]int{22: 20, 20: 20, 30: 20, 10: 0, 99: 0} {
		if got, ok := now.Origin(pid, before); got.PID != want || ok != (want != 0) {
			t.Errorf("Origin(%d) = %d, %v; want %d", pid, got.PID, ok, want)
		}
	}
	var ids []int
	for _, e := range now.Below(20) {
		ids = append(ids, e.PID)
	}
	if len(ids) != 4 || ids[0] != 20 || ids[3] != 30 || now.Below(99) != nil {
		t.Errorf("Below(20) = %v", ids)
	}
}

// This process and a child of it, as the kernel shows them.
func TestList(t *testing.T) {
	before, err := List()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { child.Process.Kill(); child.Wait() }()
	now, err := List()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := now.Origin(child.Process.Pid, before)
	if !ok || e.PID != child.Process.Pid || e.Parent != os.Getpid() || e.Start == 0 {
		t.Errorf("Origin = %+v, %v", e, ok)
	}
	if _, ok := now.Origin(os.Getpid(), before); ok {
		t.Error("this process is new")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (a) b)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2"))
	f.Add([]byte(""))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parseStat(b); err == nil && e.PID != 0 {
			t.Error("an id out of nowhere")
		}
	})
}
