package snapshot_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// source is a store in memory that can fail.
type source struct {
	mu       sync.Mutex
	projects map[int64]store.Definitions
	changes  []store.Change
	head     store.Revision
	down     error           // of every call
	broken   map[int64]error // of Definitions
	loads    map[int64]int   // successful calls of Definitions
	hang     bool            // calls wait until their context ends

	hangLater bool // calls hang, but for Head
	hints     chan struct{}
}

func newSource() *source {
	return &source{
		projects: map[int64]store.Definitions{}, broken: map[int64]error{}, loads: map[int64]int{},
		hints: make(chan struct{}, 1),
	}
}

func (s *source) enter(ctx context.Context) error {
	s.mu.Lock()
	hang, err := s.hang, s.down
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}
	return err
}

func (s *source) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// put stores a project and announces it, without a hint.
func (s *source) put(d store.Definitions, kind store.ChangeKind) store.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head++
	s.projects[d.Project.ID] = d
	s.changes = append(s.changes, store.Change{Revision: s.head, Project: d.Project.ID, Kind: kind})
	return s.head
}

func (s *source) remove(id int64) store.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head++
	delete(s.projects, id)
	s.changes = append(s.changes, store.Change{Revision: s.head, Project: id, Kind: store.ChangeProject})
	return s.head
}

func (s *source) announce(kind store.ChangeKind) store.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head++
	s.changes = append(s.changes, store.Change{Revision: s.head, Kind: kind})
	return s.head
}

func (s *source) Head(ctx context.Context) (store.Revision, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

func (s *source) ChangesSince(ctx context.Context, rev store.Revision, limit int) ([]store.Change, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.changes, rev+1, func(c store.Change, rev store.Revision) int {
		return int(c.Revision - rev)
	})
	rest := s.changes[i:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (s *source) Hints() (<-chan struct{}, func()) { return s.hints, func() {} }

func (s *source) Projects(ctx context.Context) ([]store.Project, error) {
	s.set(func() { s.hang = s.hang || s.hangLater })
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []store.Project
	for _, d := range s.projects {
		out = append(out, d.Project)
	}
	slices.SortFunc(out, func(a, b store.Project) int { return int(a.ID - b.ID) })
	return out, nil
}

func (s *source) Definitions(ctx context.Context, project int64) (store.Definitions, error) {
	if err := s.enter(ctx); err != nil {
		return store.Definitions{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken[project]; err != nil {
		return store.Definitions{}, err
	}
	d, ok := s.projects[project]
	if !ok {
		return store.Definitions{}, store.ErrNotFound
	}
	s.loads[project]++
	d.Revision = s.head
	return d, nil
}

// project makes the definitions of a project with flags of the given keys.
func project(id int64, token string, keys ...string) store.Definitions {
	d := store.Definitions{Project: store.Project{
		ID: id, Token: token, SecretHash: "sha256$" + token, MatchingVersion: 1, Settings: []byte("{}"),
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}}
	for i, key := range keys {
		d.Flags = append(d.Flags, store.Flag{
			ID: int64(i + 1), Project: id, Key: key, Active: true, Version: 1,
			Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}]}`),
		})
	}
	return d
}
