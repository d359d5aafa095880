package snapshot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// feedPage is how many changes are read at a time.
const feedPage = 1000

// failure is a project whose newest state could not be loaded.
type failure struct {
	rev  store.Revision // that asked for it
	err  error
	next time.Time     // not tried again before
	wait time.Duration // the pause that led to next
}

// run loads everything, closes started, and follows the feed until ctx ends.
func (s *Set) run(ctx context.Context, started chan<- struct{}) {
	defer close(s.done)
	hints, stop := s.src.Hints()
	defer stop()

	err := s.first(ctx, sync.OnceFunc(func() { close(started) }))
	wait := s.pause(0, err)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var waiting []refresh
	broken := err != nil
	for {
		polled := false
		select {
		case <-ctx.Done():
			return // Refresh sees s.done
		case _, ok := <-hints:
			if !ok {
				hints = nil // the store is closed; its calls will say so
			}
		case r := <-s.requests:
			waiting = append(waiting, r)
		case <-timer.C:
			polled = true
		}
		waiting = s.drain(waiting)
		err := s.pass(ctx, polled)
		if ctx.Err() != nil {
			return
		}
		s.report(&broken, err)
		waiting = s.answer(waiting, err)
		wait = s.pause(wait, err)
		timer.Reset(wait)
	}
}

// first loads everything from the store, and from the last good files what the
// store does not give within StartTimeout. It calls started as soon as there is
// something to serve, or nothing to wait for.
func (s *Set) first(ctx context.Context, started func()) error {
	defer started()
	result := make(chan reading, 1)
	go func() { result <- s.readAll(ctx) }()
	timer := time.NewTimer(s.opts.StartTimeout)
	defer timer.Stop()
	var r reading
	select {
	case r = <-result:
	case <-timer.C:
		s.loadFiles()
		if s.Ready() {
			s.opts.Logger.Warn("the store is slow; serving the last good definitions meanwhile")
			started()
		}
		r = <-result
	}
	err := s.take(r)
	if err != nil && ctx.Err() == nil {
		s.loadFiles()
		s.opts.Logger.Warn("the store cannot be read; serving the last good definitions",
			"error", err, "projects", len(s.index.Load().byID))
	}
	return err
}

// report logs when the store ceases to answer and when it answers again.
func (s *Set) report(broken *bool, err error) {
	switch {
	case err != nil && !*broken:
		s.opts.Logger.Warn("the store cannot be read; serving what is here", "error", err)
	case err == nil && *broken:
		s.opts.Logger.Info("the store answers again; definitions are up to date", "revision", s.applied.Load())
	}
	*broken = err != nil
}

// pause returns how long to wait before the next pass: the poll interval, or
// twice the last pause after an error. Both vary, so that nodes spread out.
func (s *Set) pause(last time.Duration, err error) time.Duration {
	wait := s.opts.Poll
	if err != nil && last > 0 {
		wait = min(2*last, s.opts.RetryMax)
	}
	return wait*9/10 + rand.N(wait/5+1)
}

// drain takes the requests that are there already, so that one pass serves all.
func (s *Set) drain(waiting []refresh) []refresh {
	for {
		select {
		case r := <-s.requests:
			waiting = append(waiting, r)
		default:
			return waiting
		}
	}
}

// answer replies to those requests that the last pass settled.
func (s *Set) answer(waiting []refresh, err error) []refresh {
	applied := store.Revision(s.applied.Load())
	var rest []refresh
	for _, r := range waiting {
		switch {
		case err != nil:
			r.reply <- err
		case r.rev <= applied:
			r.reply <- s.failureOf(r.rev)
		default:
			rest = append(rest, r) // the feed does not show it yet
		}
	}
	return rest
}

// failureOf returns the error of the project that rev changed, if any.
func (s *Set) failureOf(rev store.Revision) error {
	for id, f := range s.failing {
		if f.rev == rev {
			return fmt.Errorf("project %d: %w", id, f.err)
		}
	}
	return nil
}

