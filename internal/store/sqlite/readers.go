package sqlite

import (
	"context"
	"database/sql"
)

// readers is a fixed number of sessions that only read. They never wait for
// the writer, nor it for them.
type readers struct {
	db   *sql.DB
	idle chan *session // nil: not opened yet
}

func newReaders(db *sql.DB, n int) *readers {
	r := &readers{db: db, idle: make(chan *session, n)}
	for range n {
		r.idle <- nil
	}
	return r
}

// get waits for a session; give must follow.
func (r *readers) get(ctx context.Context) (*session, error) {
	if ctx.Err() != nil { // select would choose at random
		return nil, ended(ctx)
	}
	select {
	case s := <-r.idle:
		if s != nil {
			return s, nil
		}
		s, err := newSession(ctx, r.db)
		if err != nil {
			r.idle <- nil
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		return nil, ended(ctx)
	}
}

// give returns a session. One that failed is replaced when it is next needed.
func (r *readers) give(s *session, failed bool) {
	if failed {
		s.discard()
		s = nil
	}
	r.idle <- s
}

// close closes all sessions. None may be in use.
func (r *readers) close() error {
	for range cap(r.idle) {
		if s := <-r.idle; s != nil {
			_ = s.close() // its connection is closed with the pool
		}
	}
	return r.db.Close()
}

// look runs fn on a session outside of a transaction: for one statement. A
// session survives the end of ctx, so that timeouts cost no new connections.
func (r *readers) look(ctx context.Context, fn func(u *unit) error) error {
	s, err := r.get(ctx)
	if err != nil {
		return err
	}
	u := &unit{ctx: ctx, s: s}
	defer func() { r.give(s, u.fault != nil && ctx.Err() == nil) }()
	return fn(u)
}

// view runs fn on one consistent state.
func (r *readers) view(ctx context.Context, fn func(u *unit) error) (err error) {
	s, err := r.get(ctx)
	if err != nil {
		return err
	}
	failed := true
	defer func() { r.give(s, failed) }()
	if err := s.run(ctx, "BEGIN"); err != nil {
		return err
	}
	u := &unit{ctx: ctx, s: s}
	defer func() {
		failed = s.run(context.WithoutCancel(ctx), "ROLLBACK") != nil || u.fault != nil && ctx.Err() == nil
		u.fault = errOver
	}()
	if err := fn(u); err != nil {
		return err
	}
	return u.fault
}
