package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestChanges tests revisions and the feed.
func TestChanges(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"new store", func(k *kit) {
			if rev, err := k.s.Head(k.Context()); rev != 0 || err != nil {
				k.Errorf("Head = %d, %v, want 0", rev, err)
			}
			k.same("feed", k.feed(0), []store.Change(nil))
		}},
		{"one change of each kind", oneChangeOfEach},
		{"no revision", noRevision},
		{"pages", func(k *kit) {
			k.project(1)
			var revs []store.Revision
			for range 5 {
				revs = append(revs, k.edit(touchProject))
			}
			changes, err := k.s.ChangesSince(k.Context(), revs[0], 3)
			if err != nil {
				k.Fatal(err)
			}
			got := make([]store.Revision, len(changes))
			for i, c := range changes {
				got[i] = c.Revision
			}
			k.same("page", got, revs[1:4])
		}},
		{"hints", func(k *kit) {
			hints, stop := k.s.Hints()
			defer stop()
			k.project(1)
			<-hints
			for range 100 { // nobody listens, nobody waits
				k.edit(touchProject)
			}
			<-hints
			stop()
			stop()
			for range hints {
			}
		}},
		{"complete and in order under concurrent writers", feedIsComplete},
	})
}

func touchProject(tx store.Tx) error {
	p, err := tx.Project(1)
	if err != nil {
		return err
	}
	return tx.UpdateProject(p)
}

// feed reads all changes after rev.
func (k *kit) feed(rev store.Revision) []store.Change {
	k.Helper()
	changes, err := k.s.ChangesSince(k.Context(), rev, 1000)
	if err != nil {
		k.Fatalf("ChangesSince: %v", err)
	}
	return changes
}

// touched is a change without revision and time.
type touched struct {
	Project int64
	Kind    store.ChangeKind
}

