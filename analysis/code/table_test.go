package code

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/record"
)

func small(t testing.TB) *Table {
	t.Helper()
	table, err := NewTable("0123456789abcdef", []Function{
		{Module: "ext4", Offset: 0x20, Bytes: 7, File: "fs/ext4/inode.c", Line: 12, Lines: 3},
		{Offset: 0x2000, Bytes: 300, File: "kernel/fork.c", Line: 99, Lines: 40},
		{Offset: 0x10, Bytes: 4}, // of which only the size is known
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestATableIsReadAsItWasWritten(t *testing.T) {
	var b, again bytes.Buffer
	if err := small(t).Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(t), got, cmp.AllowUnexported(Table{})); diff != "" {
		t.Error(diff)
	}
	if got.Write(&again); !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same table is not the same bytes")
	}
	for n := range b.Len() {
		if _, err := Read(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Fatalf("a table that ends after %d of %d bytes is read", n, b.Len())
		}
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	head := magic + "0123456789abcdef\n" + columns + "\n"
	for _, c := range []struct{ content, want string }{
		{"", "line 1"},
		{magic + "../../x\n" + columns + "\n", "line 1"},
		{"hapscope kernel table 2 0123456789abcdef\n", "line 1"},
		{magic + "0123456789abcdef\n", "line 2"},
		{magic + "0123456789abcdef\na,b\n", "line 2"},
		{head + ",10,1,a.c,2\n", "line 3"},
		{head + ",10,1,a.c,2,3\n,xyz,1,a.c,2,3\n", "line 4: offset"},
		{head + ",10,-1,a.c,2,3\n", "line 3"},
		{head + ",10,1,a.c,99999999999,3\n", "line 3"},
		{head + ",10,1,a.c,2,3\n,10,1,a.c,2,3\n", "two functions"},
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(c.content))
		z.Close()
		if _, err := Read(&b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.content, err, c.want)
		}
	}
}

func TestATableThatUnpacksWithoutEndIsRefused(t *testing.T) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	z.Write([]byte(magic + "0123456789abcdef\n" + columns + "\n,10,1," + strings.Repeat("a", maxTable)))
	z.Close()
	if _, err := Read(&b); err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("error %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(magic + "0123456789abcdef\n" + columns + "\n,10,1,a.c,2,3\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(content)
		z.Close()
		Read(&b)
		Read(bytes.NewReader(content))
	})
}

// ran reads functions that a record of the lab has seen run.
func ran(t *testing.T, name string) (functions []record.Function) {
	t.Helper()
	b, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	z, err := gzip.NewReader(b)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		offset, err := strconv.ParseUint(strings.TrimPrefix(row[2], "0x"), 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		functions = append(functions, record.Function{Module: row[0], Symbol: row[1], Offset: offset})
	}
	return functions
}

// The builds of the lab's kernels, and what ran on them in a run of all variants, if that
// is kept.
var lab = []struct {
	release, build, ran string
}{
	{"6.12.118+deb13-amd64", "67e5e727aeb3cb468dfe1bb8f9738f944c3a7d50", ""},
	{"6.12.117+deb13-amd64", "b1d7a9114053a488ef493f85f85e9fc75ba9f632", "ran-6.12.csv.gz"},
	{"6.1.0-56-amd64", "eb4fbcd037e7253717950bf2b93bd5566f47c56f", "ran-6.1.csv.gz"},
}

func TestTheLabsKernelsHaveTables(t *testing.T) {
	if got := BuiltinBuilds(); len(got) != len(lab) {
		t.Errorf("tables of %d builds are part of hapscope, want %d", len(got), len(lab))
	}
	for _, kernel := range lab {
		m := For(kernel.build)
		if !m.Exact() {
			t.Errorf("%s has no table", kernel.release)
			continue
		}
		if kernel.ran == "" {
			continue
		}
		for _, f := range ran(t, kernel.ran) {
			if p := m.Place(f); p.Approximate || p.Subsystem == "" || p.Line == 0 || p.Bytes == 0 || p.Lines == 0 {
				t.Errorf("%s: %s: %+v", kernel.release, f.Name(), p)
			}
		}
	}
}

// The lists that guesses are made by come from 6.12; 6.1 is a kernel that they have not
// seen.
func TestGuessesAreMostlyRight(t *testing.T) {
	for _, kernel := range lab {
		if kernel.ran == "" {
			continue
		}
		exact, g := For(kernel.build), newGuesser()
		guessed, right := 0, 0
		functions := ran(t, kernel.ran)
		for _, f := range functions {
			if s := g.subsystem(f); s != "" {
				guessed++
				if s == exact.Place(f).Subsystem {
					right++
				}
			}
		}
		t.Logf("%s: of %d functions that ran, %d were guessed, %d of them rightly", kernel.release, len(functions), guessed, right)
		if 100*guessed < 60*len(functions) || 100*right < 90*guessed {
			t.Errorf("%s: fewer than 60 %% are guessed, or fewer than 90 %% of those rightly", kernel.release)
		}
	}
}
