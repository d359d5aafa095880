package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestSubjects tests the question of the request path, and overrides.
func TestSubjects(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"queries", subjects},
		{"overrides of two persons", overridesOfTwo},
		{"write overrides", writeOverrides},
		{"concurrent overrides", func(k *kit) {
			k.project(1)
			k.person(1, `{}`, "a")
			var mu sync.Mutex
			total := 0
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					n, err := k.s.WriteOverrides(k.Context(), 1, []string{"a"}, []string{"f", "g"}, fmt.Sprint(i))
					if err != nil {
						k.Errorf("WriteOverrides: %v", err)
					}
					mu.Lock()
					total += n
					mu.Unlock()
				})
			}
			wg.Wait()
			if total != 2 {
				k.Errorf("%d rows were written, want 2", total)
			}
			if got := k.subject(store.SubjectQuery{DistinctID: "a", Overrides: true}).Overrides; got["f"] != got["g"] {
				k.Errorf("overrides = %v, want those of one call", got)
			}
		}},
		{"a reader sees all of a merge or nothing", mergeIsAtomic},
	})
}

// subject asks about project 1.
func (k *kit) subject(q store.SubjectQuery) store.SubjectData {
	k.Helper()
	q.Project = 1
	data, err := k.s.Subject(k.Context(), q)
	if err != nil {
		k.Fatalf("Subject: %v", err)
	}
	slices.SortFunc(data.Groups, func(a, b store.Group) int { return cmp.Compare(a.Index, b.Index) })
	return data
}

