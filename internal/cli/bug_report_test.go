package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// unpacked reads an archive: by name, without its directory.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, bugReportDir)] = string(b)
	}
}

// TestBugReport makes one of a run whose log holds what nobody else is to read.
func TestBugReport(t *testing.T) {
	const marker = "markedsecret0815"
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("REGISTRY_TOKEN", marker+"-token")
	t.Setenv("SOMETHING", marker)
	t.Setenv("HAPSCOPE_OTHER", marker)
	t.Setenv("HAPSCOPE_CPUS", "1")
	dir := t.TempDir()
	run, out := filepath.Join(dir, "run"), filepath.Join(dir, "report.tar.gz")
	rec := small(true)
	rec.Results[0].Status, rec.Results[0].Reason = record.Failed, "the server died in "+home+"/x"
	rec.Results[0].Phases, rec.Results[0].Postures = nil, nil
	testrecord.WriteRecord(t, run, rec)
	log, err := record.OpenLog(run)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(log, "pulled with "+marker+"-token from https://me:"+marker+"@registry.test on "+host+" by /home/somebody/bin/hapscope\n")
	log.Close()
	gives(t, 0, "run/run.log", "bugreport", "--no-doctor", "--out", out, run)
	files := unpacked(t, out)
	for _, name := range []string{"README", "version.json", "kernel.json", "lab.txt", "environment.txt", "run/run.json", "run/statuses.jsonl", "run/run.log", "run/files.txt"} {
		if files[name] == "" {
			t.Errorf("no %s", name)
		}
	}
	for name, content := range files {
		for _, hidden := range []string{marker, "/home/somebody", home + "/"} {
			if strings.Contains(content, hidden) {
				t.Errorf("%s holds %s", name, hidden)
			}
		}
		if replaceWord(content, host, "") != content {
			t.Errorf("%s holds the name of the machine", name)
		}
	}
	for name, want := range map[string]string{
		"run/run.log":        "pulled with (value of REGISTRY_TOKEN) from https://…@registry.test on HOST by /home/USER/bin/hapscope\n",
		"run/statuses.jsonl": `"status":"failed","reason":"the server died in ~/x"`,
		"environment.txt":    "HAPSCOPE_CPUS=1\nHAPSCOPE_OTHER is set\n",
		"run/files.txt":      "results.jsonl",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s: no %q in %s", name, want, files[name])
		}
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	gives(t, exitUsage, "name another file", "bugreport", "--no-doctor", "--out", out, run)
	gives(t, exitUsage, "is not a run directory", "bugreport", "--no-doctor", "--out", out, filepath.Join(dir, "none"))
}

// A run that cannot be read is what bug reports are about.
func TestBugReportOfBrokenRun(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "b.tar.gz")
	run := filepath.Join(dir, "run")
	testrecord.WriteRecord(t, run, small(false))
	if err := os.WriteFile(filepath.Join(run, "results.jsonl"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gives(t, 0, "run/problem.txt", "bugreport", "--no-doctor", "--out", out, run)
	files := unpacked(t, out)
	if !strings.Contains(files["run/problem.txt"], "results.jsonl:1:") || !strings.Contains(files["run/run.json"], record.SchemaVersion) || files["run/run.log"] != "there is none\n" {
		t.Errorf("%q", files)
	}
}

func TestArchiveIsTheSame(t *testing.T) {
	b := bugReport{files: []namedText{{"a", "1"}, {"b", "2"}}}
	var one, two bytes.Buffer
	if err := errors.Join(b.archive(&one), b.archive(&two)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two archives of one content differ")
	}
}

func TestReplaceWord(t *testing.T) {
	for in, want := range map[string]string{
		"/root/x /rootfs /root": "~/x /rootfs ~", "/srv/root": "/srv/root", "x=/root,": "x=~,", "": "", "/root-2": "/root-2",
	} {
		if got := replaceWord(in, "/root", "~"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// What should have been measured and was not is worth a report; what cannot be, or was
// interrupted, explains itself.
func TestWorthReporting(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("no space left on device"), true}, {usageError("no such scenario"), false}, {interrupted{}, false},
		{unfitError(errors.New("no runsc"), ""), false}, {incompleteError(errors.New("3 skipped"), ""), false},
		{incompleteError(fault{errors.New("3 failed")}, ""), true},
	} {
		if got := worthReporting(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// TestFailedRunPointsToIt has runs that cannot begin: what is said is kept, and the last
// line of one that should have been possible says what to do with it.
func TestFailedRunPointsToIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	run := small(false).Run
	run.Where, run.Lab, run.Ended = "lab", &record.Lab{Suite: "../../x", KernelSuite: "trixie"}, nil
	w, err := record.NewWriter(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	gives(t, exitUsage, "another hapscope is writing there", "run", "--resume", dir)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	gives(t, exitError, "`hapscope bugreport "+dir+"` makes one file", "run", "--resume", dir)
	b, err := record.ReadFile(dir, record.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"== ", "another hapscope is writing there", `"../../x" is not`, "hapscope bugreport"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the log does not say %q: %s", want, b)
		}
	}
}

// TestBaselinesAtOnce saves two of one name at once: one is saved, the other is refused.
func TestBaselinesAtOnce(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	const n = 4
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := saveBaseline(store, "main", "", small(false), false)
			errs <- err
		}()
	}
	saved := 0
	for range n {
		switch err := <-errs; {
		case err == nil:
			saved++
		case !strings.Contains(err.Error(), "there is a baseline main already") && !strings.Contains(err.Error(), "another hapscope has saved one of that name"):
			t.Errorf("refused with %v", err)
		}
	}
	if saved != 1 {
		t.Errorf("%d are saved", saved)
	}
	if _, err := record.Read(filepath.Join(store, "main")); err != nil {
		t.Error(err)
	}
	if names, err := baselineNames(store); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}