// pass brings the Set up to the end of the feed. It returns an error when the
// store could not be read; a project that fails alone is remembered instead.
func (s *Set) pass(ctx context.Context, polled bool) error {
	if !s.loaded {
		return s.take(s.readAll(ctx))
	}
	at := s.opts.Now()
	if polled {
		// A head behind us: another database, or one restored from a backup.
		head, err := s.head(ctx)
		if err != nil {
			return err
		}
		if head < store.Revision(s.applied.Load()) {
			s.opts.Logger.Warn("the store went back in time; loading everything", "head", head, "applied", s.applied.Load())
			return s.take(s.readAll(ctx))
		}
	}
	for {
		n, err := s.page(ctx)
		if err != nil {
			return err
		}
		if n < feedPage {
			break
		}
	}
	if err := s.retry(ctx); err != nil {
		return err
	}
	s.confirmed.Store(at.UnixNano())
	return nil
}

// page reads and applies one page of the feed and returns its length.
func (s *Set) page(ctx context.Context) (int, error) {
	call, cancel := context.WithTimeout(ctx, s.opts.CallTimeout)
	changes, err := s.src.ChangesSince(call, store.Revision(s.applied.Load()), feedPage)
	cancel()
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	touched := make(map[int64]store.Revision)
	credentials := store.Revision(0)
	for _, c := range changes {
		if c.Project != 0 && c.Kind != store.ChangeCredentials {
			touched[c.Project] = c.Revision
		}
		if c.Kind != store.ChangeDefinitions {
			credentials = c.Revision
		}
	}
	for project, rev := range touched {
		if err := s.reload(ctx, project, rev); err != nil {
			return 0, err
		}
	}
	if credentials > 0 {
		s.credentials.Store(int64(credentials))
	}
	s.applied.Store(int64(changes[len(changes)-1].Revision))
	return len(changes), nil
}

// reload brings one project to rev at least. The error is the store's being
// unavailable; anything else is the project's own and remembered.
func (s *Set) reload(ctx context.Context, project int64, rev store.Revision) error {
	if h := s.index.Load().byID[project]; h != nil {
		if v := h.cur.Load(); v != nil && !v.FromDisk && v.Revision >= rev {
			s.settle(project, rev, nil)
			return nil
		}
	}
	v, err := s.load(ctx, project)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.remove(project)
		s.settle(project, rev, nil)
		return nil
	case unavailable(err):
		return err
	case err == nil:
		s.install(v)
	}
	s.settle(project, rev, err)
	return nil
}

// retry loads again what failed before and is due.
func (s *Set) retry(ctx context.Context) error {
	for project, f := range s.failing {
		if s.opts.Now().Before(f.next) {
			continue
		}
		if err := s.reload(ctx, project, f.rev); err != nil {
			return err
		}
	}
	return nil
}

// settle notes whether a project's newest state is served.
func (s *Set) settle(project int64, rev store.Revision, err error) {
	if err == nil {
		delete(s.failing, project)
	} else {
		f := s.failing[project]
		f.rev, f.err = rev, err
		f.wait = max(s.opts.Poll, min(2*f.wait, time.Minute))
		f.next = s.opts.Now().Add(f.wait)
		s.failing[project] = f
		s.opts.Logger.Error("a project cannot be loaded; its last good version stays", "project", project, "error", err)
	}
	obscure := false
	for id := range s.failing {
		obscure = obscure || s.index.Load().byID[id] == nil
	}
	s.obscure.Store(obscure)
	s.failed.Store(int64(len(s.failing)))
}

func (s *Set) head(ctx context.Context) (store.Revision, error) {
	call, cancel := context.WithTimeout(ctx, s.opts.CallTimeout)
	defer cancel()
	return s.src.Head(call)
}

// unavailable reports whether err is about the store as a whole.
func unavailable(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
