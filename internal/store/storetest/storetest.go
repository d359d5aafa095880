// Package storetest is the suite that every store passes: each sentence of the
// contract in package store that can be tested has a case here.
//
// A store's own tests call Run, and TestDurability if its data can be opened
// again. Each case gets a new, empty store from the factory, which also cleans
// up after it (t.Cleanup). The suite knows nothing of any database.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/store"
)

// Open returns a new, empty store that is closed when the test ends. The
// suite may have closed it before.
type Open func(t *testing.T) store.Store

// Run runs everything but TestDurability.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, open Open)
	}{
		{"Lifecycle", TestLifecycle},
		{"Changes", TestChanges},
		{"Definitions", TestDefinitions},
		{"Editor", TestEditor},
		{"Organizations", TestOrganizations},
		{"Flags", TestFlags},
		{"Cohorts", TestCohorts},
		{"Persons", TestPersons},
		{"Groups", TestGroups},
		{"Accounts", TestAccounts},
		{"KeyUsage", TestKeyUsage},
		{"Activity", TestActivity},
		{"Subjects", TestSubjects},
		{"Identities", TestIdentities},
		{"IdentityModel", TestIdentityModel},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open) })
	}
}

// testCase is one case of a part: a name that says what must hold, and a
// function that gets a fresh store.
type testCase struct {
	name string
	test func(k *kit)
}

func runCases(t *testing.T, open Open, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(&kit{T: t, s: open(t)}) })
	}
}

// kit is a store under test with what most cases do to it. Functions that run
// inside of transactions return errors and never call the testing.T: a store
// may run them on a goroutine of its own.
type kit struct {
	*testing.T
	s store.Store
}

var author = store.Author{UserID: 7, Reason: "api"}

// edit makes an edit that must succeed.
func (k *kit) edit(fn func(tx store.Tx) error) store.Revision {
	k.Helper()
	rev, err := k.s.Edit(k.Context(), author, fn)
	if err != nil {
		k.Fatalf("Edit: %v", err)
	}
	return rev
}

// view reads; what fn reads must be there.
func (k *kit) view(fn func(tx store.ReadTx) error) {
	k.Helper()
	if err := k.s.View(k.Context(), fn); err != nil {
		k.Fatalf("View: %v", err)
	}
}

// identify changes persons or groups; it must succeed.
func (k *kit) identify(project int64, fn func(tx store.IdentityTx) error) {
	k.Helper()
	if err := k.s.Identify(k.Context(), project, fn); err != nil {
		k.Fatalf("Identify: %v", err)
	}
}

// project inserts a project with the given id.
func (k *kit) project(id int64) store.Project {
	k.Helper()
	var p store.Project
	k.edit(func(tx store.Tx) (err error) {
		p, err = tx.InsertProject(newProject(id))
		return err
	})
	return p
}

// flag inserts a flag.
func (k *kit) flag(f store.Flag) store.Flag {
	k.Helper()
	k.edit(func(tx store.Tx) (err error) {
		f, err = tx.InsertFlag(f)
		return err
	})
	return f
}

// cohort inserts a static cohort.
func (k *kit) cohort(project int64, name string) store.Cohort {
	k.Helper()
	c := store.Cohort{Project: project, Name: name, Static: true, CreatedAt: at(0), UpdatedAt: at(0)}
	k.edit(func(tx store.Tx) (err error) {
		c, err = tx.InsertCohort(c)
		return err
	})
	return c
}

// person inserts a person whose uuid is made of its first distinct id.
func (k *kit) person(project int64, properties string, distinctIDs ...string) store.Person {
	k.Helper()
	p := newPerson(distinctIDs[0], properties)
	k.identify(project, func(tx store.IdentityTx) (err error) {
		p, err = tx.InsertPerson(p, distinctIDs)
		return err
	})
	return p
}

// join makes persons members of a cohort.
func (k *kit) join(c store.Cohort, persons ...int64) {
	k.Helper()
	k.edit(func(tx store.Tx) error {
		_, err := tx.AddCohortMembers(c.Project, c.ID, persons)
		return err
	})
}

func newProject(id int64) store.Project {
	return store.Project{
		ID: id, UUID: fmt.Sprint("uuid-", id), Name: fmt.Sprint("Project ", id), Token: fmt.Sprint("phc_", id),
		TimeZone: "UTC", MatchingVersion: 2, Settings: store.JSON(`{}`), CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func newPerson(name, properties string) store.Person {
	return store.Person{UUID: "uuid-of-" + name, Properties: store.JSON(properties), CreatedAt: at(0), Version: 1}
}

func newFlag(project int64, key string) store.Flag {
	return store.Flag{Project: project, Key: key, Filters: store.JSON(`{"groups":[]}`), Active: true, CreatedAt: at(0), UpdatedAt: at(0)}
}

// at is a fixed time, n seconds after a start, with microseconds.
func at(n int) time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC).Add(time.Duration(n) * time.Second)
}

// same compares what a store returned with what it should; nil and empty lists
// and documents as text.
func (k *kit) same(what string, got, want any) {
	k.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		k.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// is checks an error against a sentinel.
func (k *kit) is(what string, err, want error) {
	k.Helper()
	if !errors.Is(err, want) {
		k.Errorf("%s: error = %v, want %v", what, err, want)
	}
}

// conflict checks that err is a conflict on a field.
func (k *kit) conflict(what string, err error, field string) {
	k.Helper()
	k.is(what, err, store.ErrConflict)
	if c, ok := errors.AsType[*store.ConflictError](err); !ok || c.Field != field {
		k.Errorf("%s: error = %v, want a ConflictError on %q", what, err, field)
	}
}

// errorsOf collects the errors of calls inside a transaction, by name, to be
// judged outside.
type errorsOf map[string]error

func (k *kit) allNotFound(errs errorsOf) {
	k.Helper()
	if len(errs) == 0 {
		k.Error("no call was made")
	}
	for what, err := range errs {
		k.is(what, err, store.ErrNotFound)
	}
}

func second[T any](_ T, err error) error { return err }
