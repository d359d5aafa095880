package lazy

import (
	"context"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// Head implements store.Store, as do all methods below.
func (s *Store) Head(ctx context.Context) (store.Revision, error) {
	st, err := s.get()
	if err != nil {
		return 0, err
	}
	return st.Head(ctx)
}

// ChangesSince is passed on.
func (s *Store) ChangesSince(ctx context.Context, rev store.Revision, limit int) ([]store.Change, error) {
	st, err := s.get()
	if err != nil {
		return nil, err
	}
	return st.ChangesSince(ctx, rev, limit)
}

// Projects is passed on.
func (s *Store) Projects(ctx context.Context) ([]store.Project, error) {
	st, err := s.get()
	if err != nil {
		return nil, err
	}
	return st.Projects(ctx)
}

// Definitions is passed on.
func (s *Store) Definitions(ctx context.Context, project int64) (store.Definitions, error) {
	st, err := s.get()
	if err != nil {
		return store.Definitions{}, err
	}
	return st.Definitions(ctx, project)
}

// Edit is passed on.
func (s *Store) Edit(ctx context.Context, author store.Author, fn func(tx store.Tx) error) (store.Revision, error) {
	st, err := s.get()
	if err != nil {
		return 0, err
	}
	return st.Edit(ctx, author, fn)
}

// View is passed on.
func (s *Store) View(ctx context.Context, fn func(tx store.ReadTx) error) error {
	st, err := s.get()
	if err != nil {
		return err
	}
	return st.View(ctx, fn)
}

// Subject is passed on.
func (s *Store) Subject(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	st, err := s.get()
	if err != nil {
		return store.SubjectData{}, err
	}
	return st.Subject(ctx, q)
}

// WriteOverrides is passed on.
func (s *Store) WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error) {
	st, err := s.get()
	if err != nil {
		return 0, err
	}
	return st.WriteOverrides(ctx, project, distinctIDs, flagKeys, hashKey)
}

// Identify is passed on.
func (s *Store) Identify(ctx context.Context, project int64, fn func(tx store.IdentityTx) error) error {
	st, err := s.get()
	if err != nil {
		return err
	}
	return st.Identify(ctx, project, fn)
}

// KeyUsed is passed on.
func (s *Store) KeyUsed(ctx context.Context, kind store.KeyKind, id string, at time.Time) error {
	st, err := s.get()
	if err != nil {
		return err
	}
	return st.KeyUsed(ctx, kind, id, at)
}

// Check is passed on.
func (s *Store) Check(ctx context.Context) error {
	st, err := s.get()
	if err != nil {
		return err
	}
	return st.Check(ctx)
}
