package storetest

import (
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestOrganizations tests organizations and projects.
func TestOrganizations(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"organizations", func(k *kit) {
			a := store.Organization{ID: "b", Name: "B", Slug: "b", CreatedAt: at(0), UpdatedAt: at(1)}
			b := store.Organization{ID: "a", Name: "A", Slug: "a", CreatedAt: at(1), UpdatedAt: at(1)}
			var twice, unknown error
			k.edit(func(tx store.Tx) error {
				for _, o := range []store.Organization{b, a} {
					if err := tx.InsertOrganization(o); err != nil {
						return err
					}
				}
				twice = tx.InsertOrganization(a)
				unknown = tx.UpdateOrganization(store.Organization{ID: "x"})
				a.Name = "Bee"
				return tx.UpdateOrganization(a)
			})
			k.conflict("second organization", twice, "id")
			k.is("UpdateOrganization", unknown, store.ErrNotFound)
			k.view(func(tx store.ReadTx) error {
				all, err := tx.Organizations()
				if err != nil {
					return err
				}
				k.same("Organizations", all, []store.Organization{a, b})
				one, err := tx.Organization("b")
				k.same("Organization", one, a)
				k.is("Organization(x)", second(tx.Organization("x")), store.ErrNotFound)
				return err
			})
		}},
		{"project fields", func(k *kit) {
			k.edit(func(tx store.Tx) error { return tx.InsertOrganization(store.Organization{ID: "o"}) })
			want := store.Project{
				ID: 5, UUID: "u", OrganizationID: "o", Name: "P", Token: "phc_x", SecretHash: "s", SecretBackupHash: "b",
				TimeZone: "Europe/Berlin", MatchingVersion: 2, PersonlessOnly: true, Settings: store.JSON(`{"a": [1.0, "<&>"]}`),
				CreatedAt: at(0), UpdatedAt: at(1),
			}
			var got store.Project
			k.edit(func(tx store.Tx) (err error) {
				got, err = tx.InsertProject(want)
				return err
			})
			k.same("inserted", got, want)
			want = store.Project{
				ID: 5, UUID: "v", Name: "Q", Token: "phc_y", TimeZone: "UTC", MatchingVersion: 1,
				Settings: store.JSON(`{}`), CreatedAt: at(2), UpdatedAt: at(3),
			}
			k.edit(func(tx store.Tx) error { return tx.UpdateProject(want) })
			k.view(func(tx store.ReadTx) error {
				got, err := tx.Project(5)
				k.same("Project", got, want)
				if err != nil {
					return err
				}
				got, err = tx.ProjectByToken("phc_y")
				k.same("ProjectByToken", got, want)
				k.allNotFound(errorsOf{"Project": second(tx.Project(6)), "ProjectByToken": second(tx.ProjectByToken("phc_x"))})
				return err
			})
		}},
		{"ids", func(k *kit) {
			k.edit(func(tx store.Tx) error {
				p := newProject(0)
				p.Token = "phc_a"
				first, err := tx.InsertProject(p)
				if err != nil {
					return err
				}
				if err := tx.DeleteProject(first.ID); err != nil {
					return err
				}
				next, err := tx.InsertProject(p)
				if first.ID <= 0 || next.ID <= first.ID {
					k.Errorf("project %d, after its deletion %d", first.ID, next.ID)
				}
				return err
			})
		}},
		{"conflicts", func(k *kit) {
			k.project(1)
			k.project(2)
			var token, id, update, organization, unknown error
			k.edit(func(tx store.Tx) error {
				p := newProject(3)
				p.Token = "phc_1"
				token = second(tx.InsertProject(p))
				p.ID, p.Token = 1, "phc_3"
				id = second(tx.InsertProject(p))
				p.ID, p.Token = 2, "phc_1"
				update = tx.UpdateProject(p)
				p.ID, p.Token, p.OrganizationID = 3, "phc_3", "nowhere"
				organization = second(tx.InsertProject(p))
				unknown = tx.UpdateProject(newProject(9))
				return nil
			})
			k.conflict("InsertProject", token, "token")
			k.conflict("InsertProject", id, "id")
			k.conflict("UpdateProject", update, "token")
			k.allNotFound(errorsOf{"organization": organization, "UpdateProject": unknown})
		}},
		{"times", func(k *kit) {
			p := newProject(1)
			p.CreatedAt = time.Date(2026, 1, 2, 3, 4, 5, 123_456_789, time.FixedZone("", 3600))
			p.UpdatedAt = time.Unix(0, 0)
			k.edit(func(tx store.Tx) error { return second(tx.InsertProject(p)) })
			k.view(func(tx store.ReadTx) error {
				got, err := tx.Project(1)
				k.same("CreatedAt", got.CreatedAt, time.Date(2026, 1, 2, 2, 4, 5, 123_456_000, time.UTC))
				k.same("UpdatedAt", got.UpdatedAt, time.Unix(0, 0).UTC())
				if got.CreatedAt.Location() != time.UTC {
					k.Errorf("CreatedAt is in %v", got.CreatedAt.Location())
				}
				return err
			})
		}},
		{"delete a project with all that belongs to it", deleteProject},
	})
}

