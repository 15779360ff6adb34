package debuginfo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Servers are base URLs of debuginfod servers, as DEBUGINFOD_URLS has them.
type Servers []string

// silence is how long a server may send nothing: debuginfod's own default is 90 s
// (DEBUGINFOD_TIMEOUT), in which it unpacks a package.
const silence = 90 * time.Second

// Fetch writes the debug information of a build to a file: of the first server that has
// it (debuginfod(8), GET /buildid/BUILDID/debuginfo).
func (s Servers) Fetch(ctx context.Context, build, path string) error {
	if len(s) == 0 {
		return errors.New("fetch debug information: no debuginfod server is named (DEBUGINFOD_URLS)")
	}
	var failed []error
	for _, server := range s {
		err := fetch(ctx, strings.TrimSuffix(server, "/")+"/buildid/"+build+"/debuginfo", path)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return fmt.Errorf("fetch debug information of build %s: %w", build, errors.Join(failed...))
}

func fetch(ctx context.Context, url, path string) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("no answer for %v", silence)) })
	defer quiet.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, &lively{answer.Body, quiet}); err != nil {
		return fmt.Errorf("%s: %w", url, errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// lively puts a deadline off with all that is read.
type lively struct {
	io.Reader
	deadline *time.Timer
}

func (l *lively) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if n > 0 {
		l.deadline.Reset(silence)
	}
	return n, err
}
