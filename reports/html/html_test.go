package html_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	stdhtml "html"
	"io"
	"regexp"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/html"
	"hapscope/reports/internal/checked"
)

func write(t *testing.T, rec *record.Record) string {
	t.Helper()
	return render(t, analysis.New(rec))
}

func render(t *testing.T, r *analysis.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, r, html.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSameBytes(t *testing.T) {
	if write(t, testrecord.WithTimings()) != write(t, testrecord.WithTimings()) {
		t.Error("two pages of one record differ")
	}
}

// void elements have no end tag.
var void = map[string]bool{"meta": true, "link": true, "br": true, "input": true}

// script is the page's own, which is no markup.
var script = regexp.MustCompile(`(?s)<script>.*?</script>`)

// TestWellFormed checks that every element is closed where it was opened.
func TestWellFormed(t *testing.T) {
	wellFormed(t, write(t, testrecord.WithPlaces()))
	wellFormed(t, render(t, checked.Report(t)))
}

func wellFormed(t *testing.T, page string) {
	t.Helper()
	page = script.ReplaceAllString(page, "")
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br", "input"}, xml.HTMLEntity
	var open []string
	ids := map[string]bool{}
	var references []string
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			for _, a := range e.Attr {
				switch {
				case a.Name.Local == "id" && ids[a.Value]:
					t.Errorf("id %q is there twice", a.Value)
				case a.Name.Local == "id":
					ids[a.Value] = true
				case a.Name.Local == "aria-labelledby", a.Name.Local == "aria-controls", a.Name.Local == "for":
					references = append(references, strings.Fields(a.Value)...)
				case a.Name.Local == "href" && strings.HasPrefix(a.Value, "#"):
					references = append(references, a.Value[1:])
				}
			}
			if !void[e.Name.Local] {
				open = append(open, e.Name.Local)
			}
		case xml.EndElement:
			if void[e.Name.Local] {
				continue // made up by the decoder for <path/> and the like
			}
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	for _, id := range references {
		if !ids[id] {
			t.Errorf("nothing has the id %q", id)
		}
	}
}

func TestLoadsNothing(t *testing.T) {
	page := write(t, testrecord.WithTimings())
	if n := len(script.FindAllString(page, -1)); n != 1 {
		t.Errorf("%d scripts, want the page's own", n)
	}
	rest := script.ReplaceAllString(page, "")
	for _, pattern := range []string{`https?:`, `//[a-z]`, `<script`, `@import`, `url\(`, `src=`, `srcset=`, ` on[a-z]+=`} {
		if found := regexp.MustCompile(pattern).FindString(rest); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	beside := regexp.MustCompile(`^(run\.json|results\.jsonl|timings\.jsonl|results\.csv|functions-[0-9a-f]+\.csv)$`)
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(href[1], "#") && href[1] != "data:," && !beside.MatchString(href[1]) {
			t.Errorf("a link to %q", href[1])
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("a value was refused by html/template")
	}
}

// TestOrder holds the page to the order in which one asks.
func TestOrder(t *testing.T) {
	rec := testrecord.WithTimings()
	for i, r := range testrecord.WithMachines().Results {
		rec.Results[i] = r
	}
	page := write(t, rec)
	at := 0
	for _, mark := range []string{`class="verdict"`, `id="figure-steady"`, `id="hap"`, `id="contexts"`, `id="sharing"`, `id="figure-sharing-1"`, `id="subsystems"`, `id="figure-subsystems"`, `id="functions"`, `id="calls"`, `id="policy"`,
		`id="layers"`, `id="vm"`, `id="performance"`, `id="figure-trade-off-native"`, `id="phases"`, `id="instrument"`, `id="control"`, `id="convergence"`, `id="method"`, `id="raw"`, `id="reading"`} {
		next := strings.Index(page, mark)
		if next < at {
			t.Errorf("%s is not where it should be (%d, after %d)", mark, next, at)
		}
		at = next
	}
}

// TestCheck finds each verdict of a check above the figure, failing ones first, and the
// passes folded.
func TestCheck(t *testing.T) {
	r := checked.Report(t)
	page := stdhtml.UnescapeString(render(t, r))
	if head, _, _ := strings.Cut(page, "</header>"); !strings.Contains(head, "check failed</span> "+r.Check.Headline()) || !strings.Contains(head, `href="#check"`) {
		t.Error("the head of the page does not say how the check went")
	}
	_, section, _ := strings.Cut(page, `<h2 id="check">`)
	section, _, after := strings.Cut(section, `</section>`)
	if !after || strings.Index(page, `id="check"`) > strings.Index(page, `id="figure-steady"`) {
		t.Fatal("the verdicts are not above the first figure")
	}
	bad, held, _ := strings.Cut(section, "<details><summary>5 of 15 limits hold</summary>")
	if n, m := strings.Count(bad, `<tr><th scope="row">`), strings.Count(held, `<tr><th scope="row">`); n != 10 || m != 5 {
		t.Errorf("%d verdicts that are no pass, and %d passes; want 10 and 5", n, m)
	}
	if strings.Contains(held, "violated") || strings.Contains(held, "undecided") || strings.LastIndex(bad, `"status failed"`) > strings.Index(bad, `"status degraded"`) {
		t.Error("the order of the verdicts is not: what fails, what is warned of, what holds")
	}
	for _, want := range []string{
		"compared with the baseline main", "scenarios.yaml:7:5", "at most 0 functions that the baseline does not have; runc, gvisor-kvm; redis-set; steady",
		`<td class="n" data-is="value">588 functions</td><td class="n" data-is="limit">520 functions</td><td data-is="rule">profile <span class="range">max</span></td>`,
		`data-is="value">2 times</td><td class="n" data-is="limit">1.2 times</td>`, "12 functions</summary>", "<li>vfs_wait</li>", "the allowance of vfs_* expired on 2026-10-31",
	} {
		if !strings.Contains(bad, want) {
			t.Errorf("the verdicts do not say %q", want)
		}
	}
	if strings.Contains(write(t, testrecord.New()), `id="check"`) {
		t.Error("verdicts of a check that was not made")
	}
}

// TestFunctionList looks a function up, as a reader without JavaScript would.
func TestFunctionList(t *testing.T) {
	page := write(t, testrecord.New())
	_, list, _ := strings.Cut(page, `<table id="functions-table">`)
	list, _, _ = strings.Cut(list, "</table>")
	row := regexp.MustCompile(`<tr><th scope="row">futex_wait</th><td>([^<]*)</td><td>([^<]*)</td>`).FindStringSubmatch(list)
	if row == nil || row[1] != "kernel/futex ?" || row[2] != "CBST" { // of runc
		t.Errorf("futex_wait: %q", row)
	}
	if !strings.Contains(list, "<td>CBST s/CBIST</td>") || !strings.Contains(list, "h/CBIST") {
		t.Error("no function was reached in several contexts")
	}
	if n, want := strings.Count(list, "<tr>")-1, len(analysis.New(testrecord.New()).Reached()); n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
}

// TestHostile makes sure that names of a record stay text wherever the page has them.
func TestHostile(t *testing.T) {
	page := script.ReplaceAllString(write(t, testrecord.Hostile())+render(t, checked.Hostile(t)), "")
	for _, wrong := range []string{"<script", "<img", `"><b`, "</table><script", `href="javascript:`, `href="../`, " onerror=alert(1)>"} {
		if strings.Contains(page, wrong) {
			t.Errorf("text of the record became markup: %q", wrong)
		}
	}
	for _, want := range []string{"&lt;script&gt;", "../../x"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestSparse draws records that lack what a page could be tempted to rely on.
func TestSparse(t *testing.T) {
	tests := map[string]func(*record.Record){
		"nothing measured": func(r *record.Record) { r.Results, r.Tables = nil, map[string][]record.Function{} },
		"no machine":       func(r *record.Record) { r.Run.Machine = nil },
		"on the host":      func(r *record.Record) { r.Run.Lab, r.Run.Where = nil, "host" },
		"no variants":      func(r *record.Record) { r.Run.Variants, r.Run.Tools = nil, nil },
		"no calls": func(r *record.Record) {
			for i := range r.Results {
				for j := range r.Results[i].Phases {
					r.Results[i].Phases[j].Syscalls = nil
				}
			}
		},
		"no functions": func(r *record.Record) {
			for i := range r.Results {
				for j := range r.Results[i].Phases {
					r.Results[i].Phases[j].Functions = nil
				}
			}
		},
		"one cell": func(r *record.Record) {
			r.Run.Plan.Variants, r.Run.Plan.Workloads = []string{"runc"}, []string{"redis-set"}
			r.Run.Plan.Steps, r.Results = r.Run.Plan.Steps[:1], r.Results[:1]
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			rec := testrecord.New()
			change(rec)
			if page := write(t, rec); !strings.HasSuffix(page, "</html>\n") || strings.Contains(page, "%!") {
				t.Error("not a whole page")
			}
		})
	}
}

func TestTimings(t *testing.T) {
	if strings.Contains(write(t, testrecord.New()), "Performance, and the trade-off") {
		t.Error("the page speaks of timings, and there are none")
	}
	page := stdhtml.UnescapeString(write(t, testrecord.WithTimings()))
	for _, want := range []string{
		"Performance, and the trade-off", "Timed native: on the machine", `id="figure-trade-off-native"`, `id="figure-throughput-native"`, `id="figure-latency-native"`,
		`id="figure-startup-native"`, `id="figure-memory-native"`, "≈ p = .", "p < .001", "drifting", "bimodal", "1 of 10 degraded",
		"27\u202f500 of 115\u202f000", "K8s China", "the generator sent 441 of 500 requests a second", "10 repetitions: 1 s to warm up", "Linux 7.1.2-cloud, 2 × a made-up CPU", "Where was timed: native",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestPlaces makes sure that two places are never in one part, and that the page says so.
func TestPlaces(t *testing.T) {
	page := write(t, testrecord.WithPlaces())
	native, emulated, _ := strings.Cut(page[strings.Index(page, `<h3 id="timed-native">`):], `<h3 id="timed-emulated">`)
	emulated, _, _ = strings.Cut(emulated, "</section>")
	if native = native[strings.Index(native, `id="timed-native-req-s"`):]; strings.Contains(native, "gvisor-systrap") {
		t.Error("an emulated timing is in the native tables")
	}
	if table := emulated[strings.Index(emulated, `id="timed-emulated-req-s"`):]; strings.Contains(table, "runc</th>") || strings.Contains(table, " × <span") {
		t.Error("a native timing, or a ratio to one, is in the emulated tables")
	}
	if !strings.Contains(page, "Timings were taken at 2 places") {
		t.Error("the page does not say that there are two places")
	}
}

func TestOnlyTimings(t *testing.T) {
	page := write(t, testrecord.OnlyTimings())
	for _, wrong := range []string{"Nothing was measured", "Unique functions in the steady state", "trace events were decoded", "0 cells"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page says %q", wrong)
		}
	}
	if !strings.Contains(page, "Throughput in saturation (native), beside that of runc") || !strings.HasSuffix(page, "</html>\n") {
		t.Error("not a whole page, or without its headline")
	}
}
