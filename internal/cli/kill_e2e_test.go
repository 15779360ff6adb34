//go:build lab

package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// The kill test (docs/reliability.md): a run of four repetitions, in which something is
// killed at a random moment, is resumed, and then has to be as if nothing had happened.
// HAPSCOPE_SEED and HAPSCOPE_ROUND play one round again; HAPSCOPE_ROUNDS is how many are
// played; HAPSCOPE_TABLE names a file for what came of them.

// ground is where rounds are played.
type ground struct {
	name     string
	victims  []victim
	rounds   int           // where HAPSCOPE_ROUNDS does not say
	poll     time.Duration // how often the victim is looked for
	deadline time.Duration // of each command: nothing may hang
	// begin starts the run in a directory, again goes on with it. seconds is when something
	// is to be killed, for those that kill by themselves.
	begin, again func(dir string, v *victim, seconds float64) []string
}

// killed is what came of a round.
type killed struct {
	number  int
	victim  string
	at      float64 // s after the start
	hit     bool    // there was something to be killed
	code    int     // with which the command ended
	kept    int     // repetitions that were finished then
	resumed bool    // what was killed ended the run
	took    float64 // s, all of the round
	failed  bool
}

// survive plays rounds.
func (g ground) survive(t *testing.T) {
	seed, rounds, only := number("HAPSCOPE_SEED", 1), number("HAPSCOPE_ROUNDS", g.rounds), number("HAPSCOPE_ROUND", 0)
	t.Logf("%s: seed %d, %d rounds; HAPSCOPE_SEED=%d HAPSCOPE_ROUND=N -test.run='^%s$' plays one again", g.name, seed, rounds, seed, t.Name())
	began := time.Now()
	whole := g.undisturbed(t)
	took := time.Since(began)
	var all []killed
	for n := 1; n <= rounds; n++ {
		if only != 0 && n != only {
			continue
		}
		k := killed{number: n, failed: true}
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			g.play(t, &k, uint64(seed), took, whole)
			k.failed = t.Failed()
		})
		t.Logf("%+v", k)
		all = append(all, k)
	}
	table(t, g.name, seed, took, all)
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

// outcome is the status of each repetition.
type outcome map[record.Step]record.Status

// undisturbed is what all rounds have to come to.
func (g ground) undisturbed(t *testing.T) outcome {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	r := g.start(t, t.TempDir(), g.begin(dir, nil, 0))
	if code := r.wait(t, g.deadline); code != 0 && code != 5 {
		t.Fatalf("the undisturbed run ended with exit code %d:\n%s", code, r.said(t))
	}
	clean(t)
	rec := read(t, dir)
	whole := outcomeOf(rec)
	if len(whole) != 4 || rec.Run.Ended == nil {
		t.Fatalf("undisturbed it is %v, ended %v", whole, rec.Run.Ended)
	}
	for step, status := range whole {
		if status != record.OK {
			t.Fatalf("undisturbed, %v is %s:\n%s", step, status, r.said(t))
		}
	}
	return whole
}

func outcomeOf(rec *record.Record) outcome {
	o := outcome{}
	for _, r := range rec.Results {
		o[record.Step{Cell: r.Cell(), Repetition: r.Repetition}] = r.Status
	}
	for _, r := range rec.Timings {
		status := r.Status
		if status == record.Degraded && strings.Contains(r.Reason, "requests a second") {
			status = record.OK // a busy machine kept the generator from its rate
		}
		o[record.Step{Cell: r.Cell(), Repetition: r.Repetition}] = status
	}
	return o
}

// play is one round.
func (g ground) play(t *testing.T, k *killed, seed uint64, took time.Duration, whole outcome) {
	began := time.Now()
	defer func() { k.took = time.Since(began).Seconds() }()
	random := rand.New(rand.NewPCG(seed, uint64(k.number)))
	v := g.victims[(seed+uint64(k.number))%uint64(len(g.victims))]
	moment := time.Duration(random.Float64() * float64(took))
	k.victim = v.name
	dir, temporary := filepath.Join(t.TempDir(), "run"), t.TempDir()

	r := g.start(t, temporary, g.begin(dir, &v, moment.Seconds()))
	k.hit, k.at = r.kill(t, v, moment, g.poll, random)
	kept := lines(dir)
	k.code = r.wait(t, g.deadline)
	if v.itself {
		k.hit, kept = k.code != 0, lines(dir)
	}
	k.kept = bytes.Count(kept, []byte("\n"))
	last := r
	if rec, err := record.Read(dir); err != nil || rec.Run.Ended == nil {
		last = g.goOn(t, dir, temporary, &v)
		if code := last.wait(t, g.deadline); code != 0 && code != 5 { // which is looked into below
			t.Fatalf("exit code %d of the resumed run:\n%s\nbefore that:\n%s", code, last.said(t), r.said(t))
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s killed after %.1f s: %v, exit code %d\n%s\nthe last command:\n%s", v.name, k.at, k.hit, k.code, r.said(t), last.said(t))
		}
	}()
	clean(t)
	nothingOf(t, temporary, dir)
	testrecord.Validate(t, dir)
	rec := read(t, dir) // which refuses a repetition that is there twice
	if !bytes.HasPrefix(lines(dir), kept) {
		t.Errorf("of what was finished when it was killed something is lost or changed:\n%.2000s", kept)
	}
	if got := outcomeOf(rec); !maps.Equal(got, whole) || rec.Run.Ended == nil || len(rec.Results)+len(rec.Timings) != len(whole) {
		t.Errorf("ended %v with %v, undisturbed it is %v", rec.Run.Ended, got, whole)
	}
	k.resumed = last != r
}

