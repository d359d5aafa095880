package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// change is what a unit touched.
type change struct {
	project int64
	kind    store.ChangeKind
}

// touch remembers a change for when the unit is committed.
func (u *unit) touch(project int64, kind store.ChangeKind) {
	if c := (change{project, kind}); !slices.Contains(u.touched, c) {
		u.touched = append(u.touched, c)
	}
}

// announce writes a unit's changes to the feed, in its own transaction.
func (u *unit) announce(now time.Time) error {
	for _, c := range u.touched {
		err := u.insert(`INSERT INTO changes (project_id, kind, at) VALUES (?, ?, ?) RETURNING revision`,
			[]any{c.project, c.kind, micros(now)}, &u.revision)
		if err != nil {
			return err
		}
	}
	return nil
}

// head reads the newest revision.
func (u *unit) head() (rev store.Revision, err error) {
	err = u.one(`SELECT coalesce(max(revision), 0) FROM changes`, nil, &rev)
	return rev, err
}

// Head implements store.Changes.
func (s *Store) Head(ctx context.Context) (rev store.Revision, err error) {
	err = s.look(ctx, func(u *unit) error {
		rev, err = u.head()
		return err
	})
	return rev, err
}

// ChangesSince implements store.Changes.
func (s *Store) ChangesSince(ctx context.Context, rev store.Revision, limit int) (changes []store.Change, err error) {
	err = s.look(ctx, func(u *unit) error {
		changes, err = list(u, func(row scanner) (c store.Change, err error) {
			err = row.Scan(&c.Revision, &c.Project, &c.Kind, instant{&c.At})
			return c, err
		}, `SELECT revision, project_id, kind, at FROM changes WHERE revision > ? ORDER BY revision LIMIT ?`, rev, max(limit, 0))
		return err
	})
	return changes, err
}

// Hints implements store.Changes.
func (s *Store) Hints() (hints <-chan struct{}, stop func()) { return s.hub.follow() }

// hub passes the news of a commit to whoever follows the feed.
type hub struct {
	mu        sync.Mutex
	closed    bool
	followers map[chan struct{}]struct{}
}

func newHub() *hub { return &hub{followers: make(map[chan struct{}]struct{})} }

func (h *hub) follow() (<-chan struct{}, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch := make(chan struct{}, 1)
	if h.closed {
		close(ch)
		return ch, func() {}
	}
	h.followers[ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, follows := h.followers[ch]; follows {
			delete(h.followers, ch)
			close(ch)
		}
	}
}

// tell leaves a hint with each follower that has none waiting.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.followers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for ch := range h.followers {
		close(ch)
	}
	clear(h.followers)
}
