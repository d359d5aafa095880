package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
)

// model is the least that can be said of persons: who has which ids, which
// properties and whether he is identified. It knows nothing of documents,
// sizes, times or transactions.
type model struct {
	owner map[string]*modelPerson
	used  map[string]bool // personlessly
}

type modelPerson struct {
	primary    string
	ids        []string
	properties map[string]int
	identified bool
}

// move is one event in the terms of the model.
type move struct {
	Kind       string // custom, $identify, $create_alias, $merge_dangerously
	ID, Other  string
	Set, Once  map[string]int
	Unset      []string
	Personless bool
}

func (m *model) apply(v move) {
	if v.Personless {
		if m.owner[v.ID] == nil && v.Kind == "custom" {
			m.used[v.ID] = true
		}
		return
	}
	if v.Kind == "custom" || v.Other == v.ID {
		if p := m.owner[v.ID]; p != nil {
			p.change(v)
		} else {
			m.create(v, v.ID)
		}
		return
	}
	target, other := m.owner[v.ID], m.owner[v.Other]
	switch {
	case target == nil && other == nil:
		ids := []string{v.ID, v.Other}
		if m.used[v.Other] && !m.used[v.ID] {
			slices.Reverse(ids)
		}
		target = m.create(v, ids...)
	case target == nil:
		target = other
		m.give(target, v.ID)
		target.change(v)
	case other == nil:
		m.give(target, v.Other)
		target.change(v)
	case target == other || other.identified && v.Kind != "$merge_dangerously":
		target.change(v)
	default:
		m.give(target, other.ids...)
		for name, value := range other.properties {
			if _, ok := target.properties[name]; !ok {
				target.properties[name] = value
			}
		}
		target.change(v)
	}
	target.identified = true
}

func (m *model) create(v move, ids ...string) *modelPerson {
	p := &modelPerson{primary: ids[0], properties: map[string]int{}}
	maps.Copy(p.properties, v.Once)
	maps.Copy(p.properties, v.Set)
	m.give(p, ids...)
	return p
}

func (m *model) give(p *modelPerson, ids ...string) {
	for _, id := range ids {
		m.owner[id] = p
		p.ids = append(p.ids, id)
	}
}

func (p *modelPerson) change(v move) {
	before := maps.Clone(p.properties)
	for name, value := range v.Once {
		if _, ok := before[name]; !ok {
			p.properties[name] = value
		}
	}
	maps.Copy(p.properties, v.Set)
	for _, name := range v.Unset {
		if _, ok := before[name]; ok {
			delete(p.properties, name)
		}
	}
}

// describe lists the persons of the model.
func (m *model) describe() []string {
	seen := map[*modelPerson]bool{}
	var list []string
	for _, p := range m.owner {
		if !seen[p] {
			seen[p] = true
			list = append(list, describe(p.primary, p.ids, p.identified, p.properties))
		}
	}
	slices.Sort(list)
	return list
}

func describe(primary string, ids []string, identified bool, properties map[string]int) string {
	return fmt.Sprint(primary, " ", slices.Sorted(slices.Values(ids)), " ", identified, " ", properties)
}

// event returns the move as an event.
func (v move) event(t *rapid.T) identity.Event {
	properties := map[string]any{"$set": v.Set, "$set_once": v.Once, "$unset": v.Unset}
	switch v.Kind {
	case "$identify":
		properties["$anon_distinct_id"] = v.Other
	case "$create_alias", "$merge_dangerously":
		properties["alias"] = v.Other
	}
	if v.Personless {
		properties["$process_person_profile"] = false
	}
	doc, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	return event(v.Kind, v.ID, string(doc))
}

var (
	anyID     = rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	anyName   = rapid.SampledFrom([]string{"p", "q", "r"})
	anyValues = rapid.MapOfN(anyName, rapid.IntRange(0, 3), 0, 2)
	anyMove   = rapid.Custom(func(t *rapid.T) move {
		return move{
			Kind:       rapid.SampledFrom([]string{"custom", "custom", "$identify", "$identify", "$create_alias", "$merge_dangerously"}).Draw(t, "kind"),
			ID:         anyID.Draw(t, "id"),
			Other:      anyID.Draw(t, "other"),
			Set:        anyValues.Draw(t, "set"),
			Once:       anyValues.Draw(t, "once"),
			Unset:      rapid.SliceOfN(anyName, 0, 1).Draw(t, "unset"),
			Personless: rapid.IntRange(0, 5).Draw(t, "personless") == 0,
		}
	})
)

