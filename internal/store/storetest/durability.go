package storetest

import (
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestDurability closes a store and opens its data again: nothing is missing,
// and neither revisions nor ids are given twice. reopen gets the closed store
// and returns a new one with its data.
func TestDurability(t *testing.T, open Open, reopen func(t *testing.T, closed store.Store) store.Store) {
	k := &kit{T: t, s: open(t)}
	k.project(1)
	f := k.flag(fullFlag(1))
	gone := k.flag(newFlag(1, "gone"))
	k.edit(func(tx store.Tx) error { return tx.RemoveFlag(1, gone.ID) })
	c := k.cohort(1, "c")
	p := k.person(1, `{"a": 1.0}`, "a", "b")
	k.join(c, p.ID)
	deleted := k.person(1, `{}`, "x")
	k.identify(1, func(tx store.IdentityTx) error {
		if _, err := tx.InsertGroupType("company", at(0)); err != nil {
			return err
		}
		if err := tx.InsertGroup(store.Group{Index: 0, Key: "acme", Properties: store.JSON(`{"b": 2.0}`)}); err != nil {
			return err
		}
		return tx.DeletePerson(deleted.ID)
	})
	if _, err := k.s.WriteOverrides(t.Context(), 1, []string{"a"}, []string{"f"}, "h"); err != nil {
		t.Fatal(err)
	}

	read := func() (d store.Definitions, subject store.SubjectData, feed []store.Change, versions []store.FlagVersion) {
		t.Helper()
		d, err := k.s.Definitions(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		k.view(func(tx store.ReadTx) (err error) {
			versions, err = tx.FlagVersions(1, f.ID)
			return err
		})
		subject = k.subject(store.SubjectQuery{DistinctID: "a", Person: true, Groups: []store.GroupRef{{Index: 0, Key: "acme"}}, Overrides: true})
		return d, subject, k.feed(0), versions
	}
	definitions, subject, feed, versions := read()
	if err := k.s.Close(); err != nil {
		t.Fatal(err)
	}
	k.s = reopen(t, k.s)
	definitions2, subject2, feed2, versions2 := read()
	k.same("definitions", definitions2, definitions)
	k.same("subject", subject2, subject)
	k.same("feed", feed2, feed)
	k.same("versions", versions2, versions)

	if next := k.flag(newFlag(1, "next")); next.ID <= gone.ID {
		t.Errorf("flag %d was removed, the next one is %d", gone.ID, next.ID)
	}
	if next := k.person(1, `{}`, "y"); next.ID <= deleted.ID {
		t.Errorf("person %d was deleted, the next one is %d", deleted.ID, next.ID)
	}
	if head := k.mustHead(); head <= definitions.Revision {
		t.Errorf("the head was %d and is %d after another edit", definitions.Revision, head)
	}
}
