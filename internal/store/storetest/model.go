package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestIdentityModel drives a store and a model of it in plain maps with the
// same random steps and compares the two after each.
func TestIdentityModel(t *testing.T, open Open) {
	k := &kit{T: t, s: open(t)}
	project := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		project++ // a project for each run: opening a store is slow
		m := &model{rt: rt, k: k, project: project, persons: make(map[int64]*modelPerson)}
		m.check("Edit", second(k.s.Edit(t.Context(), author, func(tx store.Tx) error {
			if _, err := tx.InsertProject(newProject(project)); err != nil {
				return err
			}
			for i := range m.cohorts {
				c, err := tx.InsertCohort(store.Cohort{Project: project, Static: true})
				if err != nil {
					return err
				}
				m.cohorts[i] = c.ID
			}
			return nil
		})))
		rt.Repeat(map[string]func(*rapid.T){
			"insert":    m.insert,
			"add":       m.add,
			"merge":     m.merge,
			"split":     m.split,
			"delete":    m.delete,
			"overrides": m.writeOverrides,
			"join":      m.join,
			"":          m.compare,
		})
	})
}

// model is what a store should hold for one project.
type model struct {
	rt      *rapid.T
	k       *kit
	project int64
	cohorts [3]int64
	persons map[int64]*modelPerson
}

type modelPerson struct {
	uuid      string
	ids       []string // oldest first
	overrides map[string]string
	cohorts   map[int64]bool
}

var (
	modelIDs   = rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	modelFlags = rapid.SampledFrom([]string{"x", "y", "z"})
)

func (m *model) check(what string, err error) {
	if err != nil {
		m.rt.Fatalf("%s: %v", what, err)
	}
}

func (m *model) owner(id string) int64 {
	for person, p := range m.persons {
		if slices.Contains(p.ids, id) {
			return person
		}
	}
	return 0
}

// expect runs fn in an Identify and compares its error with the sentinel that
// the model foresees; nil for success.
func (m *model) expect(what string, want error, fn func(tx store.IdentityTx) error) bool {
	var got error
	m.check(what, m.k.s.Identify(m.k.Context(), m.project, func(tx store.IdentityTx) error {
		if got = fn(tx); errors.Is(got, store.ErrNotFound) || errors.Is(got, store.ErrConflict) {
			return nil
		}
		return got
	}))
	if !errors.Is(got, want) {
		m.rt.Fatalf("%s: error = %v, the model says %v", what, got, want)
	}
	return got == nil
}

func (m *model) uuidTaken(uuid string) bool {
	for _, p := range m.persons {
		if p.uuid == uuid {
			return true
		}
	}
	return false
}

func (m *model) insert(rt *rapid.T) {
	ids := rapid.SliceOfNDistinct(modelIDs, 1, 3, rapid.ID).Draw(rt, "ids")
	var want error
	for _, id := range ids {
		if m.owner(id) != 0 {
			want = store.ErrConflict
		}
	}
	p := newPerson(ids[0], `{}`)
	if m.uuidTaken(p.UUID) {
		want = store.ErrConflict
	}
	if m.expect("InsertPerson", want, func(tx store.IdentityTx) (err error) {
		p, err = tx.InsertPerson(p, ids)
		return err
	}) {
		m.persons[p.ID] = &modelPerson{uuid: p.UUID, ids: ids, overrides: make(map[string]string), cohorts: make(map[int64]bool)}
	}
}

func (m *model) add(rt *rapid.T) {
	person, id := m.owner(modelIDs.Draw(rt, "of")), modelIDs.Draw(rt, "id")
	var want error
	switch {
	case person == 0:
		want = store.ErrNotFound
	case m.owner(id) != 0:
		want = store.ErrConflict
	}
	if m.expect("AddDistinctID", want, func(tx store.IdentityTx) error { return tx.AddDistinctID(person, id) }) {
		m.persons[person].ids = append(m.persons[person].ids, id)
	}
}

func (m *model) merge(rt *rapid.T) {
	from, into := m.owner(modelIDs.Draw(rt, "from")), m.owner(modelIDs.Draw(rt, "into"))
	if from == into {
		rt.Skip("one person, or none")
	}
	var want error
	if from == 0 || into == 0 {
		want = store.ErrNotFound
	}
	if !m.expect("MergePerson", want, func(tx store.IdentityTx) error { return tx.MergePerson(from, into) }) {
		return
	}
	source, survivor := m.persons[from], m.persons[into]
	survivor.ids = append(survivor.ids, source.ids...)
	maps.Copy(source.overrides, survivor.overrides)
	survivor.overrides = source.overrides
	maps.Copy(survivor.cohorts, source.cohorts)
	delete(m.persons, from)
}

