package shim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hapscope/runtimes"
)

func TestDiagnose(t *testing.T) {
	s := &sandbox{in: installation{config: &Config{Path: "/etc/c.toml", Monitor: "/bin/monitor", Initrd: "/initrd"}}, cgroup: t.TempDir()}
	for name, c := range map[string]struct {
		err    error
		remedy string
	}{
		"gone":        {fmt.Errorf("create: %w", errMonitorGone), "(dmesg) for /bin/monitor"},
		"never there": {fmt.Errorf("create: %w", errNoMonitor), "/etc/c.toml has sandbox_cgroup_only = true"},
		"refused":     {errors.New("no such image"), "hapscope doctor"},
		"no machine":  {context.DeadlineExceeded, "hapscope doctor"},
		"interrupted": {context.Canceled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.diagnose(c.err)
			if !errors.Is(err, c.err) || !strings.Contains(runtimes.Remedy(err), c.remedy) || (c.remedy == "") != (runtimes.Remedy(err) == "") {
				t.Errorf("got %v, remedy %q", err, runtimes.Remedy(err))
			}
		})
	}
}
