// Package images gives container engines what sandboxes run from: images that a plan
// names by reference, and hapscope's own, made of the root file system that the other
// variants have.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hapscope/record"
	"hapscope/runtimes"
)

// Store is a container engine, as far as images go.
type Store interface {
	// Image looks an image up; it is false where the engine does not have it.
	Image(ctx context.Context, reference string) (Image, bool, error)
	// Pull fetches an image from its registry.
	Pull(ctx context.Context, reference string) error
	// Load takes an archive as `docker save` makes it.
	Load(ctx context.Context, archive io.Reader) error
	// RemoveImage removes a name, and what nothing else has. One that is not there is no error.
	RemoveImage(ctx context.Context, reference string) error
}

// Image is one that an engine has.
type Image struct {
	ID      string   // digest of its configuration, which names the digests of its layers
	Digests []string // repository@digest, of a registry's
}

// Options say what is needed.
type Options struct {
	Rootfs     string            // directory that the own image is made of
	References map[string]string // by workload; the own image is used where there is none
	Workloads  []string          // of the plan
}

// Set is the images of a plan in one engine.
type Set struct {
	options Options
	store   Store

	mu      sync.Mutex
	own     *Own
	brought []string // what the engine did not have before
}

// New returns a set. It asks nobody anything.
func New(s Store, o Options) *Set { return &Set{options: o, store: s} }

// Own returns hapscope's image, which is made once.
func (s *Set) Own() (*Own, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		own, err := NewOwn(s.options.Rootfs)
		if err != nil {
			return nil, err
		}
		s.own = own
	}
	return s.own, nil
}

// Reference is the name of what a sandbox runs from.
func (s *Set) Reference(spec runtimes.Spec) (string, error) {
	if spec.Image != "" {
		return spec.Image, nil
	}
	own, err := s.Own()
	if err != nil {
		return "", err
	}
	return own.Reference, nil
}

// Tools are the images, as a part of the record. References are fetched: only then their
// digests are known.
func (s *Set) Tools(ctx context.Context) (tools []record.Tool, err error) {
	for _, reference := range s.references() {
		found, err := s.have(ctx, reference, func() error { return s.store.Pull(ctx, reference) })
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool(reference, found.ID, found.Digests))
	}
	if s.usesOwn() {
		own, err := s.Own()
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool(own.Reference, own.ID, nil))
	}
	return tools, nil
}

func tool(reference, id string, digests []string) record.Tool {
	return record.Tool{Name: "image", Path: reference, Version: strings.Join(digests, " "), SHA256: strings.TrimPrefix(id, "sha256:")}
}

// Bring gives the engine what it does not have.
func (s *Set) Bring(ctx context.Context) error {
	if _, err := s.Tools(ctx); err != nil || !s.usesOwn() {
		return err
	}
	own, err := s.Own()
	if err != nil {
		return err
	}
	_, err = s.have(ctx, own.Reference, func() error {
		r, w := io.Pipe()
		go func() { w.CloseWithError(own.Write(w)) }()
		defer r.Close()
		return s.store.Load(ctx, r)
	})
	return err
}

// Remove takes away again what was brought.
func (s *Set) Remove(ctx context.Context) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reference := range s.brought {
		err = errors.Join(err, s.store.RemoveImage(ctx, reference))
	}
	s.brought = nil
	return err
}

// references are the images of others that the plan's workloads run from, sorted.
func (s *Set) references() (all []string) {
	for _, workload := range s.options.Workloads {
		if r := s.options.References[workload]; r != "" {
			all = append(all, r)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// usesOwn reports whether some workload runs from hapscope's own image.
func (s *Set) usesOwn() bool {
	return slices.ContainsFunc(s.options.Workloads, func(w string) bool { return s.options.References[w] == "" })
}

// have makes sure that the engine has an image, and remembers what has to go again.
func (s *Set) have(ctx context.Context, reference string, bring func() error) (Image, error) {
	found, ok, err := s.store.Image(ctx, reference)
	if err != nil || ok {
		// One of a killed run's: nobody else gives this name.
		if ok && strings.HasPrefix(reference, Repository+":") {
			s.remember(reference)
		}
		return found, err
	}
	if err := bring(); err != nil {
		return found, err
	}
	s.remember(reference)
	found, ok, err = s.store.Image(ctx, reference)
	if err == nil && !ok {
		err = fmt.Errorf("there is no image %s after it was brought", reference)
	}
	return found, err
}

func (s *Set) remember(reference string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.brought, reference) {
		s.brought = append(s.brought, reference)
	}
}

// Process is what a sandbox runs in its image: in one of others the program is found by
// its name, with the image's own PATH.
func Process(spec runtimes.Spec) record.Process {
	p := spec.Process
	if spec.Image == "" {
		return p
	}
	p.Args = append([]string{filepath.Base(p.Args[0])}, p.Args[1:]...)
	p.Env = slices.DeleteFunc(slices.Clone(p.Env), func(v string) bool { return strings.HasPrefix(v, "PATH=") })
	return p
}