// changeOf makes an edit and returns what the feed says about it.
func (k *kit) changeOf(fn func(tx store.Tx) error) []touched {
	k.Helper()
	before, err := k.s.Head(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	rev := k.edit(fn)
	changes := k.feed(before)
	got := make([]touched, len(changes))
	for i, c := range changes {
		got[i] = touched{c.Project, c.Kind}
		if c.At.IsZero() || c.At.Location() != time.UTC || c.Revision <= before {
			k.Errorf("change %+v after revision %d", c, before)
		}
		before = c.Revision
	}
	head, err := k.s.Head(k.Context())
	if err != nil || rev != head || rev != before {
		k.Errorf("Edit returned revision %d, the feed ends at %d, Head = %d, %v", rev, before, head, err)
	}
	return got
}

func oneChangeOfEach(k *kit) {
	for _, step := range []struct {
		name string
		edit func(tx store.Tx) error
		want touched
	}{
		{"InsertOrganization", func(tx store.Tx) error { return tx.InsertOrganization(store.Organization{ID: "o"}) }, touched{0, store.ChangeCredentials}},
		{"UpdateOrganization", func(tx store.Tx) error { return tx.UpdateOrganization(store.Organization{ID: "o", Name: "O"}) }, touched{0, store.ChangeCredentials}},
		{"InsertProject", func(tx store.Tx) error { return second(tx.InsertProject(newProject(1))) }, touched{1, store.ChangeProject}},
		{"UpdateProject", touchProject, touched{1, store.ChangeProject}},
		{"InsertFlag", func(tx store.Tx) error { return second(tx.InsertFlag(newFlag(1, "a"))) }, touched{1, store.ChangeDefinitions}},
		{"UpdateFlag", func(tx store.Tx) error {
			f, err := tx.FlagByKey(1, "a")
			if err != nil {
				return err
			}
			return second(tx.UpdateFlag(f))
		}, touched{1, store.ChangeDefinitions}},
		{"InsertEarlyAccessFeature", func(tx store.Tx) error {
			return tx.InsertEarlyAccessFeature(store.EarlyAccessFeature{ID: "e", Project: 1})
		}, touched{1, store.ChangeDefinitions}},
		{"UpdateEarlyAccessFeature", func(tx store.Tx) error {
			return tx.UpdateEarlyAccessFeature(store.EarlyAccessFeature{ID: "e", Project: 1, Name: "E"})
		}, touched{1, store.ChangeDefinitions}},
		{"DeleteEarlyAccessFeature", func(tx store.Tx) error { return tx.DeleteEarlyAccessFeature(1, "e") }, touched{1, store.ChangeDefinitions}},
		{"RemoveFlag", func(tx store.Tx) error {
			f, err := tx.FlagByKey(1, "a")
			if err != nil {
				return err
			}
			return tx.RemoveFlag(1, f.ID)
		}, touched{1, store.ChangeDefinitions}},
		{"InsertCohort", func(tx store.Tx) error { return second(tx.InsertCohort(store.Cohort{Project: 1, Name: "c"})) }, touched{1, store.ChangeDefinitions}},
		{"UpdateCohort", func(tx store.Tx) error {
			cohorts, err := tx.Cohorts(1, true)
			if err != nil {
				return err
			}
			return tx.UpdateCohort(cohorts[0])
		}, touched{1, store.ChangeDefinitions}},
		{"InsertUser", func(tx store.Tx) error { return second(tx.InsertUser(store.User{Email: "a@b.c"})) }, touched{0, store.ChangeCredentials}},
		{"UpdateUser", func(tx store.Tx) error {
			u, err := tx.UserByEmail("a@b.c")
			if err != nil {
				return err
			}
			return tx.UpdateUser(u)
		}, touched{0, store.ChangeCredentials}},
		{"PutMembership", func(tx store.Tx) error { return tx.PutMembership(store.Membership{OrganizationID: "o", UserID: 1}) }, touched{0, store.ChangeCredentials}},
		{"DeleteMembership", func(tx store.Tx) error { return tx.DeleteMembership("o", 1) }, touched{0, store.ChangeCredentials}},
		{"InsertPersonalKey", func(tx store.Tx) error { return tx.InsertPersonalKey(store.PersonalKey{ID: "k", UserID: 1, Hash: "h"}) }, touched{0, store.ChangeCredentials}},
		{"UpdatePersonalKey", func(tx store.Tx) error { return tx.UpdatePersonalKey(store.PersonalKey{ID: "k", UserID: 1, Hash: "h"}) }, touched{0, store.ChangeCredentials}},
		{"DeletePersonalKey", func(tx store.Tx) error { return tx.DeletePersonalKey("k") }, touched{0, store.ChangeCredentials}},
		{"InsertProjectKey", func(tx store.Tx) error { return tx.InsertProjectKey(store.ProjectKey{ID: "k", Project: 1, Hash: "h"}) }, touched{1, store.ChangeCredentials}},
		{"UpdateProjectKey", func(tx store.Tx) error { return tx.UpdateProjectKey(store.ProjectKey{ID: "k", Project: 1, Hash: "h"}) }, touched{1, store.ChangeCredentials}},
		{"DeleteProjectKey", func(tx store.Tx) error { return tx.DeleteProjectKey(1, "k") }, touched{1, store.ChangeCredentials}},
	} {
		k.same(step.name, k.changeOf(step.edit), []touched{step.want})
	}

	head := k.mustHead()
	k.identify(1, func(tx store.IdentityTx) error { return second(tx.InsertGroupType("company", at(0))) })
	changes := k.feed(head)
	if len(changes) != 1 || changes[0].Project != 1 || changes[0].Kind != store.ChangeDefinitions {
		k.Errorf("feed after InsertGroupType = %+v", changes)
	}
	k.same("UpdateGroupType", k.changeOf(func(tx store.Tx) error {
		return tx.UpdateGroupType(store.GroupType{Project: 1, Index: 0, Name: "company"})
	}), []touched{{1, store.ChangeDefinitions}})
	k.same("DeleteGroupType", k.changeOf(func(tx store.Tx) error { return tx.DeleteGroupType(1, 0) }), []touched{{1, store.ChangeDefinitions}})

	if got := k.changeOf(func(tx store.Tx) error { return tx.DeleteProject(1) }); !slices.Contains(got, touched{1, store.ChangeProject}) {
		k.Errorf("DeleteProject changes %v", got)
	}
}

func (k *kit) mustHead() store.Revision {
	k.Helper()
	rev, err := k.s.Head(k.Context())
	if err != nil {
		k.Fatalf("Head: %v", err)
	}
	return rev
}

// noRevision does all that has no revision.
func noRevision(k *kit) {
	k.project(1)
	k.flag(newFlag(1, "a"))
	c := k.cohort(1, "c")
	k.identify(1, func(tx store.IdentityTx) error { return second(tx.InsertGroupType("company", at(0))) })
	k.edit(func(tx store.Tx) error {
		return tx.InsertProjectKey(store.ProjectKey{ID: "k", Project: 1, Hash: "h"})
	})
	before := k.mustHead()

	p := k.person(1, `{}`, "a")
	k.identify(1, func(tx store.IdentityTx) error {
		if _, err := tx.InsertGroupType("company", at(1)); err != nil { // exists
			return err
		}
		if err := tx.InsertGroup(store.Group{Index: 0, Key: "acme"}); err != nil {
			return err
		}
		if err := tx.AddWarning(store.Warning{Type: "w"}); err != nil {
			return err
		}
		return tx.TouchFlag("a", at(1))
	})
	if _, err := k.s.WriteOverrides(k.Context(), 1, []string{"a"}, []string{"a"}, "h"); err != nil {
		k.Errorf("WriteOverrides: %v", err)
	}
	if err := k.s.KeyUsed(k.Context(), store.KeyProject, "k", at(1)); err != nil {
		k.Errorf("KeyUsed: %v", err)
	}
	rev := k.edit(func(tx store.Tx) error {
		if _, err := tx.AddCohortMembers(1, c.ID, []int64{p.ID}); err != nil {
			return err
		}
		if _, err := tx.RemoveCohortMember(1, c.ID, p.ID); err != nil {
			return err
		}
		if err := tx.InsertGroup(store.Group{Project: 1, Index: 0, Key: "other"}); err != nil {
			return err
		}
		if err := tx.UpdateGroup(store.Group{Project: 1, Index: 0, Key: "other"}); err != nil {
			return err
		}
		return tx.AddActivity(store.Activity{Project: 1})
	})
	if rev != before {
		k.Errorf("Edit returned revision %d, want the head %d", rev, before)
	}
	if _, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
		if _, err := tx.InsertFlag(newFlag(1, "b")); err != nil {
			return err
		}
		return errOwn
	}); err != errOwn {
		k.Errorf("Edit: %v, want the function's own error", err)
	}
	k.edit(func(tx store.Tx) error {
		if _, err := tx.InsertFlag(newFlag(1, "a")); err == nil {
			return errUnexpected
		}
		return nil
	})
	k.same("feed", k.feed(before), []store.Change(nil))
}

// feedIsComplete follows the feed while several writers edit.
func feedIsComplete(k *kit) {
	const writers, edits = 4, 25
	k.project(1)
	start := k.mustHead()
	returned := make(chan store.Revision, writers*edits)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range edits {
				rev, err := k.s.Edit(k.Context(), author, touchProject)
				if err != nil {
					k.Errorf("Edit: %v", err)
				}
				returned <- rev
			}
		})
	}
	var followed []store.Revision
	for last := start; len(followed) < writers*edits && !k.Failed(); {
		changes, err := k.s.ChangesSince(k.Context(), last, 7)
		if err != nil {
			k.Errorf("ChangesSince: %v", err)
		}
		for _, c := range changes {
			if c.Revision <= last {
				k.Errorf("revision %d comes after %d", c.Revision, last)
			}
			last = c.Revision
			followed = append(followed, last)
		}
	}
	wg.Wait()
	close(returned)
	var all []store.Revision
	for rev := range returned {
		all = append(all, rev)
	}
	slices.Sort(all)
	k.same("revisions seen by a follower", followed, all)
}
