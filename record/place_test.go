package record

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever wrote a run.json by hand is told the line.
func TestErrorsNameTheirLine(t *testing.T) {
	for content, want := range map[string]string{
		"{\"schema\": \"hapscope/1\",\n \"id\": \"x\",\n \"where\": 3}":             "run.json:3: json: cannot unmarshal number",
		"{\"schema\": \"hapscope/1\",\n \"id\": \"x\",\n \"colour\" : 3}":           `run.json:3: json: unknown field "colour"`,
		"{\"schema\": \"hapscope/1\",\n \"id\": \"x\"\n \"where\": 3}":              "run.json:3: invalid character",
		"{\"schema\": \"hapscope/1\", \"id\": \"x\",\n \"where\": \"moon\"}":        `run.json: where: "moon" is neither host nor lab`,
		"{\"schema\": \"hapscope/1\",\n \"id\": {\"why\": 1}, \"x\": {\"x\": 1}\n}": "run.json:2: json: cannot unmarshal object",
		"": "run.json:1: unexpected end",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, runFile), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v, want %s", content, err, want)
		}
	}
}

// The seeds of the fuzz targets are taken, so that what is made of them begins there.
func TestCapturedIsRead(t *testing.T) {
	if _, err := parseRun(captured(t, "run.json")); err != nil {
		t.Error(err)
	}
	steps := []Step{{Cell{"runc", "redis-set"}, 1}}
	if _, err := parseResults("result.jsonl", bytes.NewReader(captured(t, "result.jsonl")), steps, func(string) (int, error) { return 2, nil }, func(*Result) {}); err != nil {
		t.Error(err)
	}
	if _, _, err := parseTimings("timing.jsonl", bytes.NewReader(captured(t, "timing.jsonl")), steps); err != nil {
		t.Error(err)
	}
}
