//go:build lab && bcc

package bcc

import (
	"testing"

	"hapscope/collectors/internal/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m, nil) }

func TestWitness(t *testing.T) {
	s := labtest.Armed(t, New(Options{Sample: 20}).Arm)
	t.Logf("refused: %v", s.Refused())
	labtest.Witness(t, s, false)
}

func TestCheck(t *testing.T) {
	for _, r := range New(Options{}).Check(t.Context()) {
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
