package schema_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/record/schema"
)

func TestWrittenRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	testrecord.Write(t, dir)
	testrecord.Validate(t, dir)
}

func TestBareRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := record.NewWriter(dir, record.Run{
		ID: "bare", Created: time.Unix(0, 0).UTC(), Where: "lab", Plan: record.Plan{Repetitions: 1, Load: record.Load{Mode: "paced"}},
		Lab: &record.Lab{Accelerator: "tcg"}, Machine: &record.Machine{}, Variants: []record.VariantInfo{{Name: "runc"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := testrecord.ValidateJSON(testrecord.Schema(t, schema.Run), b); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := testrecord.Schema(t, schema.Result)
	const head = `{"variant":"runc","workload":"redis-set","repetition":1,"started":"2026-01-01T00:00:00Z","seconds":1`
	tests := map[string]string{
		"unknown key":                         `,"status":"skipped","reason":"x","colour":1}`,
		"skipped without reason":              `,"status":"skipped"}`,
		"ok without phases":                   `,"status":"ok"}`,
		"phases without kernel":               `,"status":"ok","phases":[{"phase":"steady","seconds":1,"functions":{},"syscalls":{},"events":0}]}`,
		"a hit of three":                      `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[1,2,3]]},"syscalls":{},"events":0}]}`,
		"a hit of none":                       `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[1,0]]},"syscalls":{},"events":0}]}`,
		"an unknown event":                    `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{},"syscalls":{},"vhost":{"exit":{"x":1}},"events":0}]}`,
		"a posture without verdict or reason": `,"status":"skipped","reason":"x","postures":[{"role":"vmm","processes":[],"threads":1,"seccomp":"off","uid":0,"effective":[],"bounding":[],"no_new_privs":false,"shared_namespaces":[]}]}`,
		"an unknown context":                  `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"nmi":[]},"syscalls":{},"events":0}]}`,
	}
	for name, tail := range tests {
		t.Run(name, func(t *testing.T) {
			if err := testrecord.ValidateJSON(s, []byte(head+tail)); err == nil {
				t.Error("accepted")
			}
		})
	}
	for _, sound := range []string{
		`,"status":"skipped","reason":"x","postures":[{"role":"vmm","processes":[],"threads":1,"seccomp":"filter","filters":1,"unread":"traced","uid":0,"effective":[],"bounding":[],"no_new_privs":false,"shared_namespaces":[]}]}`,
		`,"status":"skipped","reason":"x"}`,
		`,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{},"syscalls":{},"vm":{"exit":{"npf":1}},"vhost":{"work":{"handle_tx_kick [vhost_net]":1},"kick":{"net tx":1},"interrupt":{"net rx":1}},"events":0}]}`,
	} {
		if err := testrecord.ValidateJSON(s, []byte(head+sound)); err != nil {
			t.Errorf("a sound line is refused: %v", err)
		}
	}
}
