package storetest

import (
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestCohorts tests cohorts and the members of static ones.
func TestCohorts(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"all fields", func(k *kit) {
			k.project(1)
			n := int64(5)
			want := store.Cohort{
				Project: 1, Name: "C", Description: "D", Static: true, Kind: "static", Filters: store.JSON(`{"properties": {}}`),
				Groups: store.JSON(`[]`), Deleted: true, Count: &n, Calculating: true, ErrorsCount: 2, CreatedBy: 3, CreatedAt: at(0), UpdatedAt: at(1), LastComputed: at(2),
			}
			var got store.Cohort
			k.edit(func(tx store.Tx) (err error) {
				got, err = tx.InsertCohort(want)
				return err
			})
			want.ID = got.ID
			k.same("inserted", got, want)
			next := store.Cohort{ID: got.ID, Project: 1, CreatedAt: at(3), UpdatedAt: at(4)} // null documents
			k.edit(func(tx store.Tx) error { return tx.UpdateCohort(next) })
			k.view(func(tx store.ReadTx) error {
				got, err := tx.Cohort(1, next.ID)
				k.same("updated", got, next)
				if got.Filters != nil || got.Groups != nil || got.Count != nil {
					k.Errorf("null fields come back as %q, %q, %v", got.Filters, got.Groups, got.Count)
				}
				return err
			})
		}},
		{"lists", func(k *kit) {
			k.project(1)
			k.project(2)
			b, a := k.cohort(1, "b"), k.cohort(1, "a")
			elsewhere := k.cohort(2, "a")
			a.Deleted = true
			errs := errorsOf{}
			k.edit(func(tx store.Tx) error {
				errs["Cohort"] = second(tx.Cohort(1, elsewhere.ID))
				errs["UpdateCohort"] = tx.UpdateCohort(store.Cohort{ID: elsewhere.ID, Project: 1})
				errs["InsertCohort"] = second(tx.InsertCohort(store.Cohort{Project: 3}))
				errs["AddCohortMembers"] = second(tx.AddCohortMembers(1, elsewhere.ID, nil))
				errs["RemoveCohortMember"] = second(tx.RemoveCohortMember(1, elsewhere.ID, 1))
				return tx.UpdateCohort(a)
			})
			k.allNotFound(errs)
			k.view(func(tx store.ReadTx) error {
				live, err := tx.Cohorts(1, false)
				if err != nil {
					return err
				}
				k.same("live", live, []store.Cohort{b})
				all, err := tx.Cohorts(1, true)
				k.same("all", all, []store.Cohort{b, a})
				return err
			})
		}},
		{"members", cohortMembers},
	})
}

func cohortMembers(k *kit) {
	k.project(1)
	k.project(2)
	c, d := k.cohort(1, "c"), k.cohort(1, "d")
	var persons []store.Person
	for _, name := range []string{"p", "q", "r"} {
		persons = append(persons, k.person(1, `{}`, name, name+"2"))
	}
	stranger := k.person(2, `{}`, "p")
	for i := range persons {
		name := persons[i].UUID[len("uuid-of-"):]
		persons[i].DistinctIDs = []string{name, name + "2"}
	}
	p, q, r := persons[0], persons[1], persons[2]

	var added, again int
	k.edit(func(tx store.Tx) (err error) {
		if added, err = tx.AddCohortMembers(1, c.ID, []int64{r.ID, p.ID, p.ID, stranger.ID, 9999}); err != nil {
			return err
		}
		if again, err = tx.AddCohortMembers(1, c.ID, []int64{p.ID, q.ID}); err != nil {
			return err
		}
		return second(tx.AddCohortMembers(1, d.ID, []int64{p.ID}))
	})
	if added != 2 || again != 1 {
		k.Errorf("added %d and %d members, want 2 and 1", added, again)
	}
	k.view(func(tx store.ReadTx) error {
		all, err := tx.CohortMembers(1, c.ID, 0, 0)
		if err != nil {
			return err
		}
		k.same("members", all, persons)
		one, err := tx.CohortMembers(1, c.ID, 1, 1)
		if err != nil {
			return err
		}
		k.same("second page of one", one, []store.Person{q})
		n, err := tx.CountCohortMembers(1, c.ID)
		if n != 3 {
			k.Errorf("%d members, want 3", n)
		}
		if err != nil {
			return err
		}
		of, err := tx.CohortsOfPerson(1, p.ID)
		k.same("cohorts of a person", of, []int64{c.ID, d.ID})
		if err != nil {
			return err
		}
		none, err := tx.CohortMembers(2, c.ID, 0, 0)
		k.same("members seen from another project", none, []store.Person(nil))
		return err
	})
	var was, wasNot bool
	k.edit(func(tx store.Tx) (err error) {
		if was, err = tx.RemoveCohortMember(1, c.ID, p.ID); err != nil {
			return err
		}
		wasNot, err = tx.RemoveCohortMember(1, c.ID, p.ID)
		return err
	})
	if !was || wasNot {
		k.Errorf("RemoveCohortMember = %v, then %v", was, wasNot)
	}
	k.identify(1, func(tx store.IdentityTx) error { return tx.DeletePerson(q.ID) })
	k.view(func(tx store.ReadTx) error {
		all, err := tx.CohortMembers(1, c.ID, 0, 0)
		k.same("members left", all, []store.Person{r})
		return err
	})
}