// goOn resumes at once, and again as long as what was killed is still being put away by
// its own. A run that was killed before it had a record is started anew.
func (g ground) goOn(t *testing.T, dir, temporary string, v *victim) *attempt {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		args := g.again(dir, v, 0)
		if _, err := os.Stat(filepath.Join(dir, "run.json")); err != nil {
			args = g.begin(dir, nil, 0)
		}
		r := g.start(t, temporary, args)
		code := r.wait(t, g.deadline)
		if code == 0 || code == 5 || !strings.Contains(r.said(t), "another hapscope is") || time.Now().After(deadline) {
			return r
		}
	}
}

// lines are the finished repetitions in a run directory, byte for byte. The results come
// first, and there are none where there are timings.
func lines(dir string) (whole []byte) {
	for _, name := range []string{"results.jsonl", "timings.jsonl"} {
		content, _ := os.ReadFile(filepath.Join(dir, name))
		whole = append(whole, content[:bytes.LastIndexByte(content, '\n')+1]...)
	}
	return whole
}

// nothingOf fails the test for processes and temporary files of the round's commands.
func nothingOf(t *testing.T, temporary, dir string) {
	t.Helper()
	left := marked(temporary)
	for end := time.Now().Add(10 * time.Second); len(left) > 0 && time.Now().Before(end); left = marked(temporary) {
		time.Sleep(100 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	for _, pattern := range []string{temporary + "/*", dir + "/.*"} {
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// attempt is a command of a round. Its output goes to a file: a pipe would be waited for
// until the last child has ended.
type attempt struct {
	cmd       *exec.Cmd
	temporary string // marks all that it starts
	output    string
	done      chan struct{}
}

func (g ground) start(t *testing.T, temporary string, args []string) *attempt {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "output")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &attempt{cmd: exec.Command(binary(t), args...), temporary: temporary, output: f.Name(), done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = f, f
	r.cmd.Env = append(os.Environ(), "NO_COLOR=1", "TMPDIR="+temporary)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.cmd.Wait() // wait reads what came of it
		close(r.done)
	}()
	return r
}

// wait returns the exit code, -1 for a signal.
func (r *attempt) wait(t *testing.T, deadline time.Duration) int {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(deadline):
		for _, pid := range append(marked(r.temporary), r.cmd.Process.Pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		<-r.done
		t.Fatalf("no end within %v:\n%s", deadline, r.said(t))
	}
	return r.cmd.ProcessState.ExitCode()
}

func (r *attempt) said(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(r.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// kill waits for the moment, and then for the victim.
func (r *attempt) kill(t *testing.T, v victim, moment, poll time.Duration, random *rand.Rand) (hit bool, at float64) {
	t.Helper()
	start := time.Now()
	for wait := moment; ; wait = poll {
		select {
		case <-r.done:
			return v.itself, time.Since(start).Seconds()
		case <-time.After(wait):
		}
		if v.itself {
			continue // until it has killed what it is to kill
		}
		found := v.find(r)
		if len(found) == 0 {
			continue
		}
		if !v.all {
			i := random.IntN(len(found))
			found = found[i : i+1]
		}
		for _, pid := range found {
			if err := syscall.Kill(pid, v.signal); err == nil {
				hit = true
			} else if !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
		}
		if hit {
			return true, time.Since(start).Seconds()
		}
	}
}

// table writes what came of the rounds, by victim.
func table(t *testing.T, ground string, seed int, took time.Duration, all []killed) {
	t.Helper()
	by := map[string][]killed{}
	for _, k := range all {
		by[k.victim] = append(by[k.victim], k)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(by)) {
		hits, resumed, failed, least, most, first, last := 0, 0, []string{}, 99, 0, 1e9, 0.0
		for _, k := range by[name] {
			if k.resumed {
				resumed++
			}
			least, most, first, last = min(least, k.kept), max(most, k.kept), min(first, k.at), max(last, k.at)
			if k.hit {
				hits++
			}
			if k.failed {
				failed = append(failed, strconv.Itoa(k.number))
			}
		}
		result := "as undisturbed, nothing left"
		if len(failed) > 0 {
			result = "**not so in round " + strings.Join(failed, ", ") + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %.1f–%.1f of %.1f | %d–%d | %d | %s |\n", ground, name, len(by[name]), hits, first, last, took.Seconds(), least, most, resumed, result)
	}
	t.Logf("seed %d\n%s", seed, b.String())
	path := os.Getenv("HAPSCOPE_TABLE")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		_, err = f.WriteString(b.String())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Error(err)
	}
}
