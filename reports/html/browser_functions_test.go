//go:build browser

package html_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// openPage opens the page of a record in a tab whose console must stay empty.
func openPage(t *testing.T, rec *record.Record) (actions func(...chromedp.Action)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(write(t, rec)), 0o644); err != nil {
		t.Fatal(err)
	}
	tab := browse(t, path)
	actions = func(list ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(tab, list...); err != nil {
			t.Fatal(err)
		}
	}
	actions(chromedp.Navigate("file://" + path))
	return actions
}

// visible are the names of the functions that are shown.
const visible = `[...document.querySelectorAll("#functions-table tbody tr")].filter(r => r.offsetHeight > 0).map(r => r.cells[0].textContent)`

// TestSearchByKeyboard touches nothing but keys.
func TestSearchByKeyboard(t *testing.T) {
	run := openPage(t, testrecord.New())
	var names []string
	var focus, said string
	var open bool
	run(
		chromedp.Evaluate(`document.querySelector("#functions-list > summary").focus()`, nil),
		chromedp.KeyEvent(kb.Enter),
		chromedp.Evaluate(`document.getElementById("functions-list").open`, &open),
		chromedp.KeyEvent(kb.Tab),
		chromedp.Evaluate(`document.activeElement.id`, &focus),
	)
	if !open || focus != "find-name" {
		t.Fatalf("the list is open: %v; the field after its title is %q", open, focus)
	}
	run(
		chromedp.KeyEvent("futex_W"),
		chromedp.Poll(`document.getElementById("found").textContent.startsWith("3 ")`, nil, chromedp.WithPollingInterval(sinceInput), chromedp.WithPollingTimeout(time.Minute)),
		chromedp.Evaluate(visible, &names),
		chromedp.Text("#found", &said),
	)
	if strings.Join(names, " ") != "futex_wait futex_wake futex_write" || !strings.HasPrefix(said, "3 of ") {
		t.Errorf("%q; said: %q", names, said)
	}
}

// TestFilters asks for what only one variant reaches.
func TestFilters(t *testing.T) {
	run := openPage(t, testrecord.New())
	count := func(settings string) (n int) {
		t.Helper()
		run(chromedp.Evaluate(`(() => {
			const form = document.getElementById("find"); form.reset();
			document.getElementById("functions-list").open = true;
			for (const [name, value] of Object.entries(`+settings+`)) document.getElementById("find-" + name).value = value;
			form.dispatchEvent(new Event("input"));
		})()`, nil), chromedp.Sleep(sinceInput), chromedp.Evaluate(visible+`.length`, &n))
		return n
	}
	all := count(`{}`)
	by, not := count(`{variant: "by 0", phase: "S", context: ""}`), count(`{variant: "not 0", phase: "S", context: ""}`)
	steady := count(`{phase: "S", context: ""}`)
	if by == 0 || not == 0 || by+not != steady || steady >= all {
		t.Errorf("of %d functions %d are reached in the steady state, %d by the first variant and %d not by it", all, steady, by, not)
	}
	if only := count(`{variant: "only 0", phase: "S", context: ""}`); only > by {
		t.Errorf("%d only by the first variant, %d by it", only, by)
	}
	if none := count(`{name: "no such function"}`); none != 0 {
		t.Errorf("%d are shown", none)
	}
}

// TestHostileInBrowser opens a page whose names would be scripts, had they become any.
func TestHostileInBrowser(t *testing.T) {
	run := openPage(t, testrecord.Hostile())
	var scripts, images int
	run(chromedp.Evaluate(`document.scripts.length`, &scripts), chromedp.Evaluate(`document.images.length`, &images))
	if scripts != 1 || images != 0 {
		t.Errorf("%d scripts, %d images", scripts, images)
	}
}