// TestModel applies random events, in requests of random length, to a store
// and to the model.
func TestModel(t *testing.T) {
	st := open(t)
	s := newService(st)
	newProject := projects(t, st)
	rapid.Check(t, func(rt *rapid.T) {
		project := newProject()
		m := &model{owner: map[string]*modelPerson{}, used: map[string]bool{}}
		for _, request := range rapid.SliceOfN(rapid.SliceOfN(anyMove, 1, 5), 1, 8).Draw(rt, "requests") {
			var events []identity.Event
			for _, v := range request {
				m.apply(v)
				events = append(events, v.event(rt))
			}
			if err := s.Capture(t.Context(), identity.Settings{ID: project}, events); err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(m.describe(), stored(rt, st, project)); diff != "" {
				rt.Fatalf("persons (-model +store):\n%s", diff)
			}
		}
	})
}

// projects returns a function that makes one project after another.
func projects(t *testing.T, st store.Store) func() int64 {
	first := identitytest.Setup(t, st, &identitytest.Case{})
	made := 0
	return func() (id int64) {
		_, err := st.Edit(t.Context(), store.Author{}, func(tx store.Tx) error {
			p := first
			p.ID, p.Token = 0, fmt.Sprint("phc_", made)
			p.UUID = identity.PersonUUID(0, p.Token)
			p, err := tx.InsertProject(p)
			id = p.ID
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		made++
		return id
	}
}

// stored lists the persons of a project as describe does, and checks what
// must hold of any persons (I1 and I3).
func stored(t interface{ Fatalf(string, ...any) }, st store.Store, project int64) []string {
	var list []string
	owners := map[string]int64{}
	err := st.View(context.Background(), func(tx store.ReadTx) error {
		persons, err := tx.Persons(store.PersonQuery{Project: project, Limit: 1000})
		for _, p := range persons {
			primary := ""
			for _, id := range p.DistinctIDs {
				if other, taken := owners[id]; taken {
					t.Fatalf("%q belongs to the persons %d and %d", id, other, p.ID)
				}
				owners[id] = p.ID
				if identity.PersonUUID(project, id) == p.UUID {
					primary = id
				}
			}
			if primary == "" {
				t.Fatalf("the uuid %s follows from none of the ids %q", p.UUID, p.DistinctIDs)
			}
			values := map[string]int{}
			var doc map[string]json.RawMessage
			if err := json.Unmarshal(p.Properties, &doc); err != nil {
				return err
			}
			for name, value := range doc {
				if !strings.HasPrefix(name, "$") {
					values[name] = int(value[0] - '0')
				}
			}
			list = append(list, describe(primary, p.DistinctIDs, p.Identified, values))
		}
		return err
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	slices.Sort(list)
	return list
}

// TestConcurrentMerges has several requests at once create and merge the same
// ids. Whatever the order, each id ends with one person, all who were merged
// are together, and each request's own events are in order.
func TestConcurrentMerges(t *testing.T) {
	const writers, rounds = 8, 25
	st := open(t)
	s := newService(st)
	project := projects(t, st)()
	settings := identity.Settings{ID: project}
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() {
			own := fmt.Sprint("w", w)
			for i := range rounds {
				shared := fmt.Sprint("s", (w+i)%6)
				errs[w] = errors.Join(errs[w], s.Capture(t.Context(), settings, []identity.Event{
					event("$set", own, fmt.Sprintf(`{"$set":{"n%s":%d}}`, own, i%10)),
					event("$set", shared, `{"$set_once":{"x":1}}`),
					event("$merge_dangerously", own, `{"alias":"`+shared+`"}`),
				}))
				d, err := s.Lookup(t.Context(), store.SubjectQuery{Project: project, DistinctID: own, Person: true})
				if errs[w] = errors.Join(errs[w], err); err == nil && !strings.Contains(string(d.Person.Properties), fmt.Sprintf(`"n%s":%d`, own, i%10)) {
					errs[w] = errors.Join(errs[w], fmt.Errorf("round %d of %s is not seen: %s", i, own, d.Person.Properties))
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if list := stored(t, st, project); len(list) != 1 {
		t.Errorf("%d persons are left, want one with all ids: %q", len(list), list)
	}
	if n := s.Stats().Warnings["merge_race_condition"]; n != 0 {
		t.Errorf("%d merges were given up", n)
	}
}
