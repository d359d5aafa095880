package sqlite

import (
	"sync"

	"github.com/guidon-flags/guidon/internal/store"
)

// gate counts the calls under way, so that Close can wait for them.
type gate struct {
	mu     sync.Mutex
	calls  int
	closed bool
	idle   chan struct{} // closed when closed and calls is 0
}

func newGate() *gate { return &gate{idle: make(chan struct{})} }

// enter begins a call. ErrClosed once the gate is closed.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return store.ErrClosed
	}
	g.calls++
	return nil
}

// leave ends a call.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	if g.closed && g.calls == 0 {
		close(g.idle)
	}
}

// close lets no more calls in and waits for those under way. It reports
// whether this was the first time.
func (g *gate) close() bool {
	g.mu.Lock()
	first := !g.closed
	if first {
		g.closed = true
		if g.calls == 0 {
			close(g.idle)
		}
	}
	g.mu.Unlock()
	<-g.idle
	return first
}
