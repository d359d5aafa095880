package rest

import (
	"net/http"
	"slices"
)

// Access says which credentials a route takes.
type Access uint8

// The kinds of access.
const (
	Key     Access = iota // a personal key with the route's scopes, or a login session
	Session               // a login session only
	Public                // none; the handler checks what it needs
)

// Route is an entry of the route table.
type Route struct {
	Method  string
	Pattern string   // segments, {name} for a parameter; a slash at the end makes no difference
	Access  Access   // Key unless said otherwise
	Scopes  []string // all of which a key needs: "object:read", "object:write"

	handle  func(*call) (reply, error)
	current bool // the current project, which the path does not name
	itself  bool // the project itself: not found for those who are not members
}

// Routes returns the route table. Routes of a project are there twice, below
// /api/projects/ and /api/environments/.
func Routes() []Route {
	return slices.Concat(
		ofProject(projectRoutes()),
		flagAliases(),
		personAliases(),
		organizationRoutes(),
		userRoutes(),
		[]Route{{Method: "GET", Pattern: "/api/early_access_features", Access: Public, handle: publicFeatures}},
	)
}

// ofProject puts routes, whose patterns are relative, below a project.
func ofProject(routes []Route) []Route {
	var out []Route
	for _, prefix := range []string{"/api/projects/{project}", "/api/environments/{project}"} {
		for _, r := range routes {
			r.itself = r.Pattern == ""
			r.Pattern = prefix + r.Pattern
			out = append(out, r)
		}
	}
	return out
}

// ofCurrent puts routes of a project below a prefix that stands for the
// current project.
func ofCurrent(prefix, of string, routes []Route) []Route {
	var out []Route
	for _, r := range routes {
		r.current = true
		r.Pattern = prefix + r.Pattern[len(of):]
		out = append(out, r)
	}
	return out
}

func scopes(s ...string) []string { return s }

func projectRoutes() []Route {
	return slices.Concat(
		flagReads(), flagWrites(), cohortRoutes(), featureRoutes(), personRoutes(), groupRoutes(),
		settingRoutes(), projectKeyRoutes(), activityRoutes(),
	)
}

// flagAliases are the older paths for reading flags (5).
func flagAliases() []Route {
	var reads []Route
	for _, r := range flagReads() {
		if r.Method == http.MethodGet {
			reads = append(reads, r)
		}
	}
	return ofCurrent("/api/feature_flag", "/feature_flags", reads)
}

// personAliases are the older paths of persons (12).
func personAliases() []Route {
	return ofCurrent("/api/person", "/persons", personRoutes())
}
