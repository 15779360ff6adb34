package ghabenchmark_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"hapscope/internal/golden"
	"hapscope/reports/ghabenchmark"
	"hapscope/reports/internal/checked"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := ghabenchmark.Write(&b, checked.Report(t)); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "checked.json", b.Bytes())
	var entries []ghabenchmark.Entry
	if err := json.Unmarshal(b.Bytes(), &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Unit == "" || e.Value <= 0 || strings.Contains(e.Name, "req/s") {
			t.Errorf("%+v", e)
		}
		// A lower bound would look like progress.
		if e.Name == "gvisor-systrap/redis-get/unique-functions" || strings.HasPrefix(e.Name, "gvisor-kvm/") {
			t.Errorf("%s is not sound", e.Name)
		}
	}
}
