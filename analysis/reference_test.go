package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// renamed is a record of which variants have other names.
func renamed(names map[string]string) *record.Record {
	rec := testrecord.WithTimings()
	testrecord.Rename(rec, names)
	return rec
}

func TestReference(t *testing.T) {
	for want, names := range map[string]map[string]string{
		"runc":        nil,
		"crun":        {"runc": "docker-runc"}, // the order is hapscope's, not the plan's
		"docker-runc": {"runc": "docker-runc", "crun": "podman-crun"},
		"podman-runc": {"runc": "podman-runc", "crun": "podman-crun"},
	} {
		r := analysis.New(renamed(names))
		if r.Reference() != want {
			t.Errorf("with %v the reference is %s, want %s", names, r.Reference(), want)
		}
		for _, c := range r.Timed {
			if s := c.Series(analysis.ReqPerSec); s != nil && (s.ToReference == nil) != (c.Variant == want) {
				t.Errorf("beside %s: %s has the ratio %+v", want, c.Cell, s.ToReference)
			}
		}
		if h := r.TimingHeadline(); !strings.Contains(h, "beside that of "+want+" ") {
			t.Errorf("the headline names another reference than %s: %s", want, h)
		}
	}
}

// TestReferenceAbsent has nothing to compare with: the warning names what is missing.
func TestReferenceAbsent(t *testing.T) {
	for want, plan := range map[string]string{"runc": "", "nspawn": "nspawn"} {
		rec := renamed(map[string]string{"runc": "a", "crun": "b"})
		rec.Run.Plan.Reference = plan // of a shard that does not hold it
		r := analysis.New(rec)
		if !slices.ContainsFunc(r.Warnings, func(w analysis.Warning) bool {
			return w.Kind == analysis.WarnReference && strings.Contains(w.Text, "because "+want+" has no number")
		}) {
			t.Errorf("no warning of the missing %s", want)
		}
	}
}

// TestSetReference asks for another one than the record's own.
func TestSetReference(t *testing.T) {
	rec := testrecord.WithTimings()
	if err := analysis.SetReference(&rec.Run, "gvisor-ptrace"); err != nil {
		t.Fatal(err)
	}
	r := analysis.New(rec)
	if s := r.TimedCell(record.Native, "runc", "redis-get").Series(analysis.ReqPerSec); s.ToReference == nil || s.ToReference.Ratio <= 1 {
		t.Errorf("runc beside gvisor-ptrace: %+v", s.ToReference)
	}
	if len(r.PublishedBeside()) > 0 {
		t.Error("ratios to gVisor stand beside published ones to docker")
	}
	err := analysis.SetReference(&rec.Run, "runk")
	if err == nil || !strings.Contains(err.Error(), `"runk"`) || !strings.Contains(err.Error(), "runc, crun, gvisor-systrap") {
		t.Errorf("a reference that is not there: %v", err)
	}
}
