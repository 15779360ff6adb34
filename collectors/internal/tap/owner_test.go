package tap

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

func TestOrphaned(t *testing.T) {
	mine, err := instanceName("hapscope-")
	if err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	start, err := startTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		mine: false,
		fmt.Sprintf("hapscope-%d-1", gone.ProcessState.Pid()):      true,
		fmt.Sprintf("hapscope-%d-%d", os.Getpid(), start+1):        true, // the id went to someone else
		fmt.Sprintf("hapscope-sys-%d-1", gone.ProcessState.Pid()):  false,
		fmt.Sprintf("hapscope-mine-%d-1", gone.ProcessState.Pid()): false,
		fmt.Sprintf("hapscope-%d", gone.ProcessState.Pid()):        false,
	} {
		if got := orphaned(name, "hapscope-"); got != want {
			t.Errorf("orphaned(%s) = %v, want %v", name, got, want)
		}
	}
}
