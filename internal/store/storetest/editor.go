package storetest

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

var (
	errOwn        = errors.New("the function's own error")
	errUnexpected = errors.New("unexpected success")
)

// TestEditor tests what transactions promise.
func TestEditor(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"own error and rollback", func(k *kit) {
			k.project(1)
			rev, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
				if _, err := tx.InsertFlag(newFlag(1, "a")); err != nil {
					return err
				}
				return errOwn
			})
			if err != errOwn || rev != 0 {
				k.Errorf("Edit = %d, %v, want 0 and the function's own error", rev, err)
			}
			k.noFlags(1)
		}},
		{"own error from View", func(k *kit) {
			if err := k.s.View(k.Context(), func(store.ReadTx) error { return errOwn }); err != errOwn {
				k.Errorf("View: %v, want the function's own error", err)
			}
		}},
		{"panic", func(k *kit) {
			k.project(1)
			_, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
				if _, err := tx.InsertFlag(newFlag(1, "a")); err != nil {
					return err
				}
				panic("oh")
			})
			if p, ok := errors.AsType[*store.PanicError](err); !ok || p.Value != "oh" || len(p.Stack) == 0 {
				k.Errorf("Edit: %v, want a PanicError", err)
			}
			k.noFlags(1)
			k.flag(newFlag(1, "b"))
		}},
		{"panic in View", func(k *kit) {
			func() {
				defer func() {
					if v := recover(); v != "oh" {
						k.Errorf("recovered %v, want the function's panic", v)
					}
				}()
				_ = k.s.View(k.Context(), func(store.ReadTx) error { panic("oh") })
			}()
			k.project(1)
			k.noFlags(1)
		}},
		{"nil documents are empty ones", nilDocuments},
		{"sees its own writes", func(k *kit) {
			k.project(1)
			k.edit(func(tx store.Tx) error {
				f, err := tx.InsertFlag(newFlag(1, "a"))
				if err != nil {
					return err
				}
				if _, err := tx.FlagByKey(1, "a"); err != nil {
					return err
				}
				return second(tx.FlagVersion(1, f.ID, 1))
			})
		}},
		{"goes on after not found and conflict", func(k *kit) {
			k.project(1)
			k.flag(newFlag(1, "a"))
			k.edit(func(tx store.Tx) error {
				if err := second(tx.InsertFlag(newFlag(1, "a"))); !errors.Is(err, store.ErrConflict) {
					return errors.Join(errUnexpected, err)
				}
				if err := second(tx.InsertFlag(newFlag(2, "a"))); !errors.Is(err, store.ErrNotFound) {
					return errors.Join(errUnexpected, err)
				}
				if err := second(tx.Flag(1, 999)); !errors.Is(err, store.ErrNotFound) {
					return errors.Join(errUnexpected, err)
				}
				return second(tx.InsertFlag(newFlag(1, "b")))
			})
			k.view(func(tx store.ReadTx) error {
				flags, err := tx.Flags(1, true)
				if len(flags) != 2 {
					k.Errorf("%d flags, want 2", len(flags))
				}
				return err
			})
		}},
		{"a view is one state", func(k *kit) {
			k.project(1)
			k.view(func(tx store.ReadTx) error {
				before, err := tx.Flags(1, false)
				if err != nil {
					return err
				}
				if _, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
					return second(tx.InsertFlag(newFlag(1, "a")))
				}); err != nil {
					return err
				}
				after, err := tx.Flags(1, false)
				if len(before) != 0 || len(after) != 0 {
					k.Errorf("%d flags, then %d", len(before), len(after))
				}
				return err
			})
		}},
		{"concurrent edits are serial", func(k *kit) {
			const writers, edits = 4, 15
			k.project(1)
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range edits {
						if _, err := k.s.Edit(k.Context(), author, increment); err != nil {
							k.Errorf("Edit: %v", err)
						}
					}
				})
			}
			wg.Wait()
			k.view(func(tx store.ReadTx) error {
				p, err := tx.Project(1)
				if want := strconv.Itoa(writers * edits); string(p.Settings) != want {
					k.Errorf("counter = %s, want %s", p.Settings, want)
				}
				return err
			})
		}},
		{"an answered edit is seen", func(k *kit) {
			k.project(1)
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := range 10 {
						key := strconv.Itoa(w) + "-" + strconv.Itoa(i)
						if _, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
							return second(tx.InsertFlag(newFlag(1, key)))
						}); err != nil {
							k.Errorf("Edit: %v", err)
						}
						if err := k.s.View(k.Context(), func(tx store.ReadTx) error {
							return second(tx.FlagByKey(1, key))
						}); err != nil {
							k.Errorf("flag %s after its insertion was answered: %v", key, err)
						}
					}
				})
			}
			wg.Wait()
		}},
	})
}

// increment reads and writes a number in a project's settings.
func increment(tx store.Tx) error {
	p, err := tx.Project(1)
	if err != nil {
		return err
	}
	n := 0
	if text := string(p.Settings); text != "{}" {
		if n, err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	p.Settings = strconv.AppendInt(nil, int64(n)+1, 10)
	return tx.UpdateProject(p)
}

func (k *kit) noFlags(project int64) {
	k.Helper()
	k.view(func(tx store.ReadTx) error {
		flags, err := tx.Flags(project, true)
		if len(flags) != 0 {
			k.Errorf("%d flags are left", len(flags))
		}
		return err
	})
}

func nilDocuments(k *kit) {
	k.edit(func(tx store.Tx) error {
		if _, err := tx.InsertProject(store.Project{ID: 1, Token: "phc_1"}); err != nil {
			return err
		}
		if _, err := tx.InsertFlag(store.Flag{Project: 1, Key: "a"}); err != nil {
			return err
		}
		if err := tx.InsertEarlyAccessFeature(store.EarlyAccessFeature{ID: "e", Project: 1}); err != nil {
			return err
		}
		return tx.AddActivity(store.Activity{Project: 1})
	})
	k.identify(1, func(tx store.IdentityTx) error {
		if _, err := tx.InsertGroupType("company", at(0)); err != nil {
			return err
		}
		if err := tx.InsertGroup(store.Group{Index: 0, Key: "acme"}); err != nil {
			return err
		}
		if _, err := tx.InsertPerson(store.Person{UUID: "u"}, []string{"a"}); err != nil {
			return err
		}
		return tx.AddWarning(store.Warning{Type: "w"})
	})
	k.view(func(tx store.ReadTx) error {
		documents := make(map[string]store.JSON)
		project, err := tx.Project(1)
		if err != nil {
			return err
		}
		documents["Settings"] = project.Settings
		flag, err := tx.FlagByKey(1, "a")
		if err != nil {
			return err
		}
		documents["Filters"] = flag.Filters
		feature, err := tx.EarlyAccessFeature(1, "e")
		if err != nil {
			return err
		}
		documents["Payload"] = feature.Payload
		group, err := tx.Group(1, 0, "acme")
		if err != nil {
			return err
		}
		documents["group's Properties"] = group.Properties
		person, err := tx.PersonByDistinctID(1, "a")
		if err != nil {
			return err
		}
		documents["person's Properties"] = person.Properties
		activities, _, err := tx.Activities(store.ActivityQuery{Project: 1})
		if err != nil {
			return err
		}
		documents["activity's Detail"] = activities[0].Detail
		warnings, err := tx.Warnings(1, 1)
		if err != nil {
			return err
		}
		documents["warning's Detail"] = warnings[0].Detail
		for what, got := range documents {
			if string(got) != "{}" {
				k.Errorf("%s = %q", what, got)
			}
		}
		return nil
	})
}
