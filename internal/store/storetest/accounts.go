package storetest

import (
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestAccounts tests users, memberships and keys.
func TestAccounts(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"users", users},
		{"memberships", memberships},
		{"personal keys", personalKeys},
		{"project keys", projectKeys},
	})
}

func users(k *kit) {
	want := store.User{UUID: "u", DistinctID: "d", Email: "Ann@Example.org", FirstName: "Ann", LastName: "Lee", PasswordHash: "h", Active: true, CreatedAt: at(0)}
	other := store.User{Email: "bob@example.org", CreatedAt: at(1)}
	var insert, update error
	errs := errorsOf{}
	k.edit(func(tx store.Tx) (err error) {
		if want, err = tx.InsertUser(want); err != nil {
			return err
		}
		if other, err = tx.InsertUser(other); err != nil {
			return err
		}
		insert = second(tx.InsertUser(store.User{Email: "ANN@example.ORG"}))
		taken := other
		taken.Email = "ann@example.org"
		update = tx.UpdateUser(taken)
		errs["User"] = second(tx.User(other.ID + 1))
		errs["UserByEmail"] = second(tx.UserByEmail("x@example.org"))
		errs["UpdateUser"] = tx.UpdateUser(store.User{ID: other.ID + 1})
		want.FirstName = "Anna"
		return tx.UpdateUser(want)
	})
	k.conflict("InsertUser", insert, "email")
	k.conflict("UpdateUser", update, "email")
	k.allNotFound(errs)
	k.view(func(tx store.ReadTx) error {
		got, err := tx.User(want.ID)
		if err != nil {
			return err
		}
		k.same("User", got, want)
		if got, err = tx.UserByEmail("aNN@example.org"); err != nil {
			return err
		}
		k.same("UserByEmail", got, want)
		all, err := tx.Users()
		k.same("Users", all, []store.User{want, other})
		return err
	})
}

// account makes an organization "o" and a user in it, and returns the user's id.
func (k *kit) account(email string) int64 {
	k.Helper()
	var id int64
	k.edit(func(tx store.Tx) error {
		if _, err := tx.Organization("o"); err != nil {
			if err := tx.InsertOrganization(store.Organization{ID: "o"}); err != nil {
				return err
			}
		}
		u, err := tx.InsertUser(store.User{Email: email})
		id = u.ID
		return err
	})
	return id
}

func memberships(k *kit) {
	a, b := k.account("a@x.test"), k.account("b@x.test")
	errs := errorsOf{}
	k.edit(func(tx store.Tx) error {
		if err := tx.InsertOrganization(store.Organization{ID: "p"}); err != nil {
			return err
		}
		for _, m := range []store.Membership{
			{OrganizationID: "p", UserID: a, Level: 1, JoinedAt: at(0)},
			{OrganizationID: "o", UserID: b, Level: 8, JoinedAt: at(1)},
			{OrganizationID: "o", UserID: a, Level: 1, JoinedAt: at(2)},
			{OrganizationID: "o", UserID: a, Level: 15, JoinedAt: at(3)}, // replaces the one before
		} {
			if err := tx.PutMembership(m); err != nil {
				return err
			}
		}
		errs["no organization"] = tx.PutMembership(store.Membership{OrganizationID: "x", UserID: a})
		errs["no user"] = tx.PutMembership(store.Membership{OrganizationID: "o", UserID: b + 1})
		errs["DeleteMembership"] = tx.DeleteMembership("p", b)
		return nil
	})
	k.allNotFound(errs)
	inO := store.Membership{OrganizationID: "o", UserID: a, Level: 15, JoinedAt: at(3)}
	inP := store.Membership{OrganizationID: "p", UserID: a, Level: 1, JoinedAt: at(0)}
	ofB := store.Membership{OrganizationID: "o", UserID: b, Level: 8, JoinedAt: at(1)}
	k.view(func(tx store.ReadTx) error {
		of, err := tx.Memberships(a)
		if err != nil {
			return err
		}
		k.same("Memberships", of, []store.Membership{inP, inO})
		in, err := tx.Members("o")
		k.same("Members", in, []store.Membership{inO, ofB})
		return err
	})
	k.edit(func(tx store.Tx) error { return tx.DeleteMembership("o", a) })
	k.view(func(tx store.ReadTx) error {
		in, err := tx.Members("o")
		k.same("Members after one left", in, []store.Membership{ofB})
		return err
	})
}

