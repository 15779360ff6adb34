package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"hapscope/runtimes/images"
)

// Provision is what an engine is given before its first sandbox, and gives back after the
// last: images. Several variants share one. While it is used a directory says so, for
// whoever comes after a hapscope that was killed.
type Provision struct {
	Images *images.Set
	Dir    string            // of the state
	Note   map[string]string // files in it: content by name

	mu    sync.Mutex
	users int
}

// Prepare brings the images for the first user. The last who calls done takes them away.
func (p *Provision) Prepare(ctx context.Context) (done func() error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == 0 {
		if err := p.bring(ctx); err != nil {
			return nil, errors.Join(err, p.remove())
		}
	}
	p.users++
	return sync.OnceValue(p.release), nil
}

func (p *Provision) bring(ctx context.Context) error {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return fmt.Errorf("note that an engine is used: %w", err)
	}
	for name, content := range p.Note {
		if err := os.WriteFile(filepath.Join(p.Dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("note that an engine is used: %w", err)
		}
	}
	return p.Images.Bring(ctx)
}

func (p *Provision) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users > 0 {
		return nil
	}
	return p.remove()
}

// remove takes away what the engine did not have before.
func (p *Provision) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), ImageDeadline)
	defer cancel()
	return errors.Join(p.Images.Remove(ctx), os.RemoveAll(p.Dir))
}
