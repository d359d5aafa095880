package storetest

import (
	"strconv"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestDefinitions tests DefinitionReader.
func TestDefinitions(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"projects by id", func(k *kit) {
			want := []store.Project{k.project(3), k.project(1), k.project(2)}
			got, err := k.s.Projects(k.Context())
			if err != nil {
				k.Fatal(err)
			}
			k.same("Projects", got, []store.Project{want[1], want[2], want[0]})
		}},
		{"unknown project", func(k *kit) {
			_, err := k.s.Definitions(k.Context(), 1)
			k.is("Definitions", err, store.ErrNotFound)
		}},
		{"what is in it", func(k *kit) {
			p := k.project(1)
			k.project(2)
			a, b := k.flag(newFlag(1, "b")), k.flag(newFlag(1, "a"))
			gone := newFlag(1, "gone")
			gone.Deleted = true
			k.flag(gone)
			k.flag(newFlag(2, "elsewhere"))
			c := k.cohort(1, "c")
			k.cohort(2, "elsewhere")
			k.edit(func(tx store.Tx) error {
				return second(tx.InsertCohort(store.Cohort{Project: 1, Deleted: true}))
			})
			var types []store.GroupType
			k.identify(1, func(tx store.IdentityTx) error {
				types = nil
				for _, name := range []string{"company", "account"} {
					gt, err := tx.InsertGroupType(name, at(0))
					if err != nil {
						return err
					}
					types = append(types, gt)
				}
				return nil
			})
			got, err := k.s.Definitions(k.Context(), 1)
			if err != nil {
				k.Fatal(err)
			}
			k.same("Definitions", got, store.Definitions{Revision: k.mustHead(), Project: p, Flags: []store.Flag{a, b},
				Cohorts: []store.Cohort{c}, GroupTypes: types})
		}},
		{"one state", definitionsAreOneState},
	})
}

// definitionsAreOneState loads definitions while a writer keeps two flags and
// the project at the same number, one revision for each number.
func definitionsAreOneState(k *kit) {
	k.project(1)
	a, b := k.flag(newFlag(1, "a")), k.flag(newFlag(1, "b"))
	numberOf := func(tx store.Tx, n int) error {
		for _, f := range []store.Flag{a, b} {
			f.Name = strconv.Itoa(n)
			if _, err := tx.UpdateFlag(f); err != nil {
				return err
			}
		}
		return nil
	}
	first := k.edit(func(tx store.Tx) error { return numberOf(tx, 0) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 50 {
			if _, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error { return numberOf(tx, n+1) }); err != nil {
				k.Errorf("Edit: %v", err)
			}
		}
	}()
	last := first
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		d, err := k.s.Definitions(k.Context(), 1)
		if err != nil {
			k.Errorf("Definitions: %v", err)
			continue
		}
		if d.Revision < last || d.Flags[0].Name != d.Flags[1].Name || d.Flags[0].Version != d.Flags[1].Version {
			k.Errorf("revision %d after %d with flags at %s and %s", d.Revision, last, d.Flags[0].Name, d.Flags[1].Name)
		}
		if d.Revision == last && last == first && d.Flags[0].Name != "0" {
			k.Errorf("the state at revision %d shows %s, which came later", d.Revision, d.Flags[0].Name)
		}
		last = d.Revision
	}
	if last != k.mustHead() {
		k.Errorf("the last state has revision %d, the head is %d", last, k.mustHead())
	}
}
