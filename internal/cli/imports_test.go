package cli

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the plan of the house: for each room, the rooms of this module
// that it may import besides itself. The longest matching room counts.
var mayImport = map[string][]string{
	"main.go":             {"internal/cli"},
	"internal/cli":        {"*"},
	"internal/command":    {},
	"internal/kernel":     {"record"},
	"internal/debuginfo":  {"analysis/code", "internal/kernel/machine"},
	"internal/golden":     {}, // helpers of tests
	"internal/testdisk":   {},
	"internal/testrecord": {"record"},
	"record":              {},
	"driver":              {"driver", "runtimes", "workloads", "workloads/load", "collectors", "collectors/exercise", "record"},
	"runtimes":            {"record", "internal/kernel", "internal/command"},
	"workloads":           {"record", "internal/command"},
	"collectors":          {"record", "internal/kernel", "internal/command"},
	"analysis":            {"record"},
	"reports":             {"analysis", "record"},
	// helpers of tests of several formats
	"reports/internal/checked": {"analysis", "record", "internal/testrecord"},
	"lab":                      {"record", "internal/command"},
}

// The driver wires nothing: it knows the contracts only.
var rootsOnly = map[string]bool{"runtimes": true, "workloads": true, "collectors": true}

func TestRoomsImportDownwards(t *testing.T) {
	const module = "hapscope/"
	root := "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+"/"))
		if e.IsDir() {
			if strings.HasPrefix(e.Name(), ".") && path != root || strings.HasPrefix(e.Name(), "_") || e.Name() == "testdata" { // as the go command does
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		room := roomOf(name)
		if room == "" {
			t.Errorf("%s is in no room", name)
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			target, _ := strconv.Unquote(spec.Path.Value)
			target, ours := strings.CutPrefix(target, module)
			if ours && !allowed(room, target) {
				t.Errorf("%s: room %s must not import %s", name, room, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files seen: the walk is broken", files)
	}
}

func roomOf(file string) (room string) {
	for r := range mayImport {
		if (file == r || strings.HasPrefix(file, r+"/")) && len(r) > len(room) {
			room = r
		}
	}
	return room
}

func allowed(room, target string) bool {
	own := roomOf(target + "/")
	if own == room {
		return true
	}
	for _, may := range mayImport[room] {
		switch {
		case may == "*" || may == target:
			return true
		case room == "driver" && rootsOnly[may]:
		case strings.HasPrefix(target, may+"/"):
			return true
		}
	}
	return false
}