func personalKeys(k *kit) {
	user := k.account("a@x.test")
	old := store.PersonalKey{
		ID: "z", UserID: user, Label: "L", Hash: "h1", Mask: "phx_...abcd", Scopes: []string{"flag:read", "flag:write"},
		ScopedProjects: []int64{1, 2}, ScopedOrganizations: []string{"o"}, CreatedAt: at(0), LastUsedAt: at(1), LastRolledAt: at(2),
	}
	young := store.PersonalKey{ID: "a", UserID: user, Label: "L", Hash: "h2", CreatedAt: at(1)}
	var id, hash, update error
	errs := errorsOf{}
	k.edit(func(tx store.Tx) error {
		for _, key := range []store.PersonalKey{young, old} {
			if err := tx.InsertPersonalKey(key); err != nil {
				return err
			}
		}
		id = tx.InsertPersonalKey(store.PersonalKey{ID: "z", UserID: user, Hash: "h3"})
		hash = tx.InsertPersonalKey(store.PersonalKey{ID: "y", UserID: user, Hash: "h1"})
		update = tx.UpdatePersonalKey(store.PersonalKey{ID: "a", UserID: user, Hash: "h1"})
		errs["no user"] = tx.InsertPersonalKey(store.PersonalKey{ID: "y", UserID: user + 1, Hash: "h3"})
		errs["UpdatePersonalKey"] = tx.UpdatePersonalKey(store.PersonalKey{ID: "y", UserID: user, Hash: "h3"})
		errs["DeletePersonalKey"] = tx.DeletePersonalKey("y")
		errs["PersonalKey"] = second(tx.PersonalKey("y"))
		errs["PersonalKeyByHash"] = second(tx.PersonalKeyByHash("h3"))
		return nil
	})
	k.conflict("second id", id, "id")
	k.conflict("second hash", hash, "hash")
	k.conflict("update to a taken hash", update, "hash")
	k.allNotFound(errs)
	k.view(func(tx store.ReadTx) error {
		all, err := tx.PersonalKeys(user)
		if err != nil {
			return err
		}
		k.same("PersonalKeys", all, []store.PersonalKey{old, young})
		one, err := tx.PersonalKeyByHash("h1")
		if err != nil {
			return err
		}
		k.same("PersonalKeyByHash", one, old)
		one, err = tx.PersonalKey("a")
		k.same("PersonalKey", one, young)
		return err
	})
	young.Hash, young.LastRolledAt = "h9", at(5)
	k.edit(func(tx store.Tx) error {
		if err := tx.UpdatePersonalKey(young); err != nil {
			return err
		}
		return tx.DeletePersonalKey("z")
	})
	k.view(func(tx store.ReadTx) error {
		all, err := tx.PersonalKeys(user)
		k.same("PersonalKeys", all, []store.PersonalKey{young})
		return err
	})
}

