package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// fullFlag has every field set.
func fullFlag(project int64) store.Flag {
	yes, no := true, false
	return store.Flag{
		Project: project, Key: "beta", Name: "Beta", Filters: store.JSON("{\"groups\": [ {\"n\": 1.0, \"big\": 12345678901234567890, \"t\": \"<&>\u2028ü\"} ] }\n"),
		Active: true, Archived: true, Continuity: &yes, EnrichedAnalytics: &no, RemoteConfiguration: &yes, EncryptedPayloads: &no,
		Runtime: "server", BucketingIdentifier: "device_id", Tags: []string{"b", "a"}, Contexts: []string{"web"},
		CreationContext: "surveys", HasExperiment: true, CreatedBy: 3, ModifiedBy: 4, CreatedAt: at(0), UpdatedAt: at(1), LastCalledAt: at(2),
	}
}

// TestFlags tests flags, their versions and early access features.
func TestFlags(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"all fields", func(k *kit) {
			k.project(1)
			want := fullFlag(1)
			want.Version = 99 // the store's business
			got := k.flag(want)
			want.Version = 1
			want.ID = got.ID
			k.same("inserted", got, want)
			next := store.Flag{ID: got.ID, Project: 1, Key: "gamma", Filters: store.JSON(`{}`), CreatedAt: at(3), UpdatedAt: at(4), LastCalledAt: at(5)}
			var updated store.Flag
			k.edit(func(tx store.Tx) (err error) {
				updated, err = tx.UpdateFlag(next)
				return err
			})
			next.Version = 2
			k.same("updated", updated, next)
			k.view(func(tx store.ReadTx) error {
				got, err := tx.Flag(1, next.ID)
				k.same("Flag", got, next)
				if err != nil {
					return err
				}
				got, err = tx.FlagByKey(1, "gamma")
				k.same("FlagByKey", got, next)
				versions, err2 := tx.FlagVersions(1, next.ID)
				if err2 != nil || len(versions) != 2 {
					k.Errorf("%d versions, %v", len(versions), err2)
					return err2
				}
				k.same("version 1", versions[0].Flag, want)
				k.same("version 2", versions[1].Flag, next)
				return err
			})
		}},
		{"lists", func(k *kit) {
			k.project(1)
			k.project(2)
			b, a := k.flag(newFlag(1, "b")), k.flag(newFlag(1, "a"))
			gone := newFlag(1, "a2")
			gone.Deleted = true
			gone = k.flag(gone)
			k.flag(newFlag(2, "a"))
			k.view(func(tx store.ReadTx) error {
				live, err := tx.Flags(1, false)
				if err != nil {
					return err
				}
				k.same("live", live, []store.Flag{b, a})
				all, err := tx.Flags(1, true)
				k.same("all", all, []store.Flag{b, a, gone})
				return err
			})
		}},
		{"not found", func(k *kit) {
			k.project(1)
			k.project(2)
			f := k.flag(newFlag(1, "a"))
			errs := errorsOf{}
			k.edit(func(tx store.Tx) error {
				errs["Flag"] = second(tx.Flag(1, f.ID+1))
				errs["Flag elsewhere"] = second(tx.Flag(2, f.ID))
				errs["FlagByKey"] = second(tx.FlagByKey(1, "b"))
				errs["FlagByKey elsewhere"] = second(tx.FlagByKey(2, "a"))
				errs["FlagVersion"] = second(tx.FlagVersion(1, f.ID, 2))
				errs["FlagVersion elsewhere"] = second(tx.FlagVersion(2, f.ID, 1))
				errs["FlagVersions"] = second(tx.FlagVersions(1, f.ID+1))
				errs["FlagVersions elsewhere"] = second(tx.FlagVersions(2, f.ID))
				moved := f
				moved.Project = 2
				errs["UpdateFlag elsewhere"] = second(tx.UpdateFlag(moved))
				errs["RemoveFlag"] = tx.RemoveFlag(1, f.ID+1)
				errs["RemoveFlag elsewhere"] = tx.RemoveFlag(2, f.ID)
				errs["InsertFlag, no project"] = second(tx.InsertFlag(newFlag(3, "a")))
				return nil
			})
			k.allNotFound(errs)
		}},
		{"keys are unique among live flags", flagKeys},
		{"ids of imports", importedIDs},
		{"versions", flagVersions},
		{"last call moves forward", lastCall},
		{"remove", removeFlag},
		{"early access features", earlyAccess},
	})
}