func subjects(k *kit) {
	k.project(1)
	k.project(2)
	p := store.Person{UUID: "u", Properties: store.JSON(`{"a": 1.0}`), Identified: true, CreatedAt: at(0), LastSeenAt: at(1), Version: 3}
	var acme, ops store.Group
	k.identify(1, func(tx store.IdentityTx) (err error) {
		if p, err = tx.InsertPerson(p, []string{"a", "b"}); err != nil {
			return err
		}
		for _, name := range []string{"company", "team"} {
			if _, err := tx.InsertGroupType(name, at(0)); err != nil {
				return err
			}
		}
		acme = store.Group{Project: 1, Index: 0, Key: "acme", Properties: store.JSON(`{"n": 1}`), CreatedAt: at(2), Version: 4}
		ops = store.Group{Project: 1, Index: 1, Key: "ops", Properties: store.JSON(`{}`), CreatedAt: at(3), Version: 5}
		for _, g := range []store.Group{acme, ops, {Index: 0, Key: "ops"}} {
			if err := tx.InsertGroup(g); err != nil {
				return err
			}
		}
		return nil
	})
	c, d, e := k.cohort(1, "c"), k.cohort(1, "d"), k.cohort(1, "e")
	k.join(e, p.ID)
	k.join(c, p.ID)
	k.join(d, k.person(1, `{}`, "other").ID)
	k.person(2, `{"x":1}`, "a")
	if _, err := k.s.WriteOverrides(k.Context(), 1, []string{"a"}, []string{"f"}, "h"); err != nil {
		k.Fatal(err)
	}

	cohorts := []int64{c.ID, e.ID}
	overrides := map[string]string{"f": "h"}
	both := []store.GroupRef{{Index: 0, Key: "acme"}, {Index: 1, Key: "ops"}}
	for _, q := range []struct {
		name string
		q    store.SubjectQuery
		want store.SubjectData
	}{
		{"nothing", store.SubjectQuery{DistinctID: "a"}, store.SubjectData{}},
		{"person", store.SubjectQuery{DistinctID: "a", Person: true}, store.SubjectData{Person: &p, Cohorts: cohorts}},
		{"person by second id", store.SubjectQuery{DistinctID: "b", Person: true}, store.SubjectData{Person: &p, Cohorts: cohorts}},
		{"unknown person", store.SubjectQuery{DistinctID: "x", Person: true, Overrides: true}, store.SubjectData{}},
		{"anonymous id is for overrides only", store.SubjectQuery{DistinctID: "x", AnonID: "a", Person: true}, store.SubjectData{}},
		{"groups", store.SubjectQuery{DistinctID: "a", Groups: both}, store.SubjectData{Groups: []store.Group{acme, ops}}},
		{
			"one group of two",
			store.SubjectQuery{DistinctID: "a", Groups: []store.GroupRef{{Index: 0, Key: "none"}, {Index: 1, Key: "ops"}}},
			store.SubjectData{Groups: []store.Group{ops}},
		},
		{"key of the other type", store.SubjectQuery{DistinctID: "a", Groups: []store.GroupRef{{Index: 1, Key: "acme"}}}, store.SubjectData{}},
		{"overrides", store.SubjectQuery{DistinctID: "a", Overrides: true}, store.SubjectData{Overrides: overrides, OverridePersons: 1}},
		{"person without overrides", store.SubjectQuery{DistinctID: "other", Overrides: true}, store.SubjectData{OverridePersons: 1}},
		{"both ids of one person", store.SubjectQuery{DistinctID: "a", AnonID: "b", Overrides: true}, store.SubjectData{Overrides: overrides, OverridePersons: 1}},
		{"anonymous id alone is known", store.SubjectQuery{DistinctID: "x", AnonID: "b", Overrides: true}, store.SubjectData{Overrides: overrides, OverridePersons: 1}},
		{
			"everything",
			store.SubjectQuery{DistinctID: "a", AnonID: "x", Person: true, Groups: both, Overrides: true},
			store.SubjectData{Person: &p, Cohorts: cohorts, Groups: []store.Group{acme, ops}, Overrides: overrides, OverridePersons: 1},
		},
		{
			"person and groups",
			store.SubjectQuery{DistinctID: "a", Person: true, Groups: both},
			store.SubjectData{Person: &p, Cohorts: cohorts, Groups: []store.Group{acme, ops}},
		},
		{"odd texts", store.SubjectQuery{DistinctID: `'"%_\`, AnonID: "🙂", Person: true, Overrides: true, Groups: []store.GroupRef{{Index: 0, Key: "'"}}}, store.SubjectData{}},
	} {
		k.same(q.name, k.subject(q.q), q.want)
	}

	five := make([]store.GroupRef, store.MaxGroupTypes)
	for i := range five {
		five[i] = store.GroupRef{Index: i, Key: "ops"}
	}
	if got := k.subject(store.SubjectQuery{DistinctID: "a", Groups: five}).Groups; len(got) != 2 {
		k.Errorf("five groups asked for, found %v", got)
	}
}

func overridesOfTwo(k *kit) {
	k.project(1)
	k.flag(newFlag(1, "f"))
	k.person(1, `{}`, "anon")
	for flag, hash := range map[string]string{"f": "anon-f", "g": "anon-g"} {
		if _, err := k.s.WriteOverrides(k.Context(), 1, []string{"anon"}, []string{flag}, hash); err != nil {
			k.Fatal(err)
		}
	}
	k.person(1, `{}`, "user")
	if _, err := k.s.WriteOverrides(k.Context(), 1, []string{"user"}, []string{"f", "h"}, "user"); err != nil {
		k.Fatal(err)
	}
	k.same("user wins", k.subject(store.SubjectQuery{DistinctID: "user", AnonID: "anon", Overrides: true}),
		store.SubjectData{OverridePersons: 2, Overrides: map[string]string{"f": "user", "g": "anon-g", "h": "user"}})
	k.same("anon wins", k.subject(store.SubjectQuery{DistinctID: "anon", AnonID: "user", Overrides: true}),
		store.SubjectData{OverridePersons: 2, Overrides: map[string]string{"f": "anon-f", "g": "anon-g", "h": "user"}})
}

func writeOverrides(k *kit) {
	k.project(1)
	k.project(2)
	a := k.person(1, `{}`, "a", "a2")
	b := k.person(1, `{}`, "b")
	stranger := k.person(2, `{}`, "a")
	for _, c := range []struct {
		name         string
		ids, flags   []string
		hash         string
		wrote        int
		wantA, wantB map[string]string
	}{
		{"no person", []string{"x"}, []string{"f"}, "h0", 0, nil, nil},
		{"no ids", nil, []string{"f"}, "h0", 0, nil, nil},
		{"no flags", []string{"a"}, nil, "h0", 0, nil, nil},
		{"one person by both its ids", []string{"a", "a2", "x"}, []string{"f"}, "h1", 1, map[string]string{"f": "h1"}, nil},
		{
			"only what is missing",
			[]string{"a", "b"},
			[]string{"f", "g", "g"},
			"h2", 3,
			map[string]string{"f": "h1", "g": "h2"},
			map[string]string{"f": "h2", "g": "h2"},
		},
		{
			"again",
			[]string{"a", "b"},
			[]string{"f", "g"},
			"h3", 0,
			map[string]string{"f": "h1", "g": "h2"},
			map[string]string{"f": "h2", "g": "h2"},
		},
	} {
		n, err := k.s.WriteOverrides(k.Context(), 1, c.ids, c.flags, c.hash)
		if n != c.wrote || err != nil {
			k.Errorf("%s: WriteOverrides = %d, %v, want %d", c.name, n, err, c.wrote)
		}
		k.view(func(tx store.ReadTx) error {
			for _, check := range []struct {
				who         string
				project, id int64
				want        map[string]string
			}{{"a", 1, a.ID, c.wantA}, {"b", 1, b.ID, c.wantB}, {"another project's", 2, stranger.ID, nil}} {
				got, err := tx.Overrides(check.project, check.id)
				if err != nil {
					return err
				}
				k.same(c.name+": "+check.who, got, check.want)
			}
			return nil
		})
	}
}

// mergeIsAtomic asks about two ids while their persons are merged, with an
// override that only one of them has.
func mergeIsAtomic(k *kit) {
	k.project(1)
	done := make(chan struct{})
	started := make(chan struct{})
	const rounds = 20
	go func() {
		defer close(done)
		<-started
		for i := range rounds {
			name := fmt.Sprint("p", i)
			if err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
				from, err := tx.InsertPerson(newPerson("from-"+name, `{"n":1}`), []string{"from-" + name, "anon"})
				if err != nil {
					return err
				}
				into, err := tx.InsertPerson(newPerson("into-"+name, `{"n":2}`), []string{"into-" + name, "user"})
				if err != nil {
					return err
				}
				if err := tx.MergePerson(from.ID, into.ID); err != nil {
					return err
				}
				return nil
			}); err != nil {
				k.Errorf("Identify: %v", err)
			}
			if err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
				p, err := tx.PersonOf("user")
				if err != nil {
					return err
				}
				return tx.DeletePerson(p.ID)
			}); err != nil {
				k.Errorf("Identify: %v", err)
			}
		}
	}()
	close(started)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		// Either nobody owns the two ids, or one person owns both.
		d, err := k.s.Subject(k.Context(), store.SubjectQuery{Project: 1, DistinctID: "user", AnonID: "anon", Person: true, Overrides: true})
		if err != nil {
			k.Errorf("Subject: %v", err)
		}
		if known := d.Person != nil; known != (d.OverridePersons == 1) || known && string(d.Person.Properties) != `{"n":2}` {
			k.Errorf("person %+v, %d persons own the ids", d.Person, d.OverridePersons)
		}
	}
}