func projectKeys(k *kit) {
	k.project(1)
	k.project(2)
	old := store.ProjectKey{ID: "z", Project: 1, Label: "L", Hash: "h1", Mask: "phs_...abcd", Scopes: []string{"flag:read"}, CreatedBy: 3, CreatedAt: at(0), LastUsedAt: at(1)}
	young := store.ProjectKey{ID: "a", Project: 1, Label: "M", Hash: "h2", CreatedAt: at(1)}
	elsewhere := store.ProjectKey{ID: "e", Project: 2, Label: "L", Hash: "h3", CreatedAt: at(1)}
	conflicts := map[string]error{}
	errs := errorsOf{}
	k.edit(func(tx store.Tx) error {
		for _, key := range []store.ProjectKey{young, old, elsewhere} {
			if err := tx.InsertProjectKey(key); err != nil {
				return err
			}
		}
		conflicts["id"] = tx.InsertProjectKey(store.ProjectKey{ID: "z", Project: 1, Label: "N", Hash: "h4"})
		conflicts["label"] = tx.InsertProjectKey(store.ProjectKey{ID: "y", Project: 1, Label: "L", Hash: "h4"})
		conflicts["hash"] = tx.InsertProjectKey(store.ProjectKey{ID: "y", Project: 1, Label: "N", Hash: "h3"})
		errs["no project"] = tx.InsertProjectKey(store.ProjectKey{ID: "y", Project: 3, Hash: "h4"})
		errs["UpdateProjectKey"] = tx.UpdateProjectKey(store.ProjectKey{ID: "e", Project: 1, Label: "N", Hash: "h4"})
		errs["DeleteProjectKey"] = tx.DeleteProjectKey(1, "e")
		errs["ProjectKey"] = second(tx.ProjectKey(1, "e"))
		errs["ProjectKeyByHash"] = second(tx.ProjectKeyByHash("h4"))
		return nil
	})
	for field, err := range conflicts {
		k.conflict("InsertProjectKey", err, field)
	}
	k.allNotFound(errs)
	k.view(func(tx store.ReadTx) error {
		all, err := tx.ProjectKeys(1)
		if err != nil {
			return err
		}
		k.same("ProjectKeys", all, []store.ProjectKey{old, young})
		one, err := tx.ProjectKeyByHash("h1")
		k.same("ProjectKeyByHash", one, old)
		return err
	})
	young.Label, young.Scopes = "Z", []string{"a"}
	var label, hash error
	k.edit(func(tx store.Tx) error {
		taken := young
		taken.Label = "L"
		label = tx.UpdateProjectKey(taken)
		taken.Label, taken.Hash = "M", "h3"
		hash = tx.UpdateProjectKey(taken)
		if err := tx.UpdateProjectKey(young); err != nil {
			return err
		}
		return tx.DeleteProjectKey(1, "z")
	})
	k.conflict("UpdateProjectKey", label, "label")
	k.conflict("UpdateProjectKey", hash, "hash")
	k.view(func(tx store.ReadTx) error {
		all, err := tx.ProjectKeys(1)
		if err != nil {
			return err
		}
		k.same("ProjectKeys", all, []store.ProjectKey{young})
		one, err := tx.ProjectKey(2, "e")
		k.same("ProjectKey", one, elsewhere)
		return err
	})
}

// TestKeyUsage tests when the last use of a key is moved.
func TestKeyUsage(t *testing.T, open Open) {
	for kind, name := range map[store.KeyKind]string{store.KeyPersonal: "personal", store.KeyProject: "project"} {
		t.Run(name, func(t *testing.T) {
			k := &kit{T: t, s: open(t)}
			k.project(1)
			user := k.account("a@x.test")
			k.edit(func(tx store.Tx) error {
				if err := tx.InsertPersonalKey(store.PersonalKey{ID: "k", UserID: user, Hash: "h"}); err != nil {
					return err
				}
				return tx.InsertProjectKey(store.ProjectKey{ID: "k", Project: 1, Hash: "h"})
			})
			for _, step := range []struct {
				at, want time.Time
			}{
				{at(0), at(0)},
				{at(3599), at(0)}, // less than an hour
				{at(3600), at(3600)},
				{at(10), at(3600)}, // late news
			} {
				for _, id := range []string{"k", "unknown"} {
					if err := k.s.KeyUsed(k.Context(), kind, id, step.at); err != nil {
						k.Errorf("KeyUsed(%s): %v", id, err)
					}
				}
				want := map[store.KeyKind]time.Time{kind: step.want}
				k.view(func(tx store.ReadTx) error {
					p, err := tx.PersonalKey("k")
					if err != nil {
						return err
					}
					k.same("personal key", p.LastUsedAt, want[store.KeyPersonal])
					q, err := tx.ProjectKey(1, "k")
					k.same("project key", q.LastUsedAt, want[store.KeyProject])
					return err
				})
			}
		})
	}
}
