package sqlite

import (
	"context"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// reading is a store.ReadTx.
type reading struct{ *unit }

// editing is a store.Tx.
type editing struct {
	reading
	author store.Author
	now    func() time.Time
}

var (
	_ store.ReadTx = reading{}
	_ store.Tx     = editing{}
)

// Edit implements store.Editor.
func (s *Store) Edit(ctx context.Context, author store.Author, fn func(tx store.Tx) error) (store.Revision, error) {
	var edit *unit
	var head store.Revision
	err := s.write(ctx, func(u *unit) (err error) {
		edit = u
		if err := fn(editing{reading{u}, author, s.writer.now}); err != nil {
			return err
		}
		if len(u.touched) == 0 {
			head, err = u.head()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return max(head, edit.revision), nil
}

// View implements store.Editor.
func (s *Store) View(ctx context.Context, fn func(tx store.ReadTx) error) error {
	return s.view(ctx, func(u *unit) error { return fn(reading{u}) })
}