func (m *model) split(rt *rapid.T) {
	id := modelIDs.Draw(rt, "id")
	owner := m.owner(id)
	if owner != 0 && len(m.persons[owner].ids) == 1 {
		rt.Skip("the last id")
	}
	p := newPerson(id, `{}`)
	var want error
	switch {
	case owner == 0:
		want = store.ErrNotFound
	case m.uuidTaken(p.UUID):
		want = store.ErrConflict
	}
	if m.expect("SplitDistinctID", want, func(tx store.IdentityTx) (err error) {
		if err := tx.SplitDistinctID(id, p); err != nil {
			return err
		}
		p, err = tx.PersonOf(id)
		return err
	}) {
		old := m.persons[owner]
		old.ids = slices.DeleteFunc(slices.Clone(old.ids), func(have string) bool { return have == id })
		m.persons[p.ID] = &modelPerson{uuid: p.UUID, ids: []string{id}, overrides: make(map[string]string), cohorts: make(map[int64]bool)}
	}
}

func (m *model) delete(rt *rapid.T) {
	person := m.owner(modelIDs.Draw(rt, "of"))
	var want error
	if person == 0 {
		want = store.ErrNotFound
	}
	if m.expect("DeletePerson", want, func(tx store.IdentityTx) error { return tx.DeletePerson(person) }) {
		delete(m.persons, person)
	}
}

func (m *model) writeOverrides(rt *rapid.T) {
	ids := rapid.SliceOfN(modelIDs, 1, 2).Draw(rt, "ids")
	flags := rapid.SliceOfN(modelFlags, 1, 3).Draw(rt, "flags")
	hash := fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "hash"))
	want := 0
	for _, id := range ids {
		p := m.persons[m.owner(id)]
		for _, flag := range flags {
			if p == nil || p.overrides[flag] != "" {
				continue
			}
			p.overrides[flag] = hash
			want++
		}
	}
	got, err := m.k.s.WriteOverrides(m.k.Context(), m.project, ids, flags, hash)
	m.check("WriteOverrides", err)
	if got != want {
		rt.Fatalf("WriteOverrides = %d, the model says %d", got, want)
	}
}

func (m *model) join(rt *rapid.T) {
	cohort := rapid.SampledFrom(m.cohorts[:]).Draw(rt, "cohort")
	var persons []int64
	want := 0
	for _, id := range rapid.SliceOfNDistinct(modelIDs, 1, 3, rapid.ID).Draw(rt, "ids") {
		person := m.owner(id)
		persons = append(persons, person)
		if p := m.persons[person]; p != nil && !p.cohorts[cohort] {
			p.cohorts[cohort] = true
			want++
		}
	}
	var got int
	m.check("Edit", second(m.k.s.Edit(m.k.Context(), author, func(tx store.Tx) (err error) {
		got, err = tx.AddCohortMembers(m.project, cohort, persons)
		return err
	})))
	if got != want {
		rt.Fatalf("AddCohortMembers = %d, the model says %d", got, want)
	}
}

// compare reads everything and holds it against the model.
func (m *model) compare(rt *rapid.T) {
	m.check("View", m.k.s.View(m.k.Context(), func(tx store.ReadTx) error {
		persons, err := tx.Persons(store.PersonQuery{Project: m.project, AfterID: -1})
		if err != nil {
			return err
		}
		if len(persons) != len(m.persons) {
			return fmt.Errorf("%d persons, the model has %d", len(persons), len(m.persons))
		}
		for _, p := range persons {
			want := m.persons[p.ID]
			if want == nil || want.uuid != p.UUID || !slices.Equal(want.ids, p.DistinctIDs) {
				return fmt.Errorf("person %+v, the model has %+v", p, want)
			}
			overrides, err := tx.Overrides(m.project, p.ID)
			if err != nil {
				return err
			}
			cohorts, err := tx.CohortsOfPerson(m.project, p.ID)
			if err != nil {
				return err
			}
			if !maps.Equal(overrides, want.overrides) || !slices.Equal(cohorts, slices.Sorted(maps.Keys(want.cohorts))) {
				return fmt.Errorf("person %d has overrides %v and cohorts %v, the model %v and %v", p.ID, overrides, cohorts, want.overrides, want.cohorts)
			}
		}
		return nil
	}))
	// The question of the request path sees the same.
	one, other := modelIDs.Draw(rt, "distinct id"), modelIDs.Draw(rt, "anonymous id")
	got, err := m.k.s.Subject(m.k.Context(), store.SubjectQuery{Project: m.project, DistinctID: one, AnonID: other, Person: true, Overrides: true})
	m.check("Subject", err)
	overrides, owners := make(map[string]string), 0
	p, q := m.persons[m.owner(one)], m.persons[m.owner(other)]
	if q != nil {
		maps.Copy(overrides, q.overrides)
		owners++
	}
	if p != nil {
		maps.Copy(overrides, p.overrides)
		if p != q {
			owners++
		}
	}
	if got.OverridePersons != owners || !maps.Equal(got.Overrides, overrides) || (got.Person == nil) != (p == nil) {
		rt.Fatalf("Subject(%s, %s) = %+v, the model has %d persons and %v", one, other, got, owners, overrides)
	}
	if p != nil && (got.Person.UUID != p.uuid || !slices.Equal(got.Cohorts, slices.Sorted(maps.Keys(p.cohorts)))) {
		rt.Fatalf("Subject(%s) = %+v, the model has %+v", one, got, p)
	}
}
