package record

import (
	"bufio"
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
	timingsFile = "timings.jsonl"
)

// Record is a run directory, read and checked.
type Record struct {
	Run      Run
	Results  []Result              // in the order in which they were finished
	Timings  []Timing              // likewise
	Tables   map[string][]Function // kernel build id → the functions that hits index
	Warnings []string              // what the reader had to leave out
}

// Read reads a run directory. Errors name the file and, where it has one, the
// line. A half-written last line is left out and said in Warnings.
func Read(dir string) (*Record, error) {
	var results []Result
	rec, err := Stream(dir, func(_ *Record, r *Result) { results = append(results, *r) })
	if err != nil {
		return nil, err
	}
	rec.Results = results
	return rec, nil
}

// Stream reads a run directory as Read does, but hands each result over instead of
// keeping it: those of a long run fill gigabytes once their hits are decoded. The record
// that take is given has the run and the tables of the results so far; the one that is
// returned has all but the results. A result that is handed over is take's own.
func Stream(dir string, take func(rec *Record, r *Result)) (*Record, error) {
	rec := &Record{Tables: map[string][]Function{}}
	name := filepath.Join(dir, runFile)
	content, err := readPlain(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read record: %s is not a run directory: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	run, err := parseRun(content)
	if err != nil {
		return nil, fmt.Errorf("read record: %w", At(name, content, err))
	}
	rec.Run = *run
	if err := rec.readResults(dir, take); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	if err := rec.readTimings(filepath.Join(dir, timingsFile)); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return rec, nil
}

// readResults hands over the results of a run, and reads the tables when one first names
// them: hits mean nothing without.
func (rec *Record) readResults(dir string, take func(*Record, *Result)) error {
	name := filepath.Join(dir, resultsFile)
	f, err := openPlain(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var ofTables []string
	table := func(kernel string) (int, error) {
		if functions, ok := rec.Tables[kernel]; ok {
			return len(functions), nil
		}
		functions, warning, err := readTable(dir, kernel)
		if err != nil {
			return 0, err
		}
		if warning != "" {
			ofTables = append(ofTables, warning)
		}
		rec.Tables[kernel] = functions
		return len(functions), nil
	}
	warning, err := parseResults(name, f, rec.Run.Plan.Steps, table, func(r *Result) { take(rec, r) })
	if warning != "" {
		rec.Warnings = append(rec.Warnings, warning)
	}
	rec.Warnings = append(rec.Warnings, ofTables...)
	return err
}

// readTimings reads the timings of a run that has any.
func (rec *Record) readTimings(name string) error {
	f, err := openPlain(name, os.O_RDONLY, 0)
	if err != nil {
		return ignoreAbsent(err)
	}
	defer f.Close()
	var steps []Step
	if rec.Run.Plan.Timing != nil {
		steps = rec.Run.Plan.Timing.Steps
	}
	timings, warning, err := parseTimings(name, f, steps)
	if warning != "" {
		rec.Warnings = append(rec.Warnings, warning)
	}
	rec.Timings = timings
	return err
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

// parseResults hands over each whole line's result. table returns the size of a
// kernel's function table.
func parseResults(name string, content io.Reader, steps []Step, table func(kernel string) (int, error), take func(*Result)) (warning string, err error) {
	decoder := newResultDecoder()
	return parseLines(name, content, steps, func(line []byte) (step Step, keep func(), err error) {
		r, err := decoder.decode(line)
		if err != nil {
			return step, nil, err
		}
		size := -1
		if len(r.Phases) > 0 && buildIDForm.MatchString(r.Kernel) {
			if size, err = table(r.Kernel); err != nil {
				return step, nil, fmt.Errorf("function table of kernel %s: %w", r.Kernel, err)
			}
		}
		return Step{Cell: r.Cell(), Repetition: r.Repetition}, func() { take(&r) }, r.check(size)
	})
}

// parseTimings reads whole lines of timings.
func parseTimings(name string, content io.Reader, steps []Step) (timings []Timing, warning string, err error) {
	warning, err = parseLines(name, content, steps, func(line []byte) (step Step, keep func(), err error) {
		var t Timing
		if err := strict(line, &t); err != nil {
			return step, nil, err
		}
		return Step{Cell: t.Cell(), Repetition: t.Repetition}, func() { timings = append(timings, t) }, t.check()
	})
	if err != nil {
		return nil, warning, err
	}
	return timings, warning, nil
}

// parseLines has each whole line parsed, which must be of a planned step, and of each at
// most one, and then kept. The warning says what was left out.
func parseLines(name string, content io.Reader, steps []Step, parse func(line []byte) (step Step, keep func(), err error)) (warning string, err error) {
	planned := make(map[Step]bool, len(steps))
	for _, s := range steps {
		planned[s] = true
	}
	first := map[Step]int{}
	lines := bufio.NewReaderSize(content, 64<<10)
	var line []byte // used again for each
	for n := 1; ; n++ {
		if line, err = readLine(lines, line[:0]); errors.Is(err, io.EOF) {
			return halfWritten(name, n, len(line)), nil
		} else if err != nil {
			return "", fmt.Errorf("%s:%d: %w", name, n, err)
		}
		step, keep, err := parse(line)
		if err != nil {
			return "", fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if !planned[step] {
			return "", fmt.Errorf("%s:%d: %s repetition %d is not in the plan", name, n, step.Cell, step.Repetition)
		}
		if before, twice := first[step]; twice {
			return "", fmt.Errorf("%s:%d: %s repetition %d is already in line %d", name, n, step.Cell, step.Repetition, before)
		}
		first[step] = n
		keep()
	}
}

// readLine appends a line, without its end. With io.EOF it is what follows the last end.
func readLine(from *bufio.Reader, into []byte) ([]byte, error) {
	for {
		part, err := from.ReadSlice('\n')
		into = append(into, part...)
		switch {
		case err == nil:
			return into[:len(into)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return into, err
		}
	}
}

// readTable reads the function table of a kernel.
func readTable(dir, kernel string) (functions []Function, warning string, err error) {
	name := filepath.Join(dir, TableFile(kernel))
	content, err := readPlain(name)
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
	return whole, halfWritten(name, bytes.Count(whole, []byte("\n"))+1, len(content)-len(whole))
}

// halfWritten says that a file's last line was cut off after so many bytes; nothing of none.
func halfWritten(name string, line, size int) string {
	if size == 0 {
		return ""
	}
	return fmt.Sprintf("%s: line %d is half-written (%d bytes): left out", filepath.Base(name), line, size)
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