func deleteProject(k *kit) {
	for id := range int64(2) {
		k.project(id + 1)
		f := k.flag(newFlag(id+1, "f"))
		p := k.person(id+1, `{}`, "a")
		k.join(k.cohort(id+1, "c"), p.ID)
		k.identify(id+1, func(tx store.IdentityTx) error {
			if _, err := tx.InsertGroupType("company", at(0)); err != nil {
				return err
			}
			if err := tx.AddWarning(store.Warning{Type: "w"}); err != nil {
				return err
			}
			if err := tx.MarkPersonless("ghost"); err != nil {
				return err
			}
			return tx.InsertGroup(store.Group{Index: 0, Key: "acme"})
		})
		if _, err := k.s.WriteOverrides(k.Context(), id+1, []string{"a"}, []string{"f"}, "h"); err != nil {
			k.Fatal(err)
		}
		k.edit(func(tx store.Tx) error {
			name := string(rune('a' + id))
			if err := tx.InsertEarlyAccessFeature(store.EarlyAccessFeature{ID: name, Project: id + 1, FlagID: f.ID}); err != nil {
				return err
			}
			if err := tx.InsertProjectKey(store.ProjectKey{ID: name, Project: id + 1, Hash: name}); err != nil {
				return err
			}
			return tx.AddActivity(store.Activity{Project: id + 1})
		})
	}
	var again error
	k.edit(func(tx store.Tx) error {
		if err := tx.DeleteProject(1); err != nil {
			return err
		}
		again = tx.DeleteProject(1)
		return nil
	})
	k.is("second deletion", again, store.ErrNotFound)
	k.view(func(tx store.ReadTx) error {
		for id, want := range map[int64]int{1: 0, 2: 1} {
			got, err := contents(tx, id)
			if err != nil {
				return err
			}
			for what, n := range got {
				if n != want {
					k.Errorf("project %d has %d %s, want %d", id, n, what, want)
				}
			}
		}
		return nil
	})
}

// contents counts what belongs to a project.
func contents(tx store.ReadTx, id int64) (map[string]int, error) {
	counts := make(map[string]int)
	flags, err := tx.Flags(id, true)
	if err != nil {
		return nil, err
	}
	counts["flags"] = len(flags)
	cohorts, err := tx.Cohorts(id, true)
	if err != nil {
		return nil, err
	}
	counts["cohorts"] = len(cohorts)
	persons, err := tx.Persons(store.PersonQuery{Project: id})
	if err != nil {
		return nil, err
	}
	counts["persons"] = len(persons)
	types, err := tx.GroupTypes(id)
	if err != nil {
		return nil, err
	}
	counts["group types"] = len(types)
	groups, err := tx.Groups(store.GroupQuery{Project: id})
	if err != nil {
		return nil, err
	}
	counts["groups"] = len(groups)
	features, err := tx.EarlyAccessFeatures(id)
	if err != nil {
		return nil, err
	}
	counts["early access features"] = len(features)
	keys, err := tx.ProjectKeys(id)
	if err != nil {
		return nil, err
	}
	counts["keys"] = len(keys)
	warnings, err := tx.Warnings(id, 0)
	if err != nil {
		return nil, err
	}
	counts["warnings"] = len(warnings)
	activities, _, err := tx.Activities(store.ActivityQuery{Project: id})
	counts["activities"] = len(activities)
	return counts, err
}
