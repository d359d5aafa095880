package auth

import (
	"slices"

	"github.com/guidon-flags/guidon/internal/store"
)

// Kind says what sort of credential a Principal presented.
type Kind uint8

// The kinds of credential.
const (
	PersonalKey  Kind = iota + 1 // phx_…, acts for a user
	ProjectKey                   // phs_…, scoped, of one project
	SecretToken                  // phs_…, a project's own secret token
	LoginSession                 // a user who logged in; no scopes apply
)

// Principal is who makes a request. It is shared between requests and must not
// be changed.
type Principal struct {
	Kind Kind

	// Key is the id of the key, empty for a SecretToken and a LoginSession.
	Key string

	// User acts; zero for the keys of a project.
	User store.User

	// Memberships are User's, with levels.
	Memberships []store.Membership

	// Project is the one project of a ProjectKey or SecretToken, else 0.
	Project int64

	// Scopes of a key: "*", "<object>:read", "<object>:write". An empty list
	// allows nothing. Not used for a SecretToken and a LoginSession.
	Scopes []string

	// Projects and Organizations restrict a personal key; empty: all of User's.
	Projects      []int64
	Organizations []string
}

// Allows reports whether the principal's scopes cover an action, "read" or
// "write", on a kind of object such as "feature_flag". Writing includes
// reading. A logged-in user's rights are not narrowed by scopes; a project's
// secret token may read feature flags and nothing else.
func (p *Principal) Allows(object, action string) bool {
	switch p.Kind {
	case LoginSession:
		return true
	case SecretToken:
		return object == "feature_flag" && action == "read"
	}
	for _, s := range p.Scopes {
		if s == "*" || s == object+":"+action || action == "read" && s == object+":write" {
			return true
		}
	}
	return false
}

// Member returns the user's level in an organization; ok is false if they are
// not in it.
func (p *Principal) Member(organization string) (level int, ok bool) {
	for _, m := range p.Memberships {
		if m.OrganizationID == organization {
			return m.Level, true
		}
	}
	return 0, false
}

// Covers reports whether the key is meant for a project at all: it is the
// project's own, or it is not restricted to other projects or organizations.
// Membership is a separate question, see Member.
func (p *Principal) Covers(project int64, organization string) bool {
	if p.Project != 0 {
		return p.Project == project
	}
	if len(p.Projects) > 0 && !slices.Contains(p.Projects, project) {
		return false
	}
	return len(p.Organizations) == 0 || slices.Contains(p.Organizations, organization)
}

// Reaches reports whether the principal may touch a project: Covers it and,
// where a user acts, is a member of its organization.
func (p *Principal) Reaches(project int64, organization string) bool {
	if !p.Covers(project, organization) {
		return false
	}
	if p.Project != 0 {
		return true
	}
	_, member := p.Member(organization)
	return member
}
