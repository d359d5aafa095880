package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/rest"
)

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// example is a path of a route: of a project that exists and things that do
// not.
func example(w *world, pattern string, project int64) string {
	return parameter.ReplaceAllStringFunc(pattern, func(p string) string {
		switch p {
		case "{project}":
			return fmt.Sprint(project)
		case "{organization}":
			return w.org
		case "{feature}", "{person}":
			return "00000000-0000-4000-8000-00000000dead"
		}
		return "987654321"
	})
}

// TestRouteScopes walks the route table: without a key, with a wrong one, with
// a project's, with all scopes but one, and with exactly the scopes needed.
func TestRouteScopes(t *testing.T) {
	w := newWorld(t)
	routes := rest.Routes()
	everything := allScopes(routes)
	for _, route := range routes {
		t.Run(route.Method+" "+route.Pattern, func(t *testing.T) {
			w.t = t
			path := example(w, route.Pattern, w.project().ID)
			status := func(key string) (int, string) {
				rec := w.do(request{method: route.Method, path: path, key: key})
				var body struct{ Code, Detail string }
				_ = json.Unmarshal(rec.Body.Bytes(), &body) // some answers have no body
				return rec.Code, body.Code + ": " + body.Detail
			}
			if route.Access == rest.Public {
				if len(route.Scopes) > 0 {
					t.Error("a public route with scopes")
				}
				return
			}
			if code, text := status("none"); code != http.StatusUnauthorized || !strings.HasPrefix(text, "not_authenticated") {
				t.Errorf("without a key: %d %s", code, text)
			}
			for _, wrong := range []string{"phx_wrong", "phc_wrong", "phs_wrong", "x"} {
				if code, text := status(wrong); code != http.StatusUnauthorized || !strings.HasPrefix(text, "authentication_failed") {
					t.Errorf("with the key %q: %d %s", wrong, code, text)
				}
			}
			if route.Access == rest.Session {
				if code, text := status(""); code != http.StatusForbidden || !strings.Contains(text, "does not support") {
					t.Errorf("with a key with all scopes: %d %s", code, text)
				}
				return
			}
			if len(route.Scopes) == 0 {
				t.Fatal("the route takes any key")
			}
			for _, missing := range route.Scopes {
				key := w.key(nil, without(everything, missing)...)
				if code, text := status(key); code != http.StatusForbidden || !strings.Contains(text, missing) {
					t.Errorf("without %s: %d %s", missing, code, text)
				}
			}
			if code, text := status(w.key(nil, route.Scopes...)); code == http.StatusUnauthorized || code >= 500 ||
				code == http.StatusForbidden && !strings.Contains(route.Pattern, "early_access_feature") {
				t.Errorf("with its scopes: %d %s", code, text)
			}
		})
	}
}

// allScopes lists the scopes of all routes.
func allScopes(routes []rest.Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Scopes...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// without leaves out a scope and those that include it.
func without(scopes []string, missing string) []string {
	object, action, _ := strings.Cut(missing, ":")
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool {
		return s == missing || action == "read" && s == object+":write"
	})
}

// TestRouteMembership walks the routes of projects and organizations with the
// key of somebody who is a member of neither, and with one that is limited to
// another project: nothing is answered and nothing happens.
func TestRouteMembership(t *testing.T) {
	w := newWorld(t)
	stranger, elsewhere := w.stranger()
	limited := w.key(limitedTo(elsewhere), "*")
	for _, route := range rest.Routes() {
		inProject := strings.Contains(route.Pattern, "{project}")
		if !inProject && !strings.Contains(route.Pattern, "{organization}") {
			continue
		}
		path := example(w, route.Pattern, 1)
		if code := w.do(request{method: route.Method, path: path, key: stranger}).Code; code != http.StatusForbidden && code != http.StatusNotFound {
			t.Errorf("%s %s with a stranger's key: %d", route.Method, route.Pattern, code)
		}
		if !inProject {
			continue
		}
		if code := w.do(request{method: route.Method, path: path, key: limited}).Code; code != http.StatusForbidden && code != http.StatusNotFound {
			t.Errorf("%s %s with a key for another project: %d", route.Method, route.Pattern, code)
		}
	}
}

// TestSessionLevels: what only admins may do is refused to plain members.
func TestSessionLevels(t *testing.T) {
	w := newWorld(t)
	p := w.project()
	w.session = sessionOf(w, manage.LevelMember)
	w.demote(manage.LevelMember)
	for _, r := range []request{
		{method: "POST", path: "/api/organizations/" + w.org + "/projects/", body: []byte(`{"name":"x"}`)},
		{method: "DELETE", path: fmt.Sprintf("/api/projects/%d/", p.ID)},
		{method: "PATCH", path: fmt.Sprintf("/api/projects/%d/reset_token/", p.ID)},
		{method: "PATCH", path: fmt.Sprintf("/api/projects/%d/rotate_secret_token/", p.ID)},
		{method: "PATCH", path: fmt.Sprintf("/api/projects/%d/delete_secret_token_backup/", p.ID)},
		{method: "PATCH", path: "/api/organizations/" + w.org + "/members/" + w.admin.UUID + "/", body: []byte(`{"level":15}`)},
	} {
		r.key = "session"
		if rec := w.do(r); rec.Code != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", r.method, r.path, rec.Code, rec.Body)
		}
	}
}
