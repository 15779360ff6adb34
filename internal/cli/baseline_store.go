package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"hapscope/driver/scenario"
	"hapscope/record"
)

const (
	storeName    = "hapscope/baselines"
	baselineFile = "baseline.json"
	// baselineSchema names the layout of baseline.json; the record beside it has its own.
	baselineSchema = "hapscope-baseline/1"
)

// baselineName keeps names from being paths.
var baselineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// baseline is baseline.json: where a saved record came from.
type baseline struct {
	Schema   string       `json:"schema"`
	Name     string       `json:"name"`
	Saved    time.Time    `json:"saved"`
	Run      string       `json:"run"`            // id of the run
	Why      string       `json:"why,omitempty"`  // what the user said of it
	Hapscope record.Build `json:"hapscope"`       // that saved it; what measured is in run.json
	Left     []string     `json:"left,omitempty"` // what its reader had left out of the record
}

// storeDir is where baselines are: dir, or the user's data directory as the XDG Base
// Directory Specification has it.
func storeDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, storeName), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the saved baselines: %w", err)
	}
	return filepath.Join(home, ".local", "share", storeName), nil
}

// saveBaseline copies a record into the store, whole or not at all.
func saveBaseline(store, name, why string, rec *record.Record, replace bool) (dir string, err error) {
	if !baselineName.MatchString(name) {
		return "", usageError("a baseline's name is made of letters, digits, dots, - and _, not %q", name)
	}
	if store, err = storeDir(store); err != nil {
		return "", err
	}
	dir = filepath.Join(store, name)
	if _, err := os.Lstat(dir); err == nil && !replace {
		return "", taken(name, dir)
	}
	if err := os.MkdirAll(store, 0o755); err != nil {
		return "", fmt.Errorf("save baseline %s: %w", name, err)
	}
	tmp, err := os.MkdirTemp(store, ".new-*")
	if err != nil {
		return "", fmt.Errorf("save baseline %s: %w", name, err)
	}
	defer os.RemoveAll(tmp)
	fresh := filepath.Join(tmp, name)
	if err := record.Copy(fresh, rec); err != nil {
		return "", fmt.Errorf("save baseline %s: %w", name, err)
	}
	about := baseline{Schema: baselineSchema, Name: name, Saved: time.Now().UTC().Truncate(time.Second), Run: rec.Run.ID, Why: why, Hapscope: build(), Left: rec.Warnings}
	b, err := json.MarshalIndent(about, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh, baselineFile), append(b, '\n'), 0o644)
	}
	if err == nil {
		err = put(fresh, dir, filepath.Join(tmp, "old"), replace)
	}
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("save baseline %s: another hapscope has saved one of that name meanwhile: %s", name, dir)
	}
	if err != nil {
		return "", fmt.Errorf("save baseline %s: %w", name, err)
	}
	return dir, nil
}

func taken(name, dir string) error {
	return &codedError{code: exitUsage, err: fmt.Errorf("there is a baseline %s already: %s", name, dir), hint: "--replace puts the new one in its place"}
}

// put gives a baseline its name, which nobody else's loses unless that is wanted.
func put(fresh, dir, old string, replace bool) error {
	if !replace {
		return os.Rename(fresh, dir)
	}
	return swap(fresh, dir, old)
}

// swap puts fresh in the place of dir. What was there goes to old, and comes back where
// that fails.
func swap(fresh, dir, old string) error {
	absent := os.Rename(dir, old)
	if absent != nil && !errors.Is(absent, fs.ErrNotExist) {
		return absent
	}
	err := os.Rename(fresh, dir)
	if err != nil && absent == nil {
		err = errors.Join(err, os.Rename(old, dir))
	}
	return err
}

// readBaseline reads what a saved record says of itself.
func readBaseline(dir string) (*baseline, error) {
	name := filepath.Join(dir, baselineFile)
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	b, err := parseBaseline(content)
	if err != nil {
		return nil, record.At(name, content, err)
	}
	return b, nil
}

func parseBaseline(content []byte) (*baseline, error) {
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(content, &version); err != nil {
		return nil, err
	}
	if version.Schema != baselineSchema {
		return nil, fmt.Errorf("schema %q: %w: this hapscope reads and writes %q", version.Schema, record.ErrSchema, baselineSchema)
	}
	b := new(baseline)
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	if !baselineName.MatchString(b.Name) {
		return nil, fmt.Errorf("name %q is none of a baseline", b.Name)
	}
	return b, nil
}

// baselineNames lists what is in the store, sorted.
func baselineNames(store string) (names []string, err error) {
	entries, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list baselines: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && baselineName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// findBaseline returns the directory of a saved baseline, else of a run, and what it is
// in words. A name that is both is the saved one: ./NAME is the other.
func findBaseline(store, name string) (dir, what string, err error) {
	if store, err = storeDir(store); err != nil {
		return "", "", err
	}
	if baselineName.MatchString(name) {
		if _, err := os.Stat(filepath.Join(store, name)); err == nil {
			return filepath.Join(store, name), "the baseline " + name, nil
		}
	}
	if _, err := os.Stat(name); err == nil {
		return name, "the record " + name, nil
	}
	names, err := baselineNames(store)
	if err != nil {
		return "", "", err
	}
	return "", "", &codedError{code: exitUsage, err: fmt.Errorf("there is neither a baseline nor a run directory %q%s", name, scenario.Suggest(name, names)),
		hint: "`hapscope baseline list` shows those in " + store}
}
