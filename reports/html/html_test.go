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
)

func write(t *testing.T, rec *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, analysis.New(rec), html.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSameBytes(t *testing.T) {
	if write(t, testrecord.New()) != write(t, testrecord.New()) {
		t.Error("two pages of one record differ")
	}
}

// void elements have no end tag.
var void = map[string]bool{"meta": true, "link": true, "br": true}

// TestWellFormed checks that every element is closed where it was opened.
func TestWellFormed(t *testing.T) {
	page := write(t, testrecord.New())
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br"}, xml.HTMLEntity
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
				case a.Name.Local == "aria-labelledby":
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
	page := write(t, testrecord.New())
	for _, pattern := range []string{`https?:`, `//[a-z]`, `<script`, `@import`, `url\(`, `src=`, `srcset=`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(href[1], "#") && href[1] != "data:," {
			t.Errorf("a link to %q", href[1])
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("a value was refused by html/template")
	}
}

func TestSaysEverything(t *testing.T) {
	page := stdhtml.UnescapeString(write(t, testrecord.New()))
	for _, want := range []string{
		"gvisor-systrap made Linux 6.12.57+deb13-amd64 run the fewest unique functions",
		"Of 20 cells: 11 ok, 1 degraded, 2 missing, 2 failed, 4 skipped.",
		"KVM_RUN of a test guest did not return within 5 s", "run on a machine whose /dev/kvm works",
		"1234 of 2121780 events lost in phase steady", "1 of 3 failed", "1 of 3 degraded",
		"568.5", "a probe guest did not boot under KVM within 15 s", "release-20260905.0",
		"Mitigation: Retpolines", testrecord.Kernel, "20180716", "epoll_wait", "package-07 1.7-1", "create+boot",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestMachines(t *testing.T) {
	if page := write(t, testrecord.New()); strings.Contains(page, "Virtual machines in the steady state") {
		t.Error("the page speaks of virtual machines, and there were none")
	}
	page := write(t, testrecord.WithMachines())
	for _, want := range []string{"Virtual machines in the steady state", "Exits to the monitor", "Work items of vhost", "Kicks to vhost", "Interrupts by vhost", "vhost work handle_tx_kick [vhost_net]", "vhost kick net tx", "vhost interrupt net rx", "exit npf"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestEscapes(t *testing.T) {
	rec := testrecord.New()
	rec.Run.Why = `<script>alert("why")</script>`
	rec.Run.Plan.Scenario = `"><b>`
	page := write(t, rec)
	if strings.Contains(page, "<script>") || strings.Contains(page, `"><b>`) {
		t.Error("text of the record became markup")
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
