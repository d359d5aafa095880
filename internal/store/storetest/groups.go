package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestGroups tests group types and groups.
func TestGroups(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"types", groupTypes},
		{"concurrent allocation", func(k *kit) {
			k.project(1)
			var mu sync.Mutex
			indices := make(map[string]map[int]bool)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for i := range 7 {
						name := fmt.Sprint("type", i)
						err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
							gt, err := tx.InsertGroupType(name, at(0))
							if err == nil {
								mu.Lock()
								defer mu.Unlock()
								if indices[name] == nil {
									indices[name] = make(map[int]bool)
								}
								indices[name][gt.Index] = true
							}
							return err
						})
						if err != nil && !errors.Is(err, store.ErrConflict) {
							k.Errorf("InsertGroupType: %v", err)
						}
					}
				})
			}
			wg.Wait()
			k.view(func(tx store.ReadTx) error {
				types, err := tx.GroupTypes(1)
				if len(types) != store.MaxGroupTypes {
					k.Errorf("%d types", len(types))
				}
				for i, gt := range types {
					if gt.Index != i || !indices[gt.Name][i] {
						k.Errorf("type %+v at %d; callers were told %v", gt, i, indices[gt.Name])
					}
				}
				return err
			})
		}},
		{"groups", groups},
		{"lists", groupLists},
		{"other project's", func(k *kit) {
			k.project(1)
			k.project(2)
			k.identify(1, func(tx store.IdentityTx) error {
				if _, err := tx.InsertGroupType("company", at(0)); err != nil {
					return err
				}
				return tx.InsertGroup(store.Group{Project: 2, Index: 0, Key: "acme"}) // the transaction's project counts
			})
			k.view(func(tx store.ReadTx) error {
				k.is("Group", second(tx.Group(2, 0, "acme")), store.ErrNotFound)
				return second(tx.Group(1, 0, "acme"))
			})
		}},
	})
}

func groupTypes(k *kit) {
	k.project(1)
	k.project(2)
	var sixth error
	var known store.GroupType
	names := []string{"company", "account", "team", "site", "room"}
	k.identify(1, func(tx store.IdentityTx) (err error) {
		for i, name := range names {
			gt, err := tx.InsertGroupType(name, at(i))
			if err != nil {
				return err
			}
			if gt.Index != i {
				return fmt.Errorf("type %q has index %d, want %d", name, gt.Index, i)
			}
		}
		_, sixth = tx.InsertGroupType("sixth", at(6))
		known, err = tx.InsertGroupType("team", at(7))
		return err
	})
	k.is("sixth type", sixth, store.ErrConflict)
	k.same("known type", known, store.GroupType{Project: 1, Index: 2, Name: "team", CreatedAt: at(2)})

	renamed := store.GroupType{Project: 1, Index: 1, Name: "konto", NameSingular: "Konto", NamePlural: "Konten", CreatedAt: at(9)}
	errs := errorsOf{}
	var taken error
	k.edit(func(tx store.Tx) error {
		errs["UpdateGroupType"] = tx.UpdateGroupType(store.GroupType{Project: 2, Index: 0, Name: "x"})
		errs["DeleteGroupType"] = tx.DeleteGroupType(2, 0)
		taken = tx.UpdateGroupType(store.GroupType{Project: 1, Index: 0, Name: "team"})
		if err := tx.UpdateGroupType(renamed); err != nil {
			return err
		}
		if err := tx.InsertGroup(store.Group{Project: 1, Index: 3, Key: "acme"}); err != nil {
			return err
		}
		return tx.DeleteGroupType(1, 3)
	})
	k.allNotFound(errs)
	k.conflict("UpdateGroupType", taken, "name")
	var reused store.GroupType
	var group error
	k.identify(1, func(tx store.IdentityTx) (err error) {
		if reused, err = tx.InsertGroupType("sixth", at(8)); err != nil {
			return err
		}
		_, group = tx.Group(3, "acme")
		return nil
	})
	if reused.Index != 3 {
		k.Errorf("the freed index is 3, the next type got %d", reused.Index)
	}
	k.is("group of the deleted type", group, store.ErrNotFound)
	k.view(func(tx store.ReadTx) error {
		types, err := tx.GroupTypes(1)
		if err == nil {
			k.same("renamed", types[1], renamed)
		}
		return err
	})
}

