package manage

import (
	"context"
	"slices"

	"github.com/guidon-flags/guidon/internal/store"
)

// Organizations reads organizations and changes their members.
type Organizations struct{ *core }

// OrganizationView is an organization as one of its members sees it.
type OrganizationView struct {
	store.Organization
	Level    int             // the caller's
	Projects []store.Project // those that the caller may touch, by id
}

// MemberView is a member of an organization.
type MemberView struct {
	store.Membership
	User store.User
}

// List returns the organizations that the caller is a member of and its key
// reaches.
func (s *Organizations) List(ctx context.Context, who Caller) ([]OrganizationView, error) {
	var out []OrganizationView
	err := s.view(ctx, func(tx store.ReadTx) error {
		all, err := tx.Organizations()
		if err != nil {
			return err
		}
		out = out[:0]
		for _, o := range all {
			level, err := who.level(tx, o.ID)
			if err != nil {
				return err
			}
			if level == 0 || who.inScope(o.ID, 0) != nil {
				continue
			}
			v, err := organizationView(tx, who, o, level)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

func organizationView(tx store.ReadTx, who Caller, o store.Organization, level int) (OrganizationView, error) {
	projects, err := visibleProjects(tx, who, o.ID)
	return OrganizationView{Organization: o, Level: level, Projects: projects}, err
}

// Get returns an organization by id or slug; "@current" is that of the current
// project, else the first. NotFound: there is none, or the caller is not a
// member. Forbidden: its key is limited to others.
func (s *Organizations) Get(ctx context.Context, who Caller, ref string) (OrganizationView, error) {
	var v OrganizationView
	err := s.view(ctx, func(tx store.ReadTx) error {
		o, err := organizationByRef(tx, who, ref)
		if err != nil {
			return err
		}
		level, err := who.level(tx, o.ID)
		if err != nil {
			return err
		}
		if level == 0 {
			return notFound()
		}
		if err := who.inScope(o.ID, 0); err != nil {
			return err
		}
		v, err = organizationView(tx, who, o, level)
		return err
	})
	return v, err
}

func organizationByRef(tx store.ReadTx, who Caller, ref string) (store.Organization, error) {
	if ref == "@current" {
		p, err := currentProject(tx, who, "")
		if err == nil {
			return tx.Organization(p.OrganizationID)
		}
		ms, merr := tx.Memberships(who.User.ID)
		if merr != nil || len(ms) == 0 {
			return store.Organization{}, err
		}
		return tx.Organization(ms[0].OrganizationID)
	}
	all, err := tx.Organizations()
	if err != nil {
		return store.Organization{}, err
	}
	i := slices.IndexFunc(all, func(o store.Organization) bool { return o.ID == ref || o.Slug == ref })
	if i < 0 {
		return store.Organization{}, notFound()
	}
	return all[i], nil
}

// Members lists an organization's members.
func (s *Organizations) Members(ctx context.Context, organization string) ([]MemberView, error) {
	var out []MemberView
	err := s.view(ctx, func(tx store.ReadTx) error {
		ms, err := tx.Members(organization)
		if err != nil {
			return err
		}
		out = out[:0]
		for _, m := range ms {
			u, err := tx.User(m.UserID)
			if err != nil {
				return err
			}
			out = append(out, MemberView{m, u})
		}
		return nil
	})
	return out, err
}

// SetLevel changes a member's level. Only admins may, only to levels up to
// their own, and the last owner stays one.
func (s *Organizations) SetLevel(ctx context.Context, who Caller, organization, userUUID string, level int) (MemberView, error) {
	var v MemberView
	if level != LevelMember && level != LevelAdmin && level != LevelOwner {
		return v, invalid("level", "invalid_choice", "\"%d\" is not a valid choice.", level)
	}
	err := s.edit(ctx, who, func(tx store.Tx) error {
		m, err := s.changeable(tx, who, organization, userUUID, level)
		if err != nil {
			return err
		}
		if m.Level == LevelOwner && level != LevelOwner {
			if err := checkOtherOwner(tx, m.Membership); err != nil {
				return err
			}
		}
		before := m.Level
		m.Level = level
		if err := tx.PutMembership(m.Membership); err != nil {
			return err
		}
		v = m
		return record(tx, 0, ScopeOrganization, organization, "updated", m.User.Email,
			diff(ScopeOrganization, []field{{"level", toJSON(before)}}, []field{{"level", toJSON(level)}}))
	})
	return v, err
}

// RemoveMember ends a membership. Members may leave by themselves.
func (s *Organizations) RemoveMember(ctx context.Context, who Caller, organization, userUUID string) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		m, err := memberByUUID(tx, organization, userUUID)
		if err != nil {
			return err
		}
		if m.UserID != who.User.ID {
			if m, err = s.changeable(tx, who, organization, userUUID, LevelMember); err != nil {
				return err
			}
		}
		if m.Level == LevelOwner {
			if err := checkOtherOwner(tx, m.Membership); err != nil {
				return err
			}
		}
		if err := tx.DeleteMembership(organization, m.UserID); err != nil {
			return err
		}
		return record(tx, 0, ScopeOrganization, organization, "deleted", m.User.Email, nil)
	})
}

// changeable finds a member whom the caller may change to a level: the caller
// is an admin, and neither the member's level nor the new one is above its own.
func (s *Organizations) changeable(tx store.ReadTx, who Caller, organization, userUUID string, level int) (MemberView, error) {
	m, err := memberByUUID(tx, organization, userUUID)
	if err != nil {
		return m, err
	}
	return m, who.atLeast(tx, organization, max(LevelAdmin, m.Level, level))
}

func memberByUUID(tx store.AccountReader, organization, userUUID string) (MemberView, error) {
	ms, err := tx.Members(organization)
	if err != nil {
		return MemberView{}, err
	}
	for _, m := range ms {
		u, err := tx.User(m.UserID)
		if err != nil {
			return MemberView{}, err
		}
		if u.UUID == userUUID {
			return MemberView{m, u}, nil
		}
	}
	return MemberView{}, notFound()
}

func checkOtherOwner(tx store.AccountReader, m store.Membership) error {
	ms, err := tx.Members(m.OrganizationID)
	if err != nil {
		return err
	}
	for _, other := range ms {
		if other.UserID != m.UserID && other.Level == LevelOwner {
			return nil
		}
	}
	return refused("An organization must have at least one owner.")
}
