package manage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/store"
)

// BootstrapOptions are the credentials that a new installation starts with;
// what is empty is made up.
type BootstrapOptions struct {
	ProjectToken  string // phc_…, of project 1
	SecretKey     string // phs_…, project 1's secret token
	PersonalKey   string // phx_…, of the administrator, with all scopes
	AdminEmail    string
	AdminPassword string
}

// Made tells what Bootstrap did.
type Made struct {
	// New: the store was empty. Otherwise nothing was done, and the other
	// fields are empty.
	New bool

	// Values are the credentials in use, given or made up. They cannot be
	// read again.
	Values BootstrapOptions

	// MadeUp says which of Values were not given.
	MadeUp struct{ ProjectToken, SecretKey, PersonalKey, AdminEmail, AdminPassword bool }
}

const defaultAdminEmail = "admin@localhost"

// Bootstrap puts an organization, project 1, an administrator and a personal
// key with all scopes into an empty store. A store that has an organization is
// left alone. What was made up is in the answer, to be shown once.
func (m *Manager) Bootstrap(ctx context.Context, opts BootstrapOptions) (Made, error) {
	empty := false
	err := m.c.view(ctx, func(tx store.ReadTx) error {
		all, err := tx.Organizations()
		empty = len(all) == 0
		return err
	})
	if err != nil || !empty {
		return Made{}, err
	}
	made := Made{Values: opts}
	made.fill()
	if err := made.Values.check(); err != nil {
		return Made{}, err
	}
	hash, err := auth.NewPasswords().Hash(ctx, made.Values.AdminPassword)
	if err != nil {
		return Made{}, err
	}
	err = m.c.edit(ctx, System("bootstrap"), func(tx store.Tx) error {
		all, err := tx.Organizations()
		if err != nil || len(all) > 0 {
			return err // somebody else was faster
		}
		made.New = true
		return m.c.found(tx, made.Values, hash)
	})
	if err != nil || !made.New {
		return Made{}, err
	}
	return made, nil
}

// fill makes up what is missing.
func (m *Made) fill() {
	orElse := func(value *string, madeUp *bool, make func() string) {
		if *value == "" {
			*value, *madeUp = make(), true
		}
	}
	v := &m.Values
	orElse(&v.ProjectToken, &m.MadeUp.ProjectToken, auth.NewToken)
	orElse(&v.SecretKey, &m.MadeUp.SecretKey, auth.NewSecret)
	orElse(&v.PersonalKey, &m.MadeUp.PersonalKey, auth.NewPersonalKey)
	orElse(&v.AdminEmail, &m.MadeUp.AdminEmail, func() string { return defaultAdminEmail })
	orElse(&v.AdminPassword, &m.MadeUp.AdminPassword, newPassword)
}

func newPassword() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: the runtime aborts instead
	return hex.EncodeToString(b[:])
}

// check refuses credentials that clients would not recognise.
func (o *BootstrapOptions) check() error {
	switch {
	case !strings.HasPrefix(o.ProjectToken, auth.TokenPrefix):
		return invalid("project_token", "invalid", "A project token begins with %s.", auth.TokenPrefix)
	case !strings.HasPrefix(o.SecretKey, auth.SecretPrefix):
		return invalid("secret_key", "invalid", "A secret key begins with %s.", auth.SecretPrefix)
	case !strings.HasPrefix(o.PersonalKey, auth.PersonalPrefix):
		return invalid("personal_key", "invalid", "A personal key begins with %s.", auth.PersonalPrefix)
	case !strings.Contains(o.AdminEmail, "@"):
		return invalid("admin_email", "invalid", "Enter a valid email address.")
	}
	return nil
}

// found writes the first rows of a store.
func (c *core) found(tx store.Tx, v BootstrapOptions, passwordHash string) error {
	now := c.clock()
	org := store.Organization{ID: uuid.NewString(), Name: "Default", Slug: "default", CreatedAt: now, UpdatedAt: now}
	if err := tx.InsertOrganization(org); err != nil {
		return err
	}
	p := newProject(org.ID, "Default project", v.ProjectToken, now)
	p.ID, p.SecretHash = 1, auth.Hash(v.SecretKey)
	if _, err := tx.InsertProject(p); err != nil {
		return err
	}
	admin, err := tx.InsertUser(store.User{
		UUID: uuid.NewString(), DistinctID: uuid.NewString(), Email: v.AdminEmail, FirstName: "Administrator",
		PasswordHash: passwordHash, Active: true, CreatedAt: now,
	})
	if err != nil {
		return err
	}
	if err := tx.PutMembership(store.Membership{OrganizationID: org.ID, UserID: admin.ID, Level: LevelOwner, JoinedAt: now}); err != nil {
		return err
	}
	k := newPersonalKey(admin.ID, v.PersonalKey)
	k.Label, k.Scopes, k.CreatedAt, k.LastRolledAt = "Bootstrap", []string{"*"}, now, now
	return tx.InsertPersonalKey(k)
}