func groups(k *kit) {
	k.project(1)
	want := store.Group{Project: 1, Index: 0, Key: "acme", Properties: store.JSON(`{"a": 1.0}`), CreatedAt: at(0), Version: 1}
	errs := errorsOf{}
	var twice, twiceByEdit error
	k.identify(1, func(tx store.IdentityTx) error {
		errs["InsertGroup of no type"] = tx.InsertGroup(want)
		if _, err := tx.InsertGroupType("company", at(0)); err != nil {
			return err
		}
		errs["Group"] = second(tx.Group(0, "acme"))
		errs["UpdateGroup"] = tx.UpdateGroup(want)
		if err := tx.InsertGroup(want); err != nil {
			return err
		}
		twice = tx.InsertGroup(want)
		got, err := tx.Group(0, "acme")
		k.same("in its transaction", got, want)
		return err
	})
	k.edit(func(tx store.Tx) error {
		errs["Group by edit"] = second(tx.Group(1, 0, "other"))
		errs["UpdateGroup by edit"] = tx.UpdateGroup(store.Group{Project: 1, Index: 0, Key: "other"})
		twiceByEdit = tx.InsertGroup(want)
		return nil
	})
	k.allNotFound(errs)
	k.conflict("InsertGroup", twice, "group_key")
	k.conflict("InsertGroup by edit", twiceByEdit, "group_key")

	want.Properties, want.Version = store.JSON(`{"b":2}`), 2
	changed := want
	changed.CreatedAt = at(9) // not written
	k.identify(1, func(tx store.IdentityTx) error { return tx.UpdateGroup(changed) })
	k.view(func(tx store.ReadTx) error {
		got, err := tx.Group(1, 0, "acme")
		k.same("updated", got, want)
		return err
	})
}

func groupLists(k *kit) {
	k.project(1)
	k.identify(1, func(tx store.IdentityTx) error {
		for _, name := range []string{"company", "team"} {
			if _, err := tx.InsertGroupType(name, at(0)); err != nil {
				return err
			}
		}
		for key, properties := range map[string]string{
			"b": `{"name":"Acme Inc"}`, "acme": `{}`, "B2": `{"name":3}`, "c": `{"other":"acme"}`,
		} {
			if err := tx.InsertGroup(store.Group{Index: 0, Key: key, Properties: store.JSON(properties)}); err != nil {
				return err
			}
		}
		return tx.InsertGroup(store.Group{Index: 1, Key: "acme"})
	})
	for _, c := range []struct {
		name string
		q    store.GroupQuery
		want []string
	}{
		{"all, by key", store.GroupQuery{}, []string{"B2", "acme", "b", "c"}},
		{"first page", store.GroupQuery{Limit: 2}, []string{"B2", "acme"}},
		{"next page", store.GroupQuery{Limit: 2, After: "acme"}, []string{"b", "c"}},
		{"other type", store.GroupQuery{Index: 1}, []string{"acme"}},
		{"search", store.GroupQuery{Search: "ACM"}, []string{"acme", "b"}},
		{"search a page", store.GroupQuery{Search: "acm", After: "acme"}, []string{"b"}},
		{"no wildcard", store.GroupQuery{Search: "%"}, nil},
	} {
		k.view(func(tx store.ReadTx) error {
			c.q.Project = 1
			found, err := tx.Groups(c.q)
			var got []string
			for _, g := range found {
				got = append(got, g.Key)
			}
			k.same(c.name, got, c.want)
			return err
		})
	}
}
