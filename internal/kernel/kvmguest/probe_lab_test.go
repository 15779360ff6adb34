//go:build lab

package kvmguest

import (
	"context"
	"os"
	"testing"
	"time"
)

// In the lab kvm_amd is loaded and guests run: the probe has to say so, twice,
// because it must leave nothing that is in the next one's way.
func TestProbe(t *testing.T) {
	if _, err := os.Stat(Device); err != nil {
		t.Fatalf("the lab loads kvm: %v", err)
	}
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := Probe(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
}
