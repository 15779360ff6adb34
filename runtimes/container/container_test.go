package container

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hapscope/runtimes"
	"hapscope/runtimes/images"
)

// What is brought for the first who needs it is there until the last has gone, however
// often each says so.
func TestProvision(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	p := Provision{Images: images.New(nil, images.Options{}), Dir: dir, Note: map[string]string{"address": "/a"}}
	first, err := p.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "address"))
		return err == nil && string(b) == "/a"
	}
	if err := errors.Join(first(), first()); err != nil || !there() {
		t.Errorf("after one of two has gone: %v, there %v", err, there())
	}
	if err := second(); err != nil || there() {
		t.Errorf("after both have gone: %v, there %v", err, there())
	}
}

func TestChecklist(t *testing.T) {
	var c Checklist
	if !c.Add("a", nil, "found", "do it") || c.Add("b", errors.New("bad"), "found", "do it") || c.Add("c", runtimes.WithRemedy(errors.New("worse"), "do that"), "", "do it") {
		t.Error("met and unmet are mixed up")
	}
	for i, want := range []string{"a true found ", "b false bad do it", "c false worse do that"} {
		q := c.Requirements[i]
		if got := q.Name + map[bool]string{true: " true ", false: " false "}[q.Met] + q.Detail + " " + q.Remedy; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
