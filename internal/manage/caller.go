package manage

import (
	"context"
	"slices"

	"github.com/guidon-flags/guidon/internal/store"
)

// Caller is who asks for something. Scopes of actions are checked by the
// route; what is here limits which projects and organizations it may touch.
type Caller struct {
	User          store.User
	Key           string   // id of the personal key, empty: a console login or the command line
	Projects      []int64  // empty: all that the user is a member of
	Organizations []string // likewise
	Via           string   // for the audit log: "api", "console", "command line"

	trusted bool // made by System
}

// System is the caller for what the server or its operator does: it may touch
// everything. The zero Caller may touch nothing.
func System(via string) Caller { return Caller{Via: via, trusted: true} }

func (c Caller) author() store.Author { return store.Author{UserID: c.User.ID, Reason: c.Via} }

// Membership levels.
const (
	LevelMember = 1
	LevelAdmin  = 8
	LevelOwner  = 15
)

// level returns the caller's level in an organization, 0 if it is not a member.
func (c Caller) level(tx store.AccountReader, organization string) (int, error) {
	if c.trusted {
		return LevelOwner, nil
	}
	if c.User.ID == 0 {
		return 0, nil
	}
	ms, err := tx.Memberships(c.User.ID)
	if err != nil {
		return 0, err
	}
	for _, m := range ms {
		if m.OrganizationID == organization {
			return m.Level, nil
		}
	}
	return 0, nil
}

// inScope checks what a key is limited to, after membership (section 2).
func (c Caller) inScope(organization string, project int64) error {
	if len(c.Organizations) > 0 && !slices.Contains(c.Organizations, organization) {
		return forbidden("API key does not have access to the requested organization: ID %s.", organization)
	}
	if project != 0 && len(c.Projects) > 0 && !slices.Contains(c.Projects, project) {
		return forbidden("API key does not have access to the requested project: ID %d.", project)
	}
	return nil
}

// atLeast checks the caller's level in an organization.
func (c Caller) atLeast(tx store.AccountReader, organization string, level int) error {
	have, err := c.level(tx, organization)
	if err != nil {
		return err
	}
	if have < level {
		return forbidden("Your organization access level is insufficient.")
	}
	return nil
}

// Access is a project that a caller was found to have access to.
type Access struct {
	Project store.Project
	Level   int // the caller's in the project's organization
}

// Project gives who access to a project by id. Errors: NotFound if there is
// none; Forbidden if the caller is not a member of its organization or its key
// is limited to others.
func (m *Manager) Project(ctx context.Context, who Caller, id int64) (Access, error) {
	var a Access
	err := m.c.view(ctx, func(tx store.ReadTx) error {
		p, err := tx.Project(id)
		if err != nil {
			return err
		}
		a, err = access(tx, who, p)
		return err
	})
	return a, err
}

func access(tx store.ReadTx, who Caller, p store.Project) (Access, error) {
	level, err := who.level(tx, p.OrganizationID)
	if err != nil {
		return Access{}, err
	}
	if level == 0 {
		return Access{}, forbidden("You don't have access to the project.")
	}
	return Access{Project: p, Level: level}, who.inScope(p.OrganizationID, p.ID)
}

// CurrentProject resolves "@current" (section 1): the project of token if it is
// not empty; else the only one that the caller's key is limited to; else the
// first one that the caller may touch; else NotFound.
func (m *Manager) CurrentProject(ctx context.Context, who Caller, token string) (Access, error) {
	var a Access
	err := m.c.view(ctx, func(tx store.ReadTx) error {
		p, err := currentProject(tx, who, token)
		if err != nil {
			return err
		}
		a, err = access(tx, who, p)
		return err
	})
	return a, err
}

func currentProject(tx store.ReadTx, who Caller, token string) (store.Project, error) {
	switch {
	case token != "":
		return tx.ProjectByToken(token)
	case len(who.Projects) == 1:
		return tx.Project(who.Projects[0])
	}
	ps, err := visibleProjects(tx, who, "")
	if err != nil {
		return store.Project{}, err
	}
	if len(ps) == 0 {
		return store.Project{}, notFound()
	}
	return ps[0], nil
}

// visibleProjects lists by id the projects that the caller may touch, of one
// organization unless it is empty.
func visibleProjects(tx store.ReadTx, who Caller, organization string) ([]store.Project, error) {
	all, err := tx.Projects()
	if err != nil {
		return nil, err
	}
	var out []store.Project
	for _, p := range all {
		if organization != "" && p.OrganizationID != organization {
			continue
		}
		level, err := who.level(tx, p.OrganizationID)
		if err != nil {
			return nil, err
		}
		if level > 0 && who.inScope(p.OrganizationID, p.ID) == nil {
			out = append(out, p)
		}
	}
	return out, nil
}
