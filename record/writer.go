package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrNotEmpty says that a new run was asked for in a directory that holds something.
var ErrNotEmpty = errors.New("the directory is not empty")

// Writer writes one run directory. It is safe for concurrent use. Whatever a
// method has returned without an error is on the disk.
type Writer struct {
	mu       sync.Mutex
	dir      string
	lock     *os.File
	results  *os.File
	timings  []Timing                // that were there when it was opened
	tables   map[string]*tableWriter // by file name
	warnings []string
}

// tableWriter is what a Writer remembers of one function table.
type tableWriter struct {
	index map[Function]int
}

// NewWriter makes a run directory. An empty Run.Schema is filled in.
func NewWriter(dir string, run Run) (*Writer, error) {
	if run.Schema == "" {
		run.Schema = SchemaVersion
	}
	if err := run.check(); err != nil {
		return nil, fmt.Errorf("create record: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create record: %w", err)
	}
	if err := vacant(dir); err != nil { // before a lock is put there
		return nil, fmt.Errorf("create record in %s: %w", dir, err)
	}
	// run.json comes last: a directory without it never was a record.
	w, err := open(dir, os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("create record: %w", err)
	}
	if err := vacant(dir); err != nil { // another writer may have been faster
		w.Close()
		return nil, fmt.Errorf("create record in %s: %w", dir, err)
	}
	if err := errors.Join(sweepTemporary(dir), w.writeRun(&run)); err != nil {
		w.Close()
		return nil, fmt.Errorf("create record: %w", err)
	}
	return w, nil
}

// vacant is an error where a directory holds more than what a writer leaves that was killed
// before it had made a record.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile || temporary(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil && e.Name() == resultsFile && info.Size() == 0 {
			continue
		}
		return fmt.Errorf("%w (it holds %s)", ErrNotEmpty, e.Name())
	}
	return nil
}

// OpenWriter goes on with a run directory and returns what it holds already. A
// half-written last line is cut off, and Warnings says so; what a killed writer was about
// to put in place is removed.
func OpenWriter(dir string) (*Writer, *Run, []Result, error) {
	if _, err := os.Stat(filepath.Join(dir, runFile)); err != nil {
		return nil, nil, nil, fmt.Errorf("open record: %s is not a run directory: %w", dir, err)
	}
	// Locked before it is read: what another writer is about to append is not half-written.
	w, err := open(dir, 0)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("open record: %w", err)
	}
	rec, err := Read(dir)
	if err == nil {
		err = errors.Join(sweepTemporary(dir), truncateToWholeLines(w.results.Name()))
	}
	if err == nil {
		err = ignoreAbsent(truncateToWholeLines(filepath.Join(dir, timingsFile)))
	}
	if err != nil {
		w.Close()
		return nil, nil, nil, fmt.Errorf("open record: %w", err)
	}
	w.warnings, w.timings = rec.Warnings, rec.Timings
	return w, &rec.Run, rec.Results, nil
}

func open(dir string, flag int) (*Writer, error) {
	l, err := lock(dir)
	if err != nil {
		return nil, err
	}
	results, err := openPlain(filepath.Join(dir, resultsFile), os.O_WRONLY|os.O_APPEND|flag, 0o644)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &Writer{dir: dir, lock: l, results: results, tables: map[string]*tableWriter{}}, nil
}

// Dir returns the run directory.
func (w *Writer) Dir() string { return w.dir }

// Warnings returns what OpenWriter found and cut off.
func (w *Writer) Warnings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warnings
}

// Timings returns what OpenWriter found of them.
func (w *Writer) Timings() []Timing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.timings
}

// UpdateRun changes run.json, which is read anew before: while a run is in the
// lab, the host's writer and the guest's share the directory, one adding what it
// knows of the lab, the other the machine and its tools, and neither may undo the
// other's. Where change leaves a run that could not be read back, the file stays
// as it was.
func (w *Writer) UpdateRun(change func(*Run)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, err := readPlain(filepath.Join(w.dir, runFile))
	if err != nil {
		return fmt.Errorf("update %s: %w", runFile, err)
	}
	run, err := parseRun(content)
	if err != nil {
		return fmt.Errorf("update %w", At(runFile, content, err))
	}
	change(run)
	return w.writeRun(run)
}

