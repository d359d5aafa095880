package storetest

import (
	"fmt"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestActivity tests the audit log and the warnings.
func TestActivity(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"audit log", activities},
		{"warnings", func(k *kit) {
			k.project(1)
			k.project(2)
			k.identify(2, func(tx store.IdentityTx) error { return tx.AddWarning(store.Warning{Type: "elsewhere"}) })
			k.identify(1, func(tx store.IdentityTx) error {
				for i := range 1203 {
					w := store.Warning{Project: 2, Type: fmt.Sprint("w", i), Detail: store.JSON(`{"id": "a"}`), At: at(i)}
					if err := tx.AddWarning(w); err != nil {
						return err
					}
				}
				return nil
			})
			k.view(func(tx store.ReadTx) error {
				newest, err := tx.Warnings(1, 2)
				if err != nil {
					return err
				}
				k.same("newest", newest, []store.Warning{
					{Project: 1, Type: "w1202", Detail: store.JSON(`{"id": "a"}`), At: at(1202)},
					{Project: 1, Type: "w1201", Detail: store.JSON(`{"id": "a"}`), At: at(1201)},
				})
				for limit, want := range map[int]int{0: 100, 5000: 1000} {
					some, err := tx.Warnings(1, limit)
					if err != nil {
						return err
					}
					if len(some) != want {
						k.Errorf("Warnings(%d) = %d entries, want %d", limit, len(some), want)
					}
				}
				other, err := tx.Warnings(2, 0)
				if len(other) != 1 {
					k.Errorf("another project has %d warnings", len(other))
				}
				return err
			})
		}},
	})
}

func activities(k *kit) {
	k.project(1)
	add := func(a store.Activity) {
		k.Helper()
		a.ID, a.Author, a.At = 99, store.Author{UserID: 99}, at(99) // the store's business
		k.edit(func(tx store.Tx) error { return tx.AddActivity(a) })
	}
	for i := range 105 {
		add(store.Activity{Project: 1, Scope: "FeatureFlag", ItemID: fmt.Sprint(i % 2), Activity: "updated", Detail: store.JSON(fmt.Sprintf(`{"n":%d}`, i))})
	}
	add(store.Activity{Project: 1, Scope: "Cohort", ItemID: "1", Activity: "created"})
	add(store.Activity{Project: 0, Scope: "Organization", ItemID: "o", Activity: "created"})
	add(store.Activity{Project: 2, Scope: "Cohort", ItemID: "1", Activity: "deleted"})
	for _, c := range []struct {
		name         string
		q            store.ActivityQuery
		total, count int
		first        string // detail of the first entry
	}{
		{"all", store.ActivityQuery{}, 108, 100, `{}`},
		{"one project's", store.ActivityQuery{Project: 1}, 106, 100, `{}`},
		{"one kind", store.ActivityQuery{Project: 1, Scope: "FeatureFlag"}, 105, 100, `{"n":104}`},
		{"one item", store.ActivityQuery{Project: 1, Scope: "FeatureFlag", ItemID: "1"}, 52, 52, `{"n":103}`},
		{"page", store.ActivityQuery{Project: 1, Scope: "FeatureFlag", Limit: 10, Offset: 100}, 105, 5, `{"n":4}`},
		{"none", store.ActivityQuery{Project: 3}, 0, 0, ""},
	} {
		k.view(func(tx store.ReadTx) error {
			got, total, err := tx.Activities(c.q)
			if total != c.total || len(got) != c.count {
				k.Errorf("%s: %d of %d entries, want %d of %d", c.name, len(got), total, c.count, c.total)
				return err
			}
			for i, a := range got {
				if a.Author != author || a.At.IsZero() || a.At.Equal(at(99)) || i > 0 && a.ID >= got[i-1].ID {
					k.Errorf("%s: entry %d is %+v", c.name, i, a)
				}
			}
			if len(got) > 0 && string(got[0].Detail) != c.first {
				k.Errorf("%s: the first detail is %s, want %s", c.name, got[0].Detail, c.first)
			}
			return err
		})
	}
}