func flagKeys(k *kit) {
	k.project(1)
	k.project(2)
	k.flag(newFlag(2, "a")) // another project's
	a, b := k.flag(newFlag(1, "a")), k.flag(newFlag(1, "b"))
	var insert, rename, revive error
	k.edit(func(tx store.Tx) error {
		insert = second(tx.InsertFlag(newFlag(1, "a")))
		taken := b
		taken.Key = "a"
		rename = second(tx.UpdateFlag(taken))
		gone := a
		gone.Deleted = true
		gone, err := tx.UpdateFlag(gone)
		if err != nil {
			return err
		}
		if _, err := tx.InsertFlag(newFlag(1, "a")); err != nil { // the key is free again
			return err
		}
		gone.Deleted = false
		revive = second(tx.UpdateFlag(gone))
		return nil
	})
	k.conflict("InsertFlag", insert, "key")
	k.conflict("UpdateFlag to a taken key", rename, "key")
	k.conflict("UpdateFlag back to life", revive, "key")
	k.view(func(tx store.ReadTx) error {
		live, err := tx.FlagByKey(1, "a")
		if live.ID == a.ID || live.Deleted {
			k.Errorf("FlagByKey finds %+v", live)
		}
		if err != nil {
			return err
		}
		gone, err := tx.Flag(1, a.ID)
		if !gone.Deleted || gone.Version != 2 {
			k.Errorf("the deleted flag is %+v", gone)
		}
		return err
	})
}

// importedIDs inserts flags and cohorts that bring their ids. What is assigned
// afterwards must not run into them.
func importedIDs(k *kit) {
	k.project(1)
	f := newFlag(1, "imported")
	f.ID = 1000
	if got := k.flag(f); got.ID != 1000 || got.Version != 1 {
		k.Errorf("flag 1000 was inserted as %d, version %d", got.ID, got.Version)
	}
	var cohort store.Cohort
	var flagTaken, cohortTaken error
	k.edit(func(tx store.Tx) (err error) {
		if cohort, err = tx.InsertCohort(store.Cohort{ID: 2000, Project: 1}); err != nil {
			return err
		}
		f := newFlag(1, "other")
		f.ID = 1000
		flagTaken = second(tx.InsertFlag(f))
		cohortTaken = second(tx.InsertCohort(store.Cohort{ID: 2000, Project: 1}))
		return nil
	})
	k.conflict("InsertFlag", flagTaken, "id")
	k.conflict("InsertCohort", cohortTaken, "id")
	if next := k.flag(newFlag(1, "next")); next.ID <= 1000 {
		k.Errorf("the flag after number 1000 has number %d", next.ID)
	}
	if next := k.cohort(1, "next"); cohort.ID != 2000 || next.ID <= 2000 {
		k.Errorf("cohort 2000 was inserted as %d, the next one as %d", cohort.ID, next.ID)
	}
}

func flagVersions(k *kit) {
	k.project(1)
	f := k.flag(newFlag(1, "a"))
	other := store.Author{UserID: 8, Reason: "console"}
	for range 2 { // twice the same values, from a stale version number
		f.Name = "x"
		if _, err := k.s.Edit(k.Context(), other, func(tx store.Tx) error { return second(tx.UpdateFlag(f)) }); err != nil {
			k.Fatal(err)
		}
	}
	if _, err := k.s.Edit(k.Context(), other, func(tx store.Tx) error { // undone
		if _, err := tx.UpdateFlag(f); err != nil {
			return err
		}
		return errOwn
	}); err != errOwn {
		k.Fatal(err)
	}
	k.view(func(tx store.ReadTx) error {
		versions, err := tx.FlagVersions(1, f.ID)
		if err != nil {
			return err
		}
		if len(versions) != 3 {
			return fmt.Errorf("%d versions, want 3", len(versions))
		}
		for i, v := range versions {
			want := other
			if i == 0 {
				want = author
			}
			if v.Flag.Version != int64(i)+1 || v.Author != want || v.At.IsZero() || v.At.Location() != time.UTC {
				k.Errorf("version %d: %+v by %+v at %v", i+1, v.Flag.Version, v.Author, v.At)
			}
			one, err := tx.FlagVersion(1, f.ID, int64(i)+1)
			if err != nil {
				return err
			}
			k.same("FlagVersion", one, v)
		}
		return nil
	})
}

