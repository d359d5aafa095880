package identity

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// callInterval is how far last_called_at of a flag may stay behind. It turns
// the calls of a busy flag into one write a minute.
const callInterval = time.Minute

// maxCalled bounds what is remembered of flags that were written; names of
// flags that do not exist take part.
const maxCalled = 10_000

// flagCalls remembers up to when last_called_at of each flag was written.
type flagCalls struct {
	mu     sync.Mutex
	called map[flagRef]time.Time // guarded by mu
}

type flagRef struct {
	project int64
	key     string
}

// flagCall is the newest call of a flag.
type flagCall struct {
	key string
	at  time.Time
}

// due returns the newest call of each flag among steps that is far enough
// ahead of what was written, by key. Calls from the future count as now.
func (c *flagCalls) due(project int64, steps []step, now time.Time) []flagCall {
	newest := map[string]time.Time{}
	for i := range steps {
		st := &steps[i]
		if st.flag == "" || len(st.flag) > maxGroupText {
			continue
		}
		newest[st.flag] = latest(newest[st.flag], st.at)
	}
	if len(newest) == 0 {
		return nil
	}
	var calls []flagCall
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, at := range newest {
		if at.After(now) {
			at = now
		}
		if written, ok := c.called[flagRef{project, key}]; ok && at.Sub(written) < callInterval {
			continue
		}
		calls = append(calls, flagCall{key, at})
	}
	slices.SortFunc(calls, func(a, b flagCall) int { return strings.Compare(a.key, b.key) })
	return calls
}

// written remembers calls whose writing is durable.
func (c *flagCalls) written(project int64, calls []flagCall) {
	if len(calls) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.called == nil || len(c.called)+len(calls) > maxCalled {
		c.called = map[flagRef]time.Time{} // costs a write for each flag, once
	}
	for _, call := range calls {
		c.called[flagRef{project, call.key}] = call.at
	}
}
