package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/api/services/containers/v1"

	"hapscope/runtimes/shim"
)

// Sweep removes what a killed hapscope has left, whichever containerd it had: a
// containerd of its own with all that it has, or containers and tasks of ours in the
// user's, which may have ended since.
func Sweep(ctx context.Context) (removed []string, err error) {
	if _, err := os.Lstat(stateDir); err != nil {
		return nil, nil
	}
	removed, err = removeDaemon(filepath.Join(stateDir, daemonDir))
	sweepSockets(stateDir)
	address, _ := os.ReadFile(filepath.Join(stateDir, addressFile))
	if a := string(address); a != "" && !strings.HasPrefix(a, stateDir) {
		lines, e := sweepContainers(ctx, a)
		removed, err = append(removed, lines...), errors.Join(err, e)
	}
	if err != nil {
		return removed, fmt.Errorf("sweep containerd: %w", err)
	}
	return append(removed, "stand-ins in "+stateDir), os.RemoveAll(stateDir)
}

// sweepContainers removes those of ours. What a containerd that does not run remembers
// stays until a hapscope uses it.
func sweepContainers(ctx context.Context, address string) (removed []string, err error) {
	if _, err := peer(address); err != nil {
		return nil, nil
	}
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	list, err := c.containers.List(in(ctx), &containers.ListContainersRequest{})
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	for _, container := range list.Containers {
		if !strings.HasPrefix(container.ID, shim.IDPrefix) {
			continue
		}
		if e := c.remove(ctx, container.ID); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "container "+container.ID+" of containerd at "+address)
	}
	return removed, errors.Join(err, c.removeNamespace())
}