func (w *Writer) writeRun(run *Run) error {
	if err := run.check(); err != nil {
		return fmt.Errorf("update %s: %w", runFile, err)
	}
	b, err := json.MarshalIndent(filled(*run), "", "  ")
	if err != nil {
		return fmt.Errorf("update %s: %w", runFile, err)
	}
	if err := replace(filepath.Join(w.dir, runFile), append(b, '\n')); err != nil {
		return fmt.Errorf("update %s: %w", runFile, err)
	}
	return nil
}

// Append adds one finished repetition.
func (w *Writer) Append(r Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	table := -1
	if len(r.Phases) > 0 {
		t, err := w.table(r.Kernel)
		if err != nil {
			return fmt.Errorf("append result of %s: %w", r.Cell(), err)
		}
		table = len(t.index)
	}
	if err := r.check(table); err != nil {
		return fmt.Errorf("append result of %s: %w", r.Cell(), err)
	}
	row, err := line(r)
	if err == nil {
		err = appendSynced(w.results, row)
	}
	if err != nil {
		return fmt.Errorf("append result of %s: %w", r.Cell(), err)
	}
	return nil
}

// AppendTiming adds one timed repetition. The file is made with the first.
func (w *Writer) AppendTiming(t Timing) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.appendTiming(&t); err != nil {
		return fmt.Errorf("append timing of %s: %w", t.Cell(), err)
	}
	return nil
}

func (w *Writer) appendTiming(t *Timing) error {
	if err := t.check(); err != nil {
		return err
	}
	row, err := line(t)
	if err != nil {
		return err
	}
	path := filepath.Join(w.dir, timingsFile)
	if err := establish(path, nil); err != nil {
		return err
	}
	return appendTo(path, row)
}

// line is a value as one line.
func line(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b) // ends the line
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Functions makes or extends the function table of a kernel and returns, for
// each element of universe, its index there. Indices never change: a function
// that the table holds already keeps its own, new ones are added at the end.
func (w *Writer) Functions(kernelBuildID string, universe []Function) (index []int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, err := w.table(kernelBuildID)
	if err != nil {
		return nil, fmt.Errorf("function table: %w", err)
	}
	start := len(t.index)
	var added []Function
	fresh := map[Function]int{} // kept apart until the file has them
	for _, f := range universe {
		i, ok := t.index[f]
		if !ok {
			if i, ok = fresh[f]; !ok {
				i = start + len(added)
				fresh[f] = i
				added = append(added, f)
			}
		}
		index = append(index, i)
	}
	var b bytes.Buffer
	if err := formatTable(&b, start, added); err != nil {
		return nil, err
	}
	if err := w.extend(kernelBuildID, b.Bytes()); err != nil {
		return nil, fmt.Errorf("function table: %w", err)
	}
	for f, i := range fresh {
		t.index[f] = i
	}
	return index, nil
}

// table returns what is known of a kernel's table, after reading it if need be.
func (w *Writer) table(kernel string) (*tableWriter, error) {
	if !buildIDForm.MatchString(kernel) {
		return nil, fmt.Errorf("kernel %q is not a build id", kernel)
	}
	name := TableFile(kernel)
	if t, ok := w.tables[name]; ok {
		return t, nil
	}
	t := &tableWriter{index: map[Function]int{}}
	path := filepath.Join(w.dir, name)
	if err := establish(path, []byte(tableHeader)); err != nil {
		return nil, err
	}
	functions, warning, err := readTable(w.dir, kernel)
	if err == nil && warning != "" {
		w.warnings = append(w.warnings, warning)
		err = truncateToWholeLines(path)
	}
	if err != nil {
		return nil, err
	}
	for i, f := range functions {
		t.index[f] = i
	}
	w.tables[name] = t
	return t, nil
}

func (w *Writer) extend(kernel string, rows []byte) error {
	if len(rows) == 0 {
		return nil
	}
	return appendTo(filepath.Join(w.dir, TableFile(kernel)), rows)
}

// Close releases the run directory.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.results.Close()
	if lerr := w.lock.Close(); err == nil {
		err = lerr
	}
	return err
}

// truncateToWholeLines cuts a half-written last line off.
func truncateToWholeLines(path string) error {
	content, err := readPlain(path)
	if err != nil {
		return err
	}
	whole, warning := wholeLines(path, content)
	if warning == "" {
		return nil
	}
	f, err := openPlain(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(len(whole))); err != nil {
		return err
	}
	return f.Sync()
}
