package manage

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/store"
)

// Keys changes and reads personal keys and projects' secret keys (section 14).
// Whether a caller may make one is the route's business: never with a key.
type Keys struct{ *core }

// PersonalKeyChange is what a request says about a personal key; absent fields
// are left as they are.
type PersonalKeyChange struct {
	Label         Optional[string]
	Scopes        Optional[[]string]
	Projects      Optional[[]int64]
	Organizations Optional[[]string]
}

const maxLabel = 40

// scopePattern: names of objects are not checked against a list, since those
// of other products are kept without giving them a meaning (section 3).
var scopePattern = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*:(read|write))$`)

// projectScopes are what a project's secret key may hold.
var projectScopes = []string{"feature_flag:read", "endpoint:read", "account:read", "loop:write", "experiment:read"}

func (ch *PersonalKeyChange) apply(k *store.PersonalKey) error {
	ch.Label.into(&k.Label)
	ch.Scopes.into(&k.Scopes)
	ch.Projects.into(&k.ScopedProjects)
	ch.Organizations.into(&k.ScopedOrganizations)
	if err := checkLabel(k.Label); err != nil {
		return err
	}
	return checkScopes(k.Scopes, scopePattern.MatchString)
}

func checkLabel(label string) error {
	if strings.TrimSpace(label) == "" {
		return invalid("label", "blank", "This field may not be blank.")
	}
	return tooLong("label", label, maxLabel)
}

func checkScopes(scopes []string, known func(string) bool) error {
	if len(scopes) == 0 {
		return invalid("scopes", "required", "This field is required.")
	}
	for _, s := range scopes {
		if !known(s) {
			return invalid("scopes", "invalid", "Invalid scope: %s", s)
		}
	}
	return nil
}

// Personal lists the caller's own keys.
func (s *Keys) Personal(ctx context.Context, who Caller) ([]store.PersonalKey, error) {
	var out []store.PersonalKey
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		out, err = tx.PersonalKeys(who.User.ID)
		return err
	})
	return out, err
}

// GetPersonal returns one of the caller's own keys.
func (s *Keys) GetPersonal(ctx context.Context, who Caller, id string) (store.PersonalKey, error) {
	var k store.PersonalKey
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		k, err = ownKey(tx, who, id)
		return err
	})
	return k, err
}

func ownKey(tx store.AccountReader, who Caller, id string) (store.PersonalKey, error) {
	k, err := tx.PersonalKey(id)
	if err == nil && !who.trusted && k.UserID != who.User.ID {
		err = notFound()
	}
	return k, err
}

// CreatePersonal makes a key for a user and returns its value, which is not
// kept.
func (s *Keys) CreatePersonal(ctx context.Context, who Caller, user int64, ch PersonalKeyChange) (k store.PersonalKey, value string, err error) {
	value = auth.NewPersonalKey()
	k, err = s.insertPersonal(ctx, who, user, value, ch)
	return k, value, err
}

func (s *Keys) insertPersonal(ctx context.Context, who Caller, user int64, value string, ch PersonalKeyChange) (store.PersonalKey, error) {
	k := newPersonalKey(user, value)
	k.CreatedAt, k.LastRolledAt = s.clock(), s.clock()
	if err := ch.apply(&k); err != nil {
		return k, err
	}
	return k, s.edit(ctx, who, func(tx store.Tx) error {
		u, err := tx.User(user)
		if err != nil {
			return err
		}
		if err := tx.InsertPersonalKey(k); err != nil {
			return err
		}
		return record(tx, 0, ScopePersonalKey, k.ID, "created", k.Label+" of "+u.Email, nil)
	})
}

func newPersonalKey(user int64, value string) store.PersonalKey {
	return store.PersonalKey{ID: auth.NewKeyID(), UserID: user, Hash: auth.Hash(value), Mask: auth.Mask(value)}
}

// UpdatePersonal changes a key of the caller's own, which cannot give itself
// more than it had: its own scopes and limits can only be narrowed when the
// caller acts with a key.
func (s *Keys) UpdatePersonal(ctx context.Context, who Caller, id string, ch PersonalKeyChange) (store.PersonalKey, error) {
	return s.changePersonal(ctx, who, id, func(stored store.PersonalKey, k *store.PersonalKey) error {
		if err := ch.apply(k); err != nil {
			return err
		}
		if who.Key != "" && (!covers(stored.Scopes, k.Scopes) ||
			!within(stored.ScopedProjects, k.ScopedProjects) || !within(stored.ScopedOrganizations, k.ScopedOrganizations)) {
			return forbidden("The rights of a personal API key cannot be extended with a personal API key.")
		}
		return nil
	})
}

// covers reports whether each of the wanted scopes is among those held.
func covers(held, wanted []string) bool {
	for _, w := range wanted {
		object, action, _ := strings.Cut(w, ":")
		if !slices.Contains(held, "*") && !slices.Contains(held, w) &&
			(action != "read" || !slices.Contains(held, object+":write")) {
			return false
		}
	}
	return true
}

// within reports whether the wanted limits are at least as narrow as those
// that are there; empty means no limit.
func within[T comparable](limits, wanted []T) bool {
	if len(limits) == 0 {
		return true
	}
	return len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w T) bool { return !slices.Contains(limits, w) })
}

// RollPersonal gives a key a new value, which it returns; the old one stops.
func (s *Keys) RollPersonal(ctx context.Context, who Caller, id string) (k store.PersonalKey, value string, err error) {
	value = auth.NewPersonalKey()
	k, err = s.changePersonal(ctx, who, id, func(_ store.PersonalKey, k *store.PersonalKey) error {
		k.Hash, k.Mask, k.LastRolledAt = auth.Hash(value), auth.Mask(value), s.clock()
		return nil
	})
	return k, value, err
}

func (s *Keys) changePersonal(ctx context.Context, who Caller, id string, to func(stored store.PersonalKey, k *store.PersonalKey) error) (store.PersonalKey, error) {
	var k store.PersonalKey
	err := s.edit(ctx, who, func(tx store.Tx) error {
		stored, err := ownKey(tx, who, id)
		if err != nil {
			return err
		}
		k = stored
		if err := to(stored, &k); err != nil {
			return err
		}
		if err := tx.UpdatePersonalKey(k); err != nil {
			return err
		}
		return record(tx, 0, ScopePersonalKey, id, "updated", k.Label, diff(ScopePersonalKey, personalKeyFields(stored), personalKeyFields(k)))
	})
	return k, err
}

func personalKeyFields(k store.PersonalKey) []field {
	return []field{
		{"label", toJSON(k.Label)},
		{"scopes", toJSON(list(k.Scopes))},
		{"scoped_teams", toJSON(list(k.ScopedProjects))},
		{"scoped_organizations", toJSON(list(k.ScopedOrganizations))},
		{"mask_value", toJSON(k.Mask)},
	}
}

// DeletePersonal ends a key.
func (s *Keys) DeletePersonal(ctx context.Context, who Caller, id string) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		k, err := ownKey(tx, who, id)
		if err != nil {
			return err
		}
		if err := tx.DeletePersonalKey(id); err != nil {
			return err
		}
		return record(tx, 0, ScopePersonalKey, id, "deleted", k.Label, nil)
	})
}

// ProjectKeyChange is what a request says about a project's secret key.
type ProjectKeyChange struct {
	Label  Optional[string]
	Scopes Optional[[]string]
}

func (ch *ProjectKeyChange) apply(k *store.ProjectKey) error {
	ch.Label.into(&k.Label)
	ch.Scopes.into(&k.Scopes)
	if err := checkLabel(k.Label); err != nil {
		return err
	}
	return checkScopes(k.Scopes, func(s string) bool { return slices.Contains(projectScopes, s) })
}

// Project lists a project's secret keys.
func (s *Keys) Project(ctx context.Context, project int64) ([]store.ProjectKey, error) {
	var out []store.ProjectKey
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		out, err = tx.ProjectKeys(project)
		return err
	})
	return out, err
}

// GetProject returns a project's secret key.
func (s *Keys) GetProject(ctx context.Context, project int64, id string) (store.ProjectKey, error) {
	var k store.ProjectKey
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		k, err = tx.ProjectKey(project, id)
		return err
	})
	return k, err
}

// CreateProject makes a secret key of a project and returns its value, which
// is not kept.
func (s *Keys) CreateProject(ctx context.Context, who Caller, project int64, ch ProjectKeyChange) (k store.ProjectKey, value string, err error) {
	value = auth.NewSecret()
	k = store.ProjectKey{
		ID: auth.NewKeyID(), Project: project, Hash: auth.Hash(value), Mask: auth.Mask(value),
		CreatedBy: who.User.ID, CreatedAt: s.clock(),
	}
	if err := ch.apply(&k); err != nil {
		return k, "", err
	}
	err = s.edit(ctx, who, func(tx store.Tx) error {
		if err := tx.InsertProjectKey(k); err != nil {
			return labelTaken(err)
		}
		return record(tx, project, ScopeProjectKey, k.ID, "created", k.Label, nil)
	})
	return k, value, err
}

// UpdateProject changes a project's secret key.
func (s *Keys) UpdateProject(ctx context.Context, who Caller, project int64, id string, ch ProjectKeyChange) (store.ProjectKey, error) {
	return s.changeProject(ctx, who, project, id, ch.apply)
}

// RollProject gives a project's secret key a new value, which it returns; the
// old one stops.
func (s *Keys) RollProject(ctx context.Context, who Caller, project int64, id string) (k store.ProjectKey, value string, err error) {
	value = auth.NewSecret()
	k, err = s.changeProject(ctx, who, project, id, func(k *store.ProjectKey) error {
		k.Hash, k.Mask = auth.Hash(value), auth.Mask(value)
		return nil
	})
	return k, value, err
}

func (s *Keys) changeProject(ctx context.Context, who Caller, project int64, id string, to func(*store.ProjectKey) error) (store.ProjectKey, error) {
	var k store.ProjectKey
	err := s.edit(ctx, who, func(tx store.Tx) error {
		stored, err := tx.ProjectKey(project, id)
		if err != nil {
			return err
		}
		k = stored
		if err := to(&k); err != nil {
			return err
		}
		if err := tx.UpdateProjectKey(k); err != nil {
			return labelTaken(err)
		}
		fields := func(k store.ProjectKey) []field {
			return []field{{"label", toJSON(k.Label)}, {"scopes", toJSON(list(k.Scopes))}, {"mask_value", toJSON(k.Mask)}}
		}
		return record(tx, project, ScopeProjectKey, id, "updated", k.Label, diff(ScopeProjectKey, fields(stored), fields(k)))
	})
	return k, err
}

// DeleteProject ends a project's secret key.
func (s *Keys) DeleteProject(ctx context.Context, who Caller, project int64, id string) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		k, err := tx.ProjectKey(project, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteProjectKey(project, id); err != nil {
			return err
		}
		return record(tx, project, ScopeProjectKey, id, "deleted", k.Label, nil)
	})
}

func labelTaken(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return invalid("label", "unique", "A key with this label already exists in this project.")
	}
	return err
}
