package identity_test

import (
	"errors"
	"testing"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/store"
)

func TestOperations(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, identity.Options{})
	w.capture(t, event("$identify", "a", `{"$anon_distinct_id":"b","$set":{"x":1,"y":{"z":1}}}`), event("$identify", "a", `{"$anon_distinct_id":"c"}`))
	p := w.person(t, "a")
	project := w.project.ID

	if err := w.SetProperties(ctx, project, p.ID, []byte(`{"x": 2.0, "n": null}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.UnsetProperties(ctx, project, p.ID, "y", "none"); err != nil {
		t.Fatal(err)
	}
	if got := w.persons(t); got != `a,b,c*{"n":null,"x":2.0}` {
		t.Errorf("after setting: %s", got)
	}
	if err := w.SetProperties(ctx, project, p.ID, []byte(`[1]`)); err == nil {
		t.Error("a list was set")
	}
	if err := w.SetProperties(ctx, project, p.ID, []byte(`{"x":`+string(quotedOf(656_000))+`}`)); !errors.Is(err, identity.ErrTooLarge) {
		t.Errorf("too large: error = %v", err)
	}
	if err := w.Split(ctx, project, p.ID, "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("split by a foreign id: error = %v", err)
	}
	// The person is named by "a"; leaving it "b" makes a's new uuid collide.
	if err := w.Split(ctx, project, p.ID, "b"); err != nil {
		t.Fatal(err)
	}
	if got := w.persons(t); got != `a{} | b*{"n":null,"x":2.0} | c{}` {
		t.Errorf("after the split: %s", got)
	}
	if a, c := w.person(t, "a"), w.person(t, "c"); a.UUID == p.UUID || c.UUID != identity.PersonUUID(project, "c") {
		t.Errorf("uuids after the split: a %s, c %s", a.UUID, c.UUID)
	}
	if err := w.DeletePerson(ctx, project, p.ID); err != nil {
		t.Fatal(err)
	}
	w.capture(t, event("e", "b", ``))
	if got := w.persons(t); got != `a{} | b{} | c{}` {
		t.Errorf("after deletion and a new event: %s", got)
	}
	for name, err := range map[string]error{
		"set":    w.SetProperties(ctx, project, p.ID, []byte(`{}`)),
		"unset":  w.UnsetProperties(ctx, project, p.ID, "x"),
		"delete": w.DeletePerson(ctx, project, p.ID),
		"split":  w.Split(ctx, project, p.ID, ""),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of nobody: error = %v, want ErrNotFound", name, err)
		}
	}
}

// TestTakenUUID: an id that once named another person gets one all the same.
func TestTakenUUID(t *testing.T) {
	w := newWorld(t, identity.Options{})
	w.capture(t, event("$identify", "a", `{"$anon_distinct_id":"b"}`))
	named := w.person(t, "a")
	if err := w.Split(t.Context(), w.project.ID, named.ID, "b"); err != nil {
		t.Fatal(err)
	}
	if err := w.DeletePerson(t.Context(), w.project.ID, w.person(t, "a").ID); err != nil {
		t.Fatal(err)
	}
	w.capture(t, event("e", "a", ``))
	if a := w.person(t, "a"); a == nil || a.UUID == named.UUID {
		t.Errorf("person of a: %+v, want one with a uuid of its own", a)
	}
}
