package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/analysis/code"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// debugData are the vmlinux and the module that package debuginfo is tested with.
const (
	debugData  = "../debuginfo/testdata"
	debugBuild = "b19a3d5c0390536bd8850c9e28df7f9dc9a3d585"
)

// tinyRecord writes a record of the kernel in debugData, in which two of its functions
// and one of its module ran.
func tinyRecord(t *testing.T) (dir string) {
	t.Helper()
	rec := testrecord.New()
	rec.Run.Machine.BuildID, rec.Run.Lab = debugBuild, nil
	functions := []record.Function{{Symbol: "start_kernel", Offset: 0x20}, {Symbol: "first", Offset: 0x60}, {Symbol: "probe", Module: "one"}}
	rec.Tables = map[string][]record.Function{debugBuild: functions}
	r := rec.Results[slices.IndexFunc(rec.Results, func(r record.Result) bool { return r.Variant == "runc" && r.Status == record.OK })]
	r.Kernel, r.Phases = debugBuild, []record.PhaseResult{{Phase: record.Steady, Sighting: record.Sighting{Functions: map[record.Context][]record.Hit{
		record.InProcess: {{Function: 0, Count: 1}, {Function: 1, Count: 2}, {Function: 2, Count: 3}}}}}}
	rec.Results = []record.Result{r}
	dir = filepath.Join(t.TempDir(), "run")
	testrecord.WriteRecord(t, dir, rec)
	return dir
}

// hapscope runs the command line and returns what it printed.
func hapscope(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := Main(args, nil, strings.NewReader(""), &out, &out); code != want {
		t.Fatalf("%v: exit code %d, want %d:\n%s", args, code, want, out.String())
	}
	return out.String()
}

func contains(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in:\n%s", want, out)
		}
	}
}

func TestKernelTable(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("HAPSCOPE_CACHE", cache)
	t.Setenv("DEBUGINFOD_URLS", "")
	run := tinyRecord(t)
	vmlinux := filepath.Join(debugData, "vmlinux")

	contains(t, hapscope(t, exitOK, "report", run), "there is no table of the source of kernel b19a3d5c0390")
	contains(t, hapscope(t, exitUsage, "kernel-table", run), "nothing says where", "--suite")
	contains(t, hapscope(t, exitUsage, "kernel-table", run, "--modules", debugData), "--vmlinux")
	contains(t, hapscope(t, exitError, "kernel-table", run, "--vmlinux", filepath.Join(debugData, "one.ko")), "read vmlinux")

	// Without its module, then with it.
	contains(t, hapscope(t, exitOK, "kernel-table", run, "--vmlinux", vmlinux),
		"no debug information of module one", "7 functions of the kernel and 0 modules; 1 of the record's 3 functions are not in it")
	contains(t, hapscope(t, exitOK, "report", run), "of 1 of the 3 functions of kernel b19a3d5c0390 that ran the size is not known")
	contains(t, hapscope(t, exitOK, "kernel-table", run, "--vmlinux", vmlinux, "--modules", debugData), "10 functions of the kernel and 1 modules\n")
	contains(t, hapscope(t, exitOK, "kernel-table", run), "there is a table of kernel "+debugBuild+" already, with all 3 functions")
	contains(t, hapscope(t, exitOK, "report", run, "-o", "csv"), // 31 + 23 + 27 bytes
		",1,steady,process,code-bytes,81,B,ok", ",1,steady,process,source-lines,13,lines,ok")
	contains(t, hapscope(t, exitOK, "report", run, "-o", "benchfmt"), "81 code-bytes", "Unit code-bytes better=lower")
	contains(t, hapscope(t, exitOK, "report", run), "drivers/one", "81 (1.)")

	// What a killed process or a broken disk leaves is not used, and can be made again.
	table := filepath.Join(cache, "kernel-tables", code.FileName(debugBuild))
	whole, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(table, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, hapscope(t, exitOK, "report", run), "is not used", "there is no table of the source")
	hapscope(t, exitOK, "kernel-table", run, "--vmlinux", vmlinux, "--modules", debugData)
	if again, err := os.ReadFile(table); err != nil || !bytes.Equal(again, whole) {
		t.Errorf("made again it is not the same (%v)", err)
	}
}

func TestKernelTableOfAnotherBuildIsRefused(t *testing.T) {
	t.Setenv("HAPSCOPE_CACHE", t.TempDir())
	run := filepath.Join(t.TempDir(), "run")
	rec := testrecord.New()
	rec.Results = rec.Results[:1]
	testrecord.WriteRecord(t, run, rec)
	contains(t, hapscope(t, exitUsage, "kernel-table", run, "--vmlinux", filepath.Join(debugData, "vmlinux")), "is build "+debugBuild, "hint: the debug information has to be of exactly the kernel")
}

func TestKernelTableFromDebuginfod(t *testing.T) {
	t.Setenv("HAPSCOPE_CACHE", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/buildid/"+debugBuild+"/debuginfo" {
			http.ServeFile(w, r, filepath.Join(debugData, "vmlinux"))
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	t.Setenv("DEBUGINFOD_URLS", server.URL)
	contains(t, hapscope(t, exitOK, "kernel-table", tinyRecord(t)), "of another machine's kernel", "7 functions of the kernel and 0 modules; 1 of the record's 3")
}
