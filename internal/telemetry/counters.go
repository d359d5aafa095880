package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Counters are the counters of one name, found by their label values. Each is
// resolved once; finding it again neither locks nor allocates. The values must
// come from a fixed set of ours.
type Counters struct {
	vec      *prometheus.CounterVec
	resolved atomic.Pointer[map[labels]prometheus.Counter] // never changed once stored

	mu sync.Mutex // held while a new map is made
}

// labels are up to three label values.
type labels [3]string

func newCounters(vec *prometheus.CounterVec) *Counters {
	c := &Counters{vec: vec}
	c.resolved.Store(&map[labels]prometheus.Counter{})
	return c
}

// With returns the counter with the value of the one label.
func (c *Counters) With(value string) prometheus.Counter {
	return c.find(labels{value}, 1)
}

func (c *Counters) find(values labels, n int) prometheus.Counter {
	if found, ok := (*c.resolved.Load())[values]; ok {
		return found
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.vec.WithLabelValues(values[:n]...)
	next := maps.Clone(*c.resolved.Load())
	next[values] = made
	c.resolved.Store(&next)
	return made
}
