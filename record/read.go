package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a run directory, apart from the function tables.
const (
	runFile     = "run.json"
	resultsFile = "results.jsonl"
)

// Record is a run directory, read and checked.
type Record struct {
	Run      Run
	Results  []Result              // in the order in which they were finished
	Tables   map[string][]Function // kernel build id → the functions that hits index
	Warnings []string              // what the reader had to leave out
}

// Read reads a run directory. Errors name the file and, where it has one, the
// line. A half-written last line is left out and said in Warnings.
func Read(dir string) (*Record, error) {
	rec := &Record{Tables: map[string][]Function{}}
	name := filepath.Join(dir, runFile)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read record: %s is not a run directory: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	run, err := parseRun(content)
	if err != nil {
		return nil, fmt.Errorf("read record: %s: %w", name, err)
	}
	rec.Run = *run

	name = filepath.Join(dir, resultsFile)
	if content, err = os.ReadFile(name); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	whole, warning := wholeLines(name, content)
	if warning != "" {
		rec.Warnings = append(rec.Warnings, warning)
	}
	// The tables are read when a result first names them: hits mean nothing without.
	table := func(kernel string) (int, error) {
		if functions, ok := rec.Tables[kernel]; ok {
			return len(functions), nil
		}
		functions, warning, err := readTable(dir, kernel)
		if err != nil {
			return 0, err
		}
		if warning != "" {
			rec.Warnings = append(rec.Warnings, warning)
		}
		rec.Tables[kernel] = functions
		return len(functions), nil
	}
	if rec.Results, err = parseResults(name, whole, run.Plan.Steps, table); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return rec, nil
}

// parseRun reads run.json strictly: a key that this package does not know was
// written by someone who meant something by it. The schema is looked at first,
// so that another version is called that, and not a list of unknown keys.
func parseRun(content []byte) (*Run, error) {
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(content, &version); err != nil {
		return nil, err
	}
	if version.Schema != SchemaVersion {
		return nil, (&Run{Schema: version.Schema}).check()
	}
	run := new(Run)
	if err := strict(content, run); err != nil {
		return nil, err
	}
	return run, run.check()
}

// parseResults reads whole lines of results. table returns the size of a
// kernel's function table.
func parseResults(name string, content []byte, steps []Step, table func(kernel string) (int, error)) ([]Result, error) {
	planned := make(map[Step]bool, len(steps))
	for _, s := range steps {
		planned[s] = true
	}
	first := map[Step]int{}
	var results []Result
	for n := 1; len(content) > 0; n++ {
		var line []byte
		line, content, _ = bytes.Cut(content, []byte("\n"))
		var r Result
		if err := strict(line, &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		size := -1
		if len(r.Phases) > 0 && buildIDForm.MatchString(r.Kernel) {
			var err error
			if size, err = table(r.Kernel); err != nil {
				return nil, fmt.Errorf("%s:%d: function table of kernel %s: %w", name, n, r.Kernel, err)
			}
		}
		if err := r.check(size); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		step := Step{Cell: r.Cell(), Repetition: r.Repetition}
		if !planned[step] {
			return nil, fmt.Errorf("%s:%d: %s repetition %d is not in the plan", name, n, step.Cell, step.Repetition)
		}
		if before, twice := first[step]; twice {
			return nil, fmt.Errorf("%s:%d: %s repetition %d is already in line %d", name, n, step.Cell, step.Repetition, before)
		}
		first[step] = n
		results = append(results, r)
	}
	return results, nil
}

// readTable reads the function table of a kernel.
func readTable(dir, kernel string) (functions []Function, warning string, err error) {
	name := filepath.Join(dir, TableFile(kernel))
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	whole, warning := wholeLines(name, content)
	functions, err = parseTable(name, whole)
	return functions, warning, err
}

// wholeLines returns content up to its last line end. Every line is written
// with its end in one go, so what follows was cut off by a crash.
func wholeLines(name string, content []byte) (whole []byte, warning string) {
	whole = content[:bytes.LastIndexByte(content, '\n')+1]
	if rest := len(content) - len(whole); rest > 0 {
		warning = fmt.Sprintf("%s: line %d is half-written (%d bytes): left out",
			filepath.Base(name), bytes.Count(whole, []byte("\n"))+1, rest)
	}
	return whole, warning
}

// strict decodes exactly one JSON value that holds no unknown key.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("empty, want a JSON object")
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}
