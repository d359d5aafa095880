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
			k.same("Definitions", got, store.Definitions{
				Revision: k.mustHead(), Project: p, Flags: []store.Flag{a, b},
				Cohorts: []store.Cohort{c}, GroupTypes: types,
			})
		}},
		{"one state", definitionsAreOneState},
	})
}

// definitionsAreOneState loads definitions while a writer counts in the names
// of two flags, one revision for each number. Each state must show the number
// that belongs to its revision.
func definitionsAreOneState(k *kit) {
	k.project(1)
	a, b := k.flag(newFlag(1, "a")), k.flag(newFlag(1, "b"))
	count := func(n int) func(tx store.Tx) error {
		return func(tx store.Tx) error {
			for _, f := range []store.Flag{a, b} {
				f.Name = strconv.Itoa(n)
				if _, err := tx.UpdateFlag(f); err != nil {
					return err
				}
			}
			return nil
		}
	}
	number := map[store.Revision]string{k.edit(count(0)): "0"} // the writer's, until done is closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; n <= 100; n++ {
			rev, err := k.s.Edit(k.Context(), author, count(n))
			if err != nil {
				k.Errorf("Edit: %v", err)
			}
			number[rev] = strconv.Itoa(n)
		}
	}()
	var states []store.Definitions
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
		states = append(states, d)
	}
	last := store.Revision(0)
	for _, d := range states {
		if want := number[d.Revision]; d.Revision < last || d.Flags[0].Name != want || d.Flags[1].Name != want {
			k.Errorf("revision %d after %d shows %s and %s, want %s", d.Revision, last, d.Flags[0].Name, d.Flags[1].Name, want)
		}
		last = d.Revision
	}
	if last != k.mustHead() {
		k.Errorf("the last state has revision %d, the head is %d", last, k.mustHead())
	}
}
