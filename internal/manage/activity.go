package manage

import (
	"context"

	"github.com/guidon-flags/guidon/internal/store"
)

// Activity reads the audit log (15).
type Activity struct{ *core }

// ActivityView is an entry with who did it.
type ActivityView struct {
	store.Activity
	User *store.User // nil: the system, or somebody who is gone
}

// List returns a page of entries, newest first, and how many are selected.
func (s *Activity) List(ctx context.Context, q store.ActivityQuery) (page []ActivityView, total int, err error) {
	err = s.view(ctx, func(tx store.ReadTx) error {
		entries, n, err := tx.Activities(q)
		if err != nil {
			return err
		}
		total, page = n, page[:0]
		v := s.viewer(tx, q.Project)
		for _, a := range entries {
			u, err := v.user(a.Author.UserID)
			if err != nil {
				return err
			}
			page = append(page, ActivityView{a, u})
		}
		return nil
	})
	return page, total, err
}
