package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hapscope/driver/scenario"
)

// defaultScenarios is read from the current directory when it is there; else
// the copy in the binary serves.
const defaultScenarios = "scenarios.yaml"

// loadScenarios reads the scenarios file. An empty path means the default.
func (a *app) loadScenarios(path string) (*scenario.File, error) {
	f, _, err := a.namedScenarios(path)
	return f, err
}

// namedScenarios returns as well what the file is called in messages.
func (a *app) namedScenarios(path string) (f *scenario.File, name string, err error) {
	name = path
	if name == "" {
		name = defaultScenarios
	}
	content, err := os.ReadFile(name)
	switch {
	case err == nil:
	case path == "" && errors.Is(err, fs.ErrNotExist):
		name, content = "(built-in) "+defaultScenarios, a.scenarios
	default:
		return nil, "", usageError("read the scenarios: %w", err)
	}
	if f, err = scenario.Parse(name, content, catalog()); err != nil {
		return nil, "", &codedError{code: exitUsage, err: fmt.Errorf("the scenarios are not valid:\n%w", err), hint: "docs/scenarios.md explains every key"}
	}
	return f, name, nil
}
