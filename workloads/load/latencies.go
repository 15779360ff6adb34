package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"hapscope/record"
)

// Latencies are kept to three digits, from a microsecond to ten minutes; what takes
// longer was given up on before (Options.Timeout).
type Latencies struct{ histogram *hdrhistogram.Histogram }

// NewLatencies returns none.
func NewLatencies() Latencies {
	return Latencies{hdrhistogram.New(time.Microsecond.Nanoseconds(), (10 * time.Minute).Nanoseconds(), 3)}
}

// Add adds one. It is not safe for concurrent use.
func (l Latencies) Add(d time.Duration) {
	_ = l.histogram.RecordValue(min(max(0, d), 10*time.Minute).Nanoseconds()) // fails outside the range only
}

// Count is how many there are.
func (l Latencies) Count() uint64 { return uint64(l.histogram.TotalCount()) }

// Buckets are those that hold any.
func (l Latencies) Buckets() (buckets []record.Bucket) {
	for _, b := range l.histogram.Distribution() {
		if b.Count > 0 {
			buckets = append(buckets, record.Bucket{Seconds: time.Duration(b.To).Seconds(), Count: uint64(b.Count)})
		}
	}
	return buckets
}
