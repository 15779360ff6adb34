package redis

import (
	"context"
	"maps"
	"slices"

	"hapscope/workloads"
)

// setClient writes. That the server says OK is checked at once, that it has
// really kept what was written afterwards: reading it in between would change
// the mix that is measured.
type setClient struct {
	*client
	sent map[int]bool   // requests that were answered
	last map[string]int // by key, the last of them
}

var _ workloads.Verifier = (*setClient)(nil)

func newSetClient(c *client) *setClient {
	return &setClient{client: c, sent: map[int]bool{}, last: map[string]int{}}
}

// Do implements workloads.Client.
func (c *setClient) Do(ctx context.Context, i int) error {
	reply, err := c.do(ctx, "SET", key(i), value(i))
	if err := judge("SET "+key(i), "OK", reply, err); err != nil {
		return err
	}
	c.sent[i], c.last[key(i)] = true, i
	return nil
}

// Verify implements workloads.Verifier. Every key must hold what this client
// wrote last; where other connections were at work too, it may also hold what
// one of them wrote.
func (c *setClient) Verify(ctx context.Context) error {
	for _, k := range slices.Sorted(maps.Keys(c.last)) {
		got, err := c.do(ctx, "GET", k)
		want := value(c.last[k])
		if i, ok := request(got); err == nil && ok && key(i) == k && !c.sent[i] {
			continue
		}
		if err := judge("GET "+k, want, got, err); err != nil {
			return err
		}
	}
	return nil
}
