// Package lazy is a store that opens another one as soon as that can be
// opened. Until then its methods return store.ErrUnavailable, so that a node
// starts and serves its last good definitions whatever has befallen its
// database.
//
// A Store may be used by any number of goroutines.
package lazy

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// Opener opens the store. It is called by one goroutine at a time, and no more
// once it has succeeded.
type Opener func(ctx context.Context) (store.Store, error)

// Options adjusts a Store. The zero value is good.
type Options struct {
	Logger *slog.Logger // nil: none

	// RetryMin and RetryMax bound the pauses between attempts, which double.
	// 0: 500 milliseconds and 15 seconds.
	RetryMin, RetryMax time.Duration

	// Opened, if set, is called with the store when a later attempt than the
	// first has opened it, before anybody else can use it.
	Opened func(ctx context.Context, st store.Store) error
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.RetryMin == 0 {
		o.RetryMin = 500 * time.Millisecond
	}
	if o.RetryMax == 0 {
		o.RetryMax = 15 * time.Second
	}
	return o
}

// Store is a store that may not be open yet. Close it when done.
type Store struct {
	open   Opener
	opts   Options
	state  atomic.Pointer[state]
	opened chan struct{} // closed once state holds a store
	cancel context.CancelFunc
	done   <-chan struct{} // closed by Close
	work   sync.WaitGroup

	mu     sync.Mutex // guards closed and adding to work
	closed bool
}

// state is the open store, or why there is none.
type state struct {
	store store.Store // nil: not open
	err   error       // if store is nil
}

var _ store.Store = (*Store)(nil)

// Open tries to open a store once, bounded by ctx, and returns at once with
// the attempt's error if that fails: the Store then goes on trying in the
// background. The error is for the log; the Store is good for use either way.
func Open(ctx context.Context, open Opener, o Options) (*Store, error) {
	s := &Store{open: open, opts: o.withDefaults(), opened: make(chan struct{})}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel, s.done = cancel, background.Done()
	st, err := open(ctx)
	if err == nil {
		s.state.Store(&state{store: st})
		close(s.opened)
		return s, nil
	}
	s.state.Store(&state{err: unavailable(err)})
	s.work.Go(func() { s.retry(background) })
	return s, err
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

// retry tries until the store is open.
func (s *Store) retry(ctx context.Context) {
	wait := s.opts.RetryMin
	for {
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		st, err := s.attempt(ctx)
		if err == nil {
			s.opts.Logger.Info("the store is open")
			s.state.Store(&state{store: st})
			close(s.opened)
			return
		}
		s.opts.Logger.Warn("the store cannot be opened; trying again", "error", err)
		s.state.Store(&state{err: unavailable(err)})
		wait = min(2*wait, s.opts.RetryMax)
	}
}

func (s *Store) attempt(ctx context.Context) (store.Store, error) {
	st, err := s.open(ctx)
	if err != nil || s.opts.Opened == nil {
		return st, err
	}
	if err := s.opts.Opened(ctx, st); err != nil {
		if closing := st.Close(); closing != nil {
			err = fmt.Errorf("%w; closing: %w", err, closing)
		}
		return nil, err
	}
	return st, nil
}

// get returns the open store.
func (s *Store) get() (store.Store, error) {
	if st := s.state.Load(); st.store != nil {
		return st.store, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	return nil, s.state.Load().err
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	if st := s.state.Load(); st.store != nil {
		return st.store.Close()
	}
	return nil
}

// Hints implements store.Store. A hint comes when the store is opened, too.
func (s *Store) Hints() (<-chan struct{}, func()) {
	if st, err := s.get(); err == nil {
		return st.Hints()
	}
	hints := make(chan struct{}, 1)
	ended := make(chan struct{})
	stop := sync.OnceFunc(func() { close(ended) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(hints)
		return hints, stop
	}
	s.work.Go(func() { s.forward(hints, ended) })
	return hints, stop
}

// forward passes on the hints of the store once it is open, until ended is
// closed or the store is, and closes hints.
func (s *Store) forward(hints chan<- struct{}, ended <-chan struct{}) {
	defer close(hints)
	select {
	case <-s.opened:
	case <-ended:
		return
	case <-s.done:
		return
	}
	inner, stop := s.state.Load().store.Hints()
	defer stop()
	for ok := true; ok; {
		select {
		case hints <- struct{}{}:
		default:
		}
		select {
		case _, ok = <-inner:
		case <-ended:
			return
		case <-s.done:
			return
		}
	}
}
