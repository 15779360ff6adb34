//go:build lab

package ebpf

import (
	"testing"

	"hapscope/collectors/internal/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m, nil) }

func TestWitness(t *testing.T) {
	labtest.Witness(t, labtest.Armed(t, New().Arm))
}

func TestCheck(t *testing.T) {
	for _, r := range New().Check(t.Context()) {
		t.Logf("%+v", r)
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