func lastCall(k *kit) {
	k.project(1)
	f := k.flag(newFlag(1, "a"))
	gone := newFlag(1, "gone")
	gone.Deleted = true
	gone = k.flag(gone)
	for _, n := range []int{5, 3} {
		k.identify(1, func(tx store.IdentityTx) error {
			if err := tx.TouchFlag("unknown", at(n)); err != nil {
				return err
			}
			if err := tx.TouchFlag("gone", at(n)); err != nil {
				return err
			}
			return tx.TouchFlag("a", at(n))
		})
	}
	k.edit(func(tx store.Tx) error { return second(tx.UpdateFlag(f)) }) // read before the calls
	k.view(func(tx store.ReadTx) error {
		got, err := tx.Flag(1, f.ID)
		if err != nil {
			return err
		}
		if !got.LastCalledAt.Equal(at(5)) || got.Version != 2 {
			k.Errorf("last called at %v, version %d, want %v, 2", got.LastCalledAt, got.Version, at(5))
		}
		got, err = tx.Flag(1, gone.ID)
		if !got.LastCalledAt.IsZero() {
			k.Errorf("the deleted flag was called at %v", got.LastCalledAt)
		}
		return err
	})
}

func removeFlag(k *kit) {
	k.project(1)
	k.project(2)
	f := k.flag(newFlag(1, "a"))
	k.flag(newFlag(2, "a"))
	p := k.person(1, `{}`, "p")
	q := k.person(2, `{}`, "p")
	for project := range int64(2) {
		if _, err := k.s.WriteOverrides(k.Context(), project+1, []string{"p"}, []string{"a", "b"}, "h"); err != nil {
			k.Fatal(err)
		}
	}
	overrides := func(project int64, p store.Person) (got map[string]string) {
		k.view(func(tx store.ReadTx) (err error) {
			got, err = tx.Overrides(project, p.ID)
			return err
		})
		return got
	}
	var replacement store.Flag
	k.edit(func(tx store.Tx) (err error) { // a live flag takes over the key
		f.Deleted = true
		if _, err := tx.UpdateFlag(f); err != nil {
			return err
		}
		if replacement, err = tx.InsertFlag(newFlag(1, "a")); err != nil {
			return err
		}
		return tx.RemoveFlag(1, f.ID)
	})
	k.same("overrides after the deleted flag is removed", overrides(1, p), map[string]string{"a": "h", "b": "h"})
	k.edit(func(tx store.Tx) error { return tx.RemoveFlag(1, replacement.ID) })
	k.same("overrides after the live flag is removed", overrides(1, p), map[string]string{"b": "h"})
	k.same("overrides of another project", overrides(2, q), map[string]string{"a": "h", "b": "h"})
	k.view(func(tx store.ReadTx) error {
		k.allNotFound(errorsOf{"Flag": second(tx.Flag(1, f.ID)), "FlagVersions": second(tx.FlagVersions(1, f.ID))})
		return nil
	})
	if next := k.flag(newFlag(1, "c")); next.ID <= replacement.ID {
		k.Errorf("flag %d was removed, the next one is %d", replacement.ID, next.ID)
	}
}

func earlyAccess(k *kit) {
	k.project(1)
	k.project(2)
	flag := k.flag(newFlag(1, "a"))
	old := store.EarlyAccessFeature{
		ID: "x", Project: 1, FlagID: flag.ID, Name: "N", Description: "D", Stage: "beta",
		DocumentationURL: "https://x.test", Payload: store.JSON(`{"a": 1.0}`), CreatedAt: at(0),
	}
	young := store.EarlyAccessFeature{ID: "a", Project: 1, Payload: store.JSON(`{}`), CreatedAt: at(1)}
	errs := errorsOf{}
	var twice error
	k.edit(func(tx store.Tx) error {
		for _, f := range []store.EarlyAccessFeature{old, young} {
			if err := tx.InsertEarlyAccessFeature(f); err != nil {
				return err
			}
		}
		twice = tx.InsertEarlyAccessFeature(old)
		errs["EarlyAccessFeature"] = second(tx.EarlyAccessFeature(2, "x"))
		errs["Update"] = tx.UpdateEarlyAccessFeature(store.EarlyAccessFeature{ID: "x", Project: 2})
		errs["Delete"] = tx.DeleteEarlyAccessFeature(2, "x")
		errs["Insert"] = tx.InsertEarlyAccessFeature(store.EarlyAccessFeature{ID: "y", Project: 1, FlagID: flag.ID + 1})
		return nil
	})
	k.conflict("second insertion", twice, "id")
	k.allNotFound(errs)
	k.view(func(tx store.ReadTx) error {
		got, err := tx.EarlyAccessFeatures(1)
		k.same("EarlyAccessFeatures", got, []store.EarlyAccessFeature{young, old})
		return err
	})
	k.edit(func(tx store.Tx) error {
		if err := tx.RemoveFlag(1, flag.ID); err != nil {
			return err
		}
		return tx.DeleteEarlyAccessFeature(1, "a")
	})
	k.view(func(tx store.ReadTx) error {
		got, err := tx.EarlyAccessFeature(1, "x")
		old.FlagID = 0
		k.same("feature whose flag was removed", got, old)
		return err
	})
}
