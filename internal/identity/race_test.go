package identity_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
)

// rival is a store in which another transaction gets in the way: before some
// writes, what was read is no longer so. sqlite has one writer and never does
// that; other stores do.
type rival struct {
	store.Store
	before map[string]func(tx store.IdentityTx) error // by method, called once
	always error                                      // what InsertPerson and AddDistinctID fail with
}

type rivalTx struct {
	store.IdentityTx
	r *rival
}

func (r *rival) Identify(ctx context.Context, project int64, fn func(tx store.IdentityTx) error) error {
	return r.Store.Identify(ctx, project, func(tx store.IdentityTx) error { return fn(rivalTx{tx, r}) })
}

func (tx rivalTx) act(method string) error {
	act := tx.r.before[method]
	if act == nil {
		return nil
	}
	delete(tx.r.before, method)
	return act(tx.IdentityTx)
}

func (tx rivalTx) InsertPerson(p store.Person, ids []string) (store.Person, error) {
	if err := tx.act("InsertPerson"); err != nil {
		return p, err
	}
	return tx.IdentityTx.InsertPerson(p, ids)
}

func (tx rivalTx) AddDistinctID(person int64, id string) error {
	if tx.r.always != nil {
		return tx.r.always
	}
	if err := tx.act("AddDistinctID"); err != nil {
		return err
	}
	return tx.IdentityTx.AddDistinctID(person, id)
}

func (tx rivalTx) MergePerson(from, into int64) error {
	if err := tx.act("MergePerson"); err != nil {
		return err
	}
	return tx.IdentityTx.MergePerson(from, into)
}

func (tx rivalTx) InsertGroup(g store.Group) error {
	if err := tx.act("InsertGroup"); err != nil {
		return err
	}
	return tx.IdentityTx.InsertGroup(g)
}

// TestRaces: whoever comes second reads again and goes on (M10).
func TestRaces(t *testing.T) {
	insert := func(id string) func(tx store.IdentityTx) error {
		return func(tx store.IdentityTx) error {
			_, err := tx.InsertPerson(store.Person{UUID: identity.PersonUUID(1, id), Properties: []byte(`{"first":1}`), CreatedAt: at}, []string{id})
			return err
		}
	}
	for _, c := range []struct {
		name     string
		method   string
		act      func(tx store.IdentityTx) error
		always   error
		events   []identity.Event
		want     string
		warnings []string
	}{
		{
			name: "created meanwhile", method: "InsertPerson", act: insert("a"),
			events: []identity.Event{event("$set", "a", `{"$set":{"x":1}}`)}, want: `a{"first":1,"x":1}`,
		},
		{
			name: "one of two created meanwhile", method: "InsertPerson", act: insert("b"),
			events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":"b","$set":{"x":1}}`)}, want: `b,a*{"first":1,"x":1}`,
		},
		{
			name: "id taken meanwhile", method: "AddDistinctID", act: insert("b"),
			events: []identity.Event{event("e", "a", ``), event("$identify", "a", `{"$anon_distinct_id":"b"}`)}, want: `a,b*{"first":1}`,
		},
		{name: "merged away meanwhile", method: "MergePerson", act: func(tx store.IdentityTx) error {
			b, err := tx.PersonOf("b")
			return errors.Join(err, tx.DeletePerson(b.ID))
		}, events: []identity.Event{event("e", "a", ``), event("e", "b", ``), event("$identify", "a", `{"$anon_distinct_id":"b"}`)}, want: `a,b*{}`},
		{
			name: "always in the way", always: &store.ConflictError{Field: "distinct_id"},
			events: []identity.Event{event("e", "a", ``), event("$identify", "a", `{"$anon_distinct_id":"b","$set":{"x":1}}`)}, want: `a{"x":1}`,
			warnings: []string{"merge_race_condition"},
		},
		{name: "group created meanwhile", method: "InsertGroup", act: func(tx store.IdentityTx) error {
			return tx.InsertGroup(store.Group{Index: 0, Key: "k", Properties: []byte(`{}`), CreatedAt: at, Version: 1})
		}, events: []identity.Event{event("$groupidentify", "a", `{"$group_type":"t","$group_key":"k","$group_set":{"x":1}}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &rival{Store: open(t), always: c.always, before: map[string]func(tx store.IdentityTx) error{c.method: c.act}}
			w := &world{r, newService(r), identitytest.Setup(t, r.Store, &identitytest.Case{})}
			w.capture(t, c.events...)
			if got := w.persons(t); got != c.want {
				t.Errorf("persons %s, want %s", got, c.want)
			}
			if got := w.warnings(t); !slices.Equal(got, c.warnings) {
				t.Errorf("warnings %q, want %q", got, c.warnings)
			}
			if c.method != "" && len(r.before) > 0 {
				t.Errorf("%s was not called", c.method)
			}
		})
	}
}
