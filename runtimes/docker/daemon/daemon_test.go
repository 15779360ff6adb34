package daemon

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/runtimes"
)

func TestNobodyAnswers(t *testing.T) {
	d, err := Dial(filepath.Join(t.TempDir(), "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Info(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no Docker daemon answers at ") || !strings.Contains(runtimes.Remedy(err), "--docker-address") {
		t.Errorf("%v; remedy %q", err, runtimes.Remedy(err))
	}
}

// serve is a daemon that says what a test wants: one that is as old as that is hard to
// have.
func serve(t *testing.T, api string) *Daemon {
	t.Helper()
	address := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_ping") {
			if api != "" {
				w.Header().Set("Api-Version", api)
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		w.Write([]byte(`{"message":"the disk is full"}`))
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	d, err := Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTooOld(t *testing.T) {
	for _, api := range []string{"", "1.24", "1.40"} {
		_, err := serve(t, api).Info(t.Context())
		if err == nil || !strings.Contains(err.Error(), `version "`+api+`" of its API`) || runtimes.Remedy(err) != "install Docker 20.10 or later" {
			t.Errorf("%s: %v; remedy %q", api, err, runtimes.Remedy(err))
		}
	}
}

// What the daemon says is said, without what the client puts before it.
func TestDaemonsWords(t *testing.T) {
	_, err := serve(t, "1.41").Info(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), ": the disk is full") || strings.Contains(err.Error(), "Error response") {
		t.Errorf("err = %v", err)
	}
}

func TestProgress(t *testing.T) {
	for text, want := range map[string]string{
		"": "", `{"status":"x"}{"status":"y"}`: "", `{"status":"x"}{"error":"manifest unknown"}`: "manifest unknown", `{`: "read the daemon's progress",
	} {
		err := progress(strings.NewReader(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzProgress(f *testing.F) {
	f.Add(`{"status":"x"}{"error":"manifest unknown"}`)
	f.Add("{")
	f.Fuzz(func(t *testing.T, text string) { progress(strings.NewReader(text)) }) // must end
}
