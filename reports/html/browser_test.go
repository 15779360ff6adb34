//go:build browser

package html_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hapscope/reports/internal/checked"
)

// TestInBrowser opens the page in a real Chromium, light and dark, wide and as
// narrow as a phone. It fails, rather than skips, where there is no Chromium:
// whoever asks for the tag browser wants it tried.
func TestInBrowser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(render(t, checked.Report(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	browser := browse(t, path)
	for _, width := range []int64{390, 820, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d %s", width, scheme), func(t *testing.T) {
				var scroll, client, figures, drawn float64
				var background, ink string
				var cut []string
				err := chromedp.Run(browser,
					emulation.SetDeviceMetricsOverride(width, 844, 1, width < 500),
					emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
					chromedp.Navigate("file://"+path),
					chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil),
					chromedp.Evaluate(`document.documentElement.scrollWidth`, &scroll),
					chromedp.Evaluate(`document.documentElement.clientWidth`, &client),
					chromedp.Evaluate(`[...document.querySelectorAll("figure svg")].filter(s => s.getBoundingClientRect().height > 200).length`, &figures),
					chromedp.Evaluate(`document.querySelector("figure svg").getBoundingClientRect().width`, &drawn),
					chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &background),
					chromedp.Evaluate(`getComputedStyle(document.querySelector("figure svg text")).fill`, &ink),
					// every text of the figures lies within its drawing
					chromedp.Evaluate(`[...document.querySelectorAll("figure svg")].flatMap(s => { const o = s.getBoundingClientRect();
						return [...s.querySelectorAll("text")].filter(e => { const r = e.getBoundingClientRect();
							return r.left < o.left - 1 || r.right > o.right + 1 || r.top < o.top - 1 || r.bottom > o.bottom + 1 }).map(e => e.textContent) })`, &cut),
				)
				if err != nil {
					t.Fatal(err)
				}
				if scroll > client || client != float64(width) {
					t.Errorf("the page is %v wide in a window of %v (asked for %d)", scroll, client, width)
				}
				if figures != 13 {
					t.Errorf("%v figures are visible, want 13", figures)
				}
				if len(cut) > 0 {
					t.Errorf("texts reach out of the figure (%v wide): %q", drawn, cut)
				}
				if (background == "rgb(255, 255, 255)") != (scheme == "light") || background == ink {
					t.Errorf("background %s with text %s", background, ink)
				}
			})
		}
	}
}

// sinceInput is longer than the page's script waits before it filters.
const sinceInput = 300 * time.Millisecond

// browse starts a browser in which nothing may ask for anything but the page, or write
// to the console.
func browse(t *testing.T, path string) context.Context {
	t.Helper()
	// Chromium's sandbox wants an ordinary user; tests often run as root in CI.
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	browser, cancel = context.WithTimeout(browser, 4*time.Minute)
	t.Cleanup(cancel)
	chromedp.ListenTarget(browser, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			t.Errorf("console: %s: %s", e.Entry.Level, e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			t.Errorf("console: %s", e.Type)
		case *page.EventJavascriptDialogOpening:
			t.Errorf("a dialog: %s", e.Message)
		case *runtime.EventExceptionThrown:
			t.Errorf("exception: %s", e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; u != "file://"+path && u != "data:," {
				t.Errorf("the page asks for %s", u)
			}
		}
	})
	if err := chromedp.Run(browser, log.Enable(), network.Enable()); err != nil {
		t.Fatal(err)
	}
	return browser
}
