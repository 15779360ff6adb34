package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// twice is small with six repetitions.
func twice(t *testing.T) *record.Record {
	t.Helper()
	again := small(false)
	again.Run.ID = "again"
	rec, err := record.Merge([]*record.Record{small(false), again})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// small is a part of the test's record, for every line is synced to the disk: runc and
// gVisor's systrap under one workload, three times; extra is among what runc ran.
func small(extra bool) *record.Record {
	rec := testrecord.New()
	keep := func(c record.Cell) bool {
		return c.Workload == "redis-set" && (c.Variant == "runc" || c.Variant == "gvisor-systrap")
	}
	rec.Run.Plan.Variants, rec.Run.Plan.Workloads = []string{"runc", "gvisor-systrap"}, []string{"redis-set"}
	rec.Run.Plan.Steps = slices.DeleteFunc(rec.Run.Plan.Steps, func(s record.Step) bool { return !keep(s.Cell) })
	rec.Results = slices.DeleteFunc(rec.Results, func(r record.Result) bool { return !keep(r.Cell()) })
	for i := range rec.Results {
		r := &rec.Results[i]
		r.Phases = slices.DeleteFunc(r.Phases, func(p record.PhaseResult) bool { return p.Phase != record.Steady })
		if p := r.Phase(record.Steady); extra && r.Variant == "runc" {
			last := len(rec.Tables[testrecord.Kernel]) - 1
			p.Functions[record.InProcess] = append(p.Functions[record.InProcess], record.Hit{Function: last, Count: 3})
		}
	}
	rec.Run.Plan.LifecycleRepetitions = 0
	return rec
}

// call runs the command line.
func call(args ...string) (code int, out string) {
	var b bytes.Buffer
	code = Main(args, []byte("scenarios: {quick: {variants: [runc], workloads: [redis-set]}}\n"), strings.NewReader(""), &b, &b)
	return code, b.String()
}

func gives(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	got, out := call(args...)
	if got != code || !strings.Contains(out, want) {
		t.Errorf("%v: code %d, want %d with %q:\n%.3000s", args, got, code, want, out)
	}
}

// TestGate saves a baseline and holds records to it, as a CI does.
func TestGate(t *testing.T) {
	dir := t.TempDir()
	before, after, store := filepath.Join(dir, "before"), filepath.Join(dir, "after"), filepath.Join(dir, "store")
	testrecord.WriteRecord(t, before, twice(t))
	testrecord.WriteRecord(t, after, small(true))
	budgets := filepath.Join(dir, "scenarios.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(budgets, []byte("scenarios: {quick: {variants: [runc], workloads: [redis-set]}}\nbudgets:\n"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(args ...string) []string {
		return append([]string{"check", after, "--scenarios", budgets, "--baselines", store, "--date", "2026-11-22"}, args...)
	}

	gives(t, 0, "gained", "compare", before, after)
	gives(t, 0, `"name": "clock_pop"`, "compare", before, after, "--json")
	gives(t, exitUsage, `unknown phase "stedy", did you mean "steady"?`, "compare", before, after, "--phases", "stedy")
	gives(t, exitUsage, "--across-plans", "compare", before, alteredPlan(t, dir))

	gives(t, 0, store, "baseline", "--dir", store, "save", "main", before, "--why", "a test")
	gives(t, exitUsage, "--replace", "baseline", "--dir", store, "save", "main", before)
	gives(t, 0, store, "baseline", "--dir", store, "save", "main", before, "--why", "a test", "--replace")
	gives(t, exitUsage, "letters, digits", "baseline", "--dir", store, "save", "../main", before)
	gives(t, 0, "a test", "baseline", "--dir", store, "list")
	gives(t, 0, "kernel   Linux 6.12.57+deb13-amd64, build "+testrecord.Kernel, "baseline", "--dir", store, "show", "main")

	write("  - {name: profile, phases: [steady], max: 10000}\n")
	gives(t, 0, "The check passed: all of 2 limits hold.", check()...)
	write("  - {name: profile, variants: [runc], phases: [steady], max: 10}\n")
	gives(t, exitViolation, "error: violated: profile (max): runc × redis-set, steady, process, unique-functions", check()...)
	write("  - {name: profile, variants: [runc], phases: [steady], max: 10, level: warn}\n")
	gives(t, 0, "passed with 1 warning", check()...)

	write("  - {name: new, variants: [runc], phases: [steady], max-new-functions: 0}\n")
	gives(t, exitUsage, "none is given", check()...)
	gives(t, exitViolation, "+ clock_pop", check("--baseline", "main")...)
	gives(t, exitViolation, `"verdict": "violated"`, check("--baseline", before, "--json")...)
	gives(t, exitUsage, `neither a baseline nor a run directory "mian", did you mean "main"?`, check("--baseline", "mian")...)
	write("  - {name: new, variants: [gvisor-systrap], phases: [steady], max-new-functions: 0}\n")
	gives(t, 0, "compared with the baseline main", check("--baseline", "main")...)
	allowing := "  - {name: new, variants: [runc], phases: [steady], max-new-functions: 0, allow: [{functions: [clock_*], reason: known, expires: %s}]}\n"
	write(strings.Replace(allowing, "%s", "2026-11-22", 1))
	gives(t, 0, "passed", check("--baseline", "main")...)
	write(strings.Replace(allowing, "%s", "2026-11-21", 1))
	gives(t, exitViolation, "expired on 2026-11-21", check("--baseline", "main")...)

	summary := filepath.Join(dir, "summary.md")
	gives(t, exitViolation, "::error file=", check("--baseline", "main", "-o", "github="+summary, "-o", "junit="+filepath.Join(dir, "j.xml"), "-o", "sarif="+filepath.Join(dir, "s.sarif"), "-o", "gha-benchmark="+filepath.Join(dir, "b.json"))...)
	if b, err := os.ReadFile(summary); err != nil || !strings.Contains(string(b), "❌ The check failed") {
		t.Errorf("the summary: %v\n%s", err, b)
	}

	write("  - {max: }\n")
	gives(t, exitUsage, budgets+":3:11: max must be a number, not nothing", check()...)
	if err := os.WriteFile(budgets, []byte("scenarios: {full: {variants: [runc], workloads: [redis-set]}}\nbudgets: [{scenarios: [full], max: 1}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gives(t, exitUsage, "no budget is for records of the scenario quick", check()...)
	write("  - {max: }\n")
	gives(t, exitUsage, budgets+":3:11: max must be a number, not nothing", check()...)
	if err := os.WriteFile(budgets, []byte("scenarios: {quick: {variants: [runc], workloads: [redis-set]}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gives(t, exitUsage, "has no budgets", check()...)
	// What is missing for the check shows before anything is measured.
	gives(t, exitUsage, "has no budgets", "run", "quick", "--check", "--scenarios", budgets, "--out", filepath.Join(dir, "never"))
	write("  - {name: new, variants: [runc], phases: [steady], max-new-functions: 0}\n")
	gives(t, exitUsage, "the rule new compares with a baseline, and none is given", "run", "quick", "--check", "--scenarios", budgets, "--out", filepath.Join(dir, "never"))
	gives(t, exitViolation, "+ clock_pop", "run", "--resume", after, "--check", "--scenarios", budgets, "--baselines", store, "--baseline", "main", "-o", "text")
	gives(t, exitOK, "The check passed", "run", "--resume", before, "--check", "--scenarios", budgets, "--baselines", store, "--baseline", "main")
	gives(t, exitUsage, "--baseline is of a check: it needs --check", "run", "quick", "--baseline", "main", "--out", filepath.Join(dir, "never"))
	if _, err := os.Stat(filepath.Join(dir, "never")); err == nil {
		t.Error("a run directory was made for a check that cannot be")
	}
}

func alteredPlan(t *testing.T, dir string) string {
	t.Helper()
	rec := small(false)
	rec.Run.Plan.Load.Requests++
	path := filepath.Join(dir, "other-load")
	testrecord.WriteRecord(t, path, rec)
	return path
}

// TestConcludeWithCheck ends a run with a check: its verdict is in the report and decides
// the exit code, before that of cells that are not measured.
func TestConcludeWithCheck(t *testing.T) {
	most := 10.
	for _, test := range []struct {
		name   string
		budget analysis.Budget
		spoil  bool
		code   int
	}{
		{"holds", analysis.Budget{MaxNew: new(int)}, false, exitOK},
		{"is violated", analysis.Budget{Max: &most}, false, exitViolation},
		{"holds of what it is about, and another cell failed", analysis.Budget{Variants: []string{"runc"}, MaxNew: new(int)}, true, exitIncomplete},
		{"is about the cell that failed", analysis.Budget{MaxNew: new(int)}, true, exitViolation},
	} {
		rec := twice(t)
		if test.spoil {
			i := slices.IndexFunc(rec.Results, func(r record.Result) bool { return r.Variant != "runc" })
			r := &rec.Results[i]
			*r = record.Result{Variant: r.Variant, Workload: r.Workload, Repetition: r.Repetition, Status: record.Failed, Reason: "it died"}
		}
		dir := filepath.Join(t.TempDir(), "run")
		testrecord.WriteRecord(t, dir, rec)
		var b bytes.Buffer
		a := &app{stdout: &b, stderr: &b, log: slog.New(slog.DiscardHandler)}
		test.budget.Name = "the rule"
		g := &gate{budgets: []analysis.Budget{test.budget}, options: analysis.CheckOptions{Baseline: analysis.New(twice(t)), Today: time.Now()}}
		err := a.conclude(dir, []output{{format: "text", path: "-"}}, g, nil)
		if exitCode(err) != test.code || !strings.Contains(b.String(), "The check ") {
			t.Errorf("%s: %v, code %d, want %d\n%s", test.name, err, exitCode(err), test.code, b.String())
		}
	}
}

// TestExplainAndMerge asks about functions and cells, and joins records.
func TestExplainAndMerge(t *testing.T) {
	dir := t.TempDir()
	one, two, out := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "out")
	testrecord.WriteRecord(t, one, small(true))
	second := small(false)
	second.Run.ID = "second"
	testrecord.WriteRecord(t, two, second)

	gives(t, 0, "runc × redis-set  steady  process", "explain", "clock_pop", one)
	gives(t, 0, "never in: gvisor-systrap × redis-set", "explain", "clock_pop", one)
	gives(t, 0, "probably of net/ipv4, by its name", "explain", "tcp_send", one)
	gives(t, exitUsage, `did you mean "clock_pop"?`, "explain", "clock_popp", one)
	gives(t, 0, "counted: 3 ok, of 3 repetitions", "explain", "--cell", "runc/redis-set", one)
	gives(t, exitUsage, `no cell "runc/redis-get", did you mean "runc/redis-set"?`, "explain", "--cell", "runc/redis-get", one)
	gives(t, exitUsage, "VARIANT/WORKLOAD", "explain", "--cell", "runc", one)
	gives(t, exitUsage, "takes 2 argument(s)", "explain", one)

	gives(t, 0, "All 2 cells measured without loss.", "merge", one, two, "--out", out)
	gives(t, 0, "counted: 6 ok, of 6 repetitions", "explain", "--cell", "runc/redis-set", out)
	gives(t, exitUsage, "not empty", "merge", one, two, "--out", out)
	gives(t, exitUsage, "they differ in plan.load", "merge", one, alteredPlan(t, dir), "--out", filepath.Join(dir, "none"))
	gives(t, exitUsage, "needs --out", "merge", one, two)
}

// TestHostileRecords reads what nobody wrote in good faith: an error with its file and
// place, or a name that stays a name.
func TestHostileRecords(t *testing.T) {
	dir := t.TempDir()
	rec := small(true)
	rename := func(name *string) {
		if *name == "runc" {
			*name = "../../x"
		}
	}
	rename(&rec.Run.Plan.Variants[0])
	for i := range rec.Run.Plan.Steps {
		rename(&rec.Run.Plan.Steps[i].Variant)
	}
	for i := range rec.Results {
		rename(&rec.Results[i].Variant)
	}
	last := len(rec.Tables[testrecord.Kernel]) - 1
	rec.Tables[testrecord.Kernel][last].Symbol = "<script>"
	hostile, plain := filepath.Join(dir, "hostile"), filepath.Join(dir, "plain")
	testrecord.WriteRecord(t, hostile, rec)
	testrecord.WriteRecord(t, plain, small(false))
	gives(t, 0, "../../x × redis-set", "compare", plain, hostile)
	gives(t, 0, "../../x × redis-set  steady", "explain", "<script>", hostile)
	gives(t, 0, filepath.Join(dir, "store", "x"), "baseline", "--dir", filepath.Join(dir, "store"), "save", "x", hostile)

	spoil := func(name, file string, change func([]byte) []byte) string {
		t.Helper()
		to := filepath.Join(dir, name)
		testrecord.WriteRecord(t, to, small(false))
		b, err := os.ReadFile(filepath.Join(to, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, file), change(b), 0o644); err != nil {
			t.Fatal(err)
		}
		return to
	}
	future := spoil("future", "run.json", func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"hapscope/1"`), []byte(`"hapscope/9"`), 1)
	})
	gives(t, exitUsage, "run.json: schema \"hapscope/9\": unknown schema version", "compare", plain, future)
	broken := spoil("broken", "results.jsonl", func(b []byte) []byte { return append(b, "{\"variant\":1}\n"...) })
	gives(t, exitUsage, "results.jsonl:7:", "explain", "clock_pop", broken)
	cut := spoil("cut", "results.jsonl", func(b []byte) []byte { return b[:len(b)-9] })
	gives(t, 0, "line 6 is half-written", "baseline", "--dir", filepath.Join(dir, "store"), "save", "cut", cut)
	gives(t, 0, "without  results.jsonl: line 6 is half-written", "baseline", "--dir", filepath.Join(dir, "store"), "show", "cut")
	if err := os.WriteFile(filepath.Join(dir, "store", "x", baselineFile), []byte(`{"schema": "hapscope-baseline/9"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	gives(t, exitUsage, `baseline.json: schema "hapscope-baseline/9": unknown schema version`, "baseline", "--dir", filepath.Join(dir, "store"), "show", "x")
	gives(t, 0, "cannot be read", "baseline", "--dir", filepath.Join(dir, "store"), "list")
}

func FuzzBaseline(f *testing.F) {
	f.Add([]byte(`{"schema": "hapscope-baseline/1", "name": "main", "saved": "2026-11-22T00:00:00Z", "run": "r", "hapscope": {"version": "1", "go": "go"}}`))
	f.Add([]byte(`{"schema": "hapscope-baseline/1", "name": "../x"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := parseBaseline(content)
		if (b == nil) == (err == nil) {
			t.Fatal("neither a baseline nor an error")
		}
		if b != nil && !baselineName.MatchString(b.Name) {
			t.Errorf("the name %q could be a path", b.Name)
		}
	})
}
