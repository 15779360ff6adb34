package probe

import "testing"

func TestParseLockdown(t *testing.T) {
	for in, want := range map[string]string{
		"none integrity [confidentiality]\n": "confidentiality",
		"[none] integrity confidentiality\n": "none",
		"none [integrity] confidentiality":   "integrity",
		"":                                   "absent",
	} {
		if got := parseLockdown(in); got != want {
			t.Errorf("parseLockdown(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every requirement says what was found, and what to do where it is not met.
func TestAllExplain(t *testing.T) {
	for _, r := range All() {
		t.Logf("%-35s %v: %s; %s", r.Name, r.Met, r.Detail, r.Remedy)
		if r.Name == "" || r.Detail == "" || r.Met != (r.Remedy == "") {
			t.Errorf("requirement without explanation: %+v", r)
		}
	}
}
