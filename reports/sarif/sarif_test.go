package sarif_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	published "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/reports/internal/checked"
	"hapscope/reports/sarif"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := sarif.Write(&b, checked.Report(t)); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "checked.sarif", b.Bytes())
}

// go-sarif holds the schema that OASIS publishes, and asks it.
func TestSchema(t *testing.T) {
	for name, r := range map[string]*analysis.Report{
		"a check": checked.Report(t), "a hostile record": checked.Hostile(t),
		"no check": analysis.New(testrecord.New()), "timings alone": analysis.New(testrecord.OnlyTimings()),
	} {
		var b bytes.Buffer
		if err := sarif.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		// Its own types would drop a key that the format does not have.
		strict := json.NewDecoder(bytes.NewReader(b.Bytes()))
		strict.DisallowUnknownFields()
		if err := strict.Decode(new(published.Report)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		read, err := published.FromBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Code scanning knows a result again by its fingerprint, and by nothing else.
func TestFingerprints(t *testing.T) {
	var b bytes.Buffer
	if err := sarif.Write(&b, checked.Report(t)); err != nil {
		t.Fatal(err)
	}
	read, err := published.FromBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range read.Runs[0].Results {
		f := r.PartialFingerprints["hapscope/1"]
		if f == "" || seen[f] {
			t.Errorf("fingerprint %q of %s is none or there twice", f, *r.Message.Text)
		}
		seen[f] = true
	}
	if len(seen) < 3 {
		t.Errorf("only %d results", len(seen))
	}
}

func TestHostile(t *testing.T) {
	var b bytes.Buffer
	if err := sarif.Write(&b, checked.Hostile(t)); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "<script") || strings.Contains(s, `"uri": "../`) {
		t.Error(s)
	}
}
