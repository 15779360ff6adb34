package image

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestBuildHoldAndClean lets builders, machines and cleaners work on one cache at once, as
// runs, `lab build` and `lab clean --all` of several users do. Whoever holds an entry has
// it whole, and whoever cannot is told so in words.
func TestBuildHoldAndClean(t *testing.T) {
	cache := t.TempDir()
	s := newStore(Options{CacheDir: cache})
	c := fake("shared", func(dir string) error {
		for i := range 20 {
			if err := write(fmt.Sprint("file", i))(dir); err != nil {
				return err
			}
		}
		return nil
	})
	var users, cleaners sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		cleaners.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := Clean(Options{CacheDir: cache}, true); err != nil {
					t.Errorf("clean: %v", err)
					return
				}
			}
		})
	}
	for range 4 {
		users.Go(func() {
			for range 25 {
				key, err := s.ensure(t.Context(), c, io.Discard)
				if err != nil {
					t.Errorf("build: %v", err)
					return
				}
				set := &Set{CacheDir: cache, Keys: map[string]string{Userland: key}}
				release, _, err := set.Hold()
				if err != nil {
					if !strings.Contains(err.Error(), "was removed from the cache: try again") {
						t.Errorf("hold: %v", err)
					}
					continue
				}
				if files, err := os.ReadDir(s.path(Userland, key)); err != nil || len(files) != 21 { // with entry.json
					t.Errorf("the entry that is held has %d files, %v", len(files), err)
				}
				release()
			}
		})
	}
	users.Wait()
	close(stop)
	cleaners.Wait()
	if left, _ := filepath.Glob(filepath.Join(s.dir, Userland, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}
