package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"hapscope/runtimes"
	"hapscope/runtimes/images"
)

var _ images.Store = (*Daemon)(nil)

// Image implements images.Store.
func (d *Daemon) Image(ctx context.Context, reference string) (images.Image, bool, error) {
	r, err := d.client.ImageInspect(ctx, reference)
	if missing(err) {
		return images.Image{}, false, nil
	}
	if err != nil {
		return images.Image{}, false, d.explain("look image "+reference+" up", err)
	}
	return images.Image{ID: r.ID, Digests: r.RepoDigests}, true, nil
}

// Pull implements images.Store.
func (d *Daemon) Pull(ctx context.Context, reference string) error {
	r, err := d.client.ImagePull(ctx, reference, image.PullOptions{})
	if err == nil {
		defer r.Close()
		err = progress(r)
	}
	if err != nil {
		return runtimes.WithRemedy(d.explain("fetch image "+reference, err), "correct the reference, or take the line out: the workload then runs from hapscope's own image")
	}
	return nil
}

// Load implements images.Store.
func (d *Daemon) Load(ctx context.Context, archive io.Reader) error {
	r, err := d.client.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err == nil {
		defer r.Body.Close()
		err = progress(r.Body)
	}
	return d.explain("load the image", err)
}

// RemoveImage implements images.Store.
func (d *Daemon) RemoveImage(ctx context.Context, reference string) error {
	_, err := d.client.ImageRemove(ctx, reference, image.RemoveOptions{PruneChildren: true})
	if missing(err) {
		return nil
	}
	return d.explain("remove image "+reference, err)
}

// progress reads what a daemon says while it works: JSON, one line a step. An error comes
// as a step, too.
func progress(r io.Reader) error {
	for dec := json.NewDecoder(r); ; {
		var step struct {
			Error string `json:"error"`
		}
		err := dec.Decode(&step)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the daemon's progress: %w", err)
		case step.Error != "":
			return errors.New(step.Error)
		}
	}
}
