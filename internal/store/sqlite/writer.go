package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

const (
	maxBatch    = 200                  // operations in one transaction
	maxBatchAge = 2 * time.Millisecond // after which a transaction takes no more in
	queueLength = 1024                 // callers that may wait without blocking the next
)

// writer owns the connection that writes. Its goroutine takes operations off
// the queue in the order they came, runs each under a savepoint, and commits
// as many as are waiting at once: while one batch is being flushed to disk the
// next one gathers. Nobody is made to wait for company.
type writer struct {
	queue chan *operation
	done  chan struct{} // closed when the goroutine has ended
	now   func() time.Time
	tell  func() // after a commit that raised the revision

	// Only the goroutine uses what follows; tests change it before they give
	// it something to do.
	maxAge time.Duration
	db     *sql.DB
	s      *session
	commit func(s *session) error // COMMIT; tests let it fail
	batch  []*operation
}

// operation is a function on its way through the writer. It runs on its
// caller's goroutine, so that a panic or runtime.Goexit in it is the caller's
// and never the writer's; the writer lends its session meanwhile.
type operation struct {
	taken atomic.Bool // by the writer, or by the caller that gives up
	turn  chan *unit  // from the writer: run
	ran   chan error  // to the writer: what the function returned
	done  chan error  // from the writer: the answer
	err   error       // the function's own error, while the batch is open
}

var (
	errExited = errors.New("the function of a transaction ended its goroutine")
	errOver   = errors.New("the transaction is over")
)

func startWriter(db *sql.DB, s *session, now func() time.Time, tell func()) *writer {
	w := &writer{
		queue:  make(chan *operation, queueLength),
		done:   make(chan struct{}),
		now:    now,
		tell:   tell,
		maxAge: maxBatchAge,
		db:     db,
		s:      s,
		commit: func(s *session) error { return s.run(context.Background(), "COMMIT") },
	}
	go w.loop()
	return w
}

// stop ends the goroutine after what is queued and closes the session. No
// call of do may follow.
func (w *writer) stop() error {
	close(w.queue)
	<-w.done
	if w.s == nil {
		return nil
	}
	return w.s.close()
}

// do has fn run in a batch and returns after the batch was committed, or with
// fn's error. If ctx ends while the operation is queued, it never runs; once
// it runs, ctx has no effect.
func (w *writer) do(ctx context.Context, fn func(u *unit) error) error {
	if ctx.Err() != nil { // select would choose at random
		return ended(ctx)
	}
	op := &operation{turn: make(chan *unit), ran: make(chan error), done: make(chan error, 1)}
	select {
	case w.queue <- op:
	case <-ctx.Done():
		return ended(ctx)
	}
	giveUp := ctx.Done()
	for {
		select {
		case u := <-op.turn:
			op.run(u, fn)
		case err := <-op.done:
			return err
		case <-giveUp:
			if op.taken.CompareAndSwap(false, true) {
				return ended(ctx)
			}
			giveUp = nil
		}
	}
}

// run calls fn and tells the writer how it went, however fn ends.
func (op *operation) run(u *unit, fn func(u *unit) error) {
	err := errExited
	defer func() {
		if v := recover(); v != nil {
			err = &store.PanicError{Value: v, Stack: debug.Stack()}
		}
		op.ran <- err
	}()
	err = fn(u)
}

func (w *writer) loop() {
	defer close(w.done)
	for op := range w.queue {
		if op.taken.CompareAndSwap(false, true) {
			w.serve(op)
		}
	}
}

// serve runs one batch, which begins with first, and answers it.
func (w *writer) serve(first *operation) {
	w.batch = append(w.batch[:0], first)
	raised, err := w.transact()
	if err != nil {
		w.abandon()
	}
	if raised {
		w.tell() // also after an error: the commit may be stored all the same
	}
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	for i, op := range w.batch {
		if op.err == nil {
			op.err = err
		}
		op.done <- op.err
		w.batch[i] = nil
	}
}

// transact runs and commits a batch. It reports whether a revision was raised.
// An error means that the transaction is gone, or nobody knows.
func (w *writer) transact() (raised bool, err error) {
	if err := w.begin(); err != nil {
		return false, err
	}
	for started, op := time.Now(), w.batch[0]; op != nil; op = w.next(started) {
		u, err := w.perform(op)
		if err != nil {
			return false, err
		}
		raised = raised || op.err == nil && u.revision != 0
	}
	return raised, w.commit(w.s)
}

// next adds a waiting operation to the batch; nil if there is none, or no room.
func (w *writer) next(started time.Time) *operation {
	for len(w.batch) < maxBatch && time.Since(started) < w.maxAge {
		select {
		case op, open := <-w.queue:
			if !open {
				return nil
			}
			if op.taken.CompareAndSwap(false, true) {
				w.batch = append(w.batch, op)
				return op
			}
		default:
			return nil
		}
	}
	return nil
}

// perform runs one operation under its savepoint. Its own failure is kept in
// op.err and undone; an error that perform returns ends the batch.
func (w *writer) perform(op *operation) (*unit, error) {
	u := &unit{ctx: context.Background(), s: w.s}
	op.turn <- u
	op.err = <-op.ran
	if op.err == nil {
		op.err = u.fault
	}
	if op.err == nil {
		op.err = u.announce(w.now())
	}
	u.fault = errOver // for a transaction that is used after its function returned
	if !u.wrote {
		return u, nil
	}
	if op.err != nil {
		if err := w.s.run(u.ctx, "ROLLBACK TO unit"); err != nil {
			return nil, fmt.Errorf("undoing one of the operations: %w", err)
		}
	}
	return u, w.s.run(u.ctx, "RELEASE unit")
}

// begin starts the transaction, on a new connection if the old one is gone.
func (w *writer) begin() error {
	ctx := context.Background()
	if w.s == nil {
		s, err := newSession(ctx, w.db)
		if err != nil {
			return err
		}
		w.s = s
	}
	return w.s.run(ctx, "BEGIN IMMEDIATE")
}

// abandon gives up a failed transaction together with its connection, the one
// state that is certain.
func (w *writer) abandon() {
	if w.s == nil {
		return
	}
	// Errors say nothing new: the batch failed already, and SQLite rolls back
	// what a connection leaves open.
	_ = w.s.run(context.Background(), "ROLLBACK")
	w.s.discard()
	w.s = nil
}
