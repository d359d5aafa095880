package rest

import (
	"encoding/json"
	"net/http"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// settingRoutes are the routes of a project itself (13).
func settingRoutes() []Route {
	const contexts = "/default_evaluation_contexts"
	return []Route{
		{Method: "GET", Pattern: "", Scopes: scopes("project:read"), handle: getProject},
		{Method: "PATCH", Pattern: "", Scopes: scopes("project:write"), handle: updateProject},
		{Method: "PUT", Pattern: "", Scopes: scopes("project:write"), handle: updateProject},
		{Method: "DELETE", Pattern: "", Scopes: scopes("project:write"), handle: deleteProject},
		{Method: "PATCH", Pattern: "/reset_token", Access: Session, handle: resetToken},
		{Method: "PATCH", Pattern: "/rotate_secret_token", Access: Session, handle: rotateSecret},
		{Method: "PATCH", Pattern: "/delete_secret_token_backup", Access: Session, handle: deleteBackupSecret},
		{Method: "GET", Pattern: contexts, Scopes: scopes("feature_flag:read"), handle: getContexts},
		{Method: "POST", Pattern: contexts, Scopes: scopes("feature_flag:write"), handle: setContext(true)},
		{Method: "DELETE", Pattern: contexts, Scopes: scopes("feature_flag:write"), handle: setContext(false)},
	}
}

// project makes the form of a project: an object whose settings follow a table.
func (c *call) projectBody(v manage.ProjectView) map[string]any {
	body := newProjectBrief(v.Project)
	body["person_processing_opt_out"] = v.PersonlessOnly
	body["property_matching_version"] = v.MatchingVersion
	body["has_secret_api_token"] = v.SecretHash != ""
	body["has_secret_api_token_backup"] = v.SecretBackupHash != ""
	body["effective_membership_level"] = v.Level
	body["has_group_types"] = len(v.GroupTypes) > 0
	body["group_types"] = each(v.GroupTypes, newGroupType)
	for _, s := range manage.Settings {
		body[s.Name] = json.RawMessage(manage.SettingOf(v.Project, s))
	}
	return body
}

// newProjectBrief is a project in lists and within other objects.
func newProjectBrief(p store.Project) map[string]any {
	return map[string]any{
		"id": p.ID, "uuid": p.UUID, "organization": orNull(p.OrganizationID), "project_id": p.ID, "name": p.Name,
		"api_token": p.Token, "timezone": p.TimeZone, "created_at": stamp(p.CreatedAt), "updated_at": stamp(p.UpdatedAt),
		"completed_snippet_onboarding": true, "ingested_event": true, "is_demo": false, "access_control": false,
	}
}

func (c *call) projectReply(status int, v manage.ProjectView, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return reply{status: status, body: c.projectBody(v)}, nil
}

func getProject(c *call) (reply, error) {
	v, err := c.api.m.Projects.Get(c.r.Context(), c.access)
	return c.projectReply(http.StatusOK, v, err)
}

// projectChange reads what the body says about a project.
func (c *call) projectChange() (manage.ProjectChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.ProjectChange{}, err
	}
	ch := manage.ProjectChange{
		Name:     f.filled("name"),
		TimeZone: f.text("timezone"),
		Settings: make(map[string]store.JSON),
	}
	if b := f.nullableBoolean("person_processing_opt_out"); b.Set {
		ch.PersonlessOnly = manage.Given(b.Value != nil && *b.Value)
	}
	for _, s := range manage.Settings {
		if f.has(s.Name) {
			ch.Settings[s.Name] = store.JSON(f.document(s.Name))
		}
	}
	return ch, f.err
}

func updateProject(c *call) (reply, error) {
	ch, err := c.projectChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Projects.Update(c.r.Context(), c.who, c.access, ch)
	return c.projectReply(http.StatusOK, v, err)
}

func deleteProject(c *call) (reply, error) {
	if err := c.api.m.Projects.Delete(c.r.Context(), c.who, c.access); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}

func resetToken(c *call) (reply, error) {
	v, err := c.api.m.Projects.ResetToken(c.r.Context(), c.who, c.access)
	return c.projectReply(http.StatusOK, v, err)
}

// rotateSecret answers with the project and its new secret token, which cannot
// be read again.
func rotateSecret(c *call) (reply, error) {
	secret, err := c.api.m.Projects.RotateSecret(c.r.Context(), c.who, c.access)
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Projects.Get(c.r.Context(), c.access)
	if err != nil {
		return reply{}, err
	}
	body := c.projectBody(v)
	body["secret_api_token"] = secret
	return ok(body)
}

func deleteBackupSecret(c *call) (reply, error) {
	if err := c.api.m.Projects.DeleteBackupSecret(c.r.Context(), c.who, c.access); err != nil {
		return reply{}, err
	}
	return getProject(c)
}

// contextJSON is an evaluation context. Contexts have no rows of their own, so
// that the place in the list serves as id.
type contextJSON struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

func getContexts(c *call) (reply, error) {
	x, err := c.api.m.Projects.Contexts(c.r.Context(), c.project())
	if err != nil {
		return reply{}, err
	}
	defaults := make([]contextJSON, len(x.Default))
	for i, name := range x.Default {
		defaults[i] = contextJSON{ID: i + 1, Name: name}
	}
	return ok(map[string]any{"default_evaluation_contexts": defaults, "available_contexts": list(x.Available), "enabled": x.Enabled})
}

// setContext makes the handler that adds a default context or takes one away;
// its name stands in the body or in the query.
func setContext(add bool) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		f, err := c.body()
		if err != nil {
			return reply{}, err
		}
		name := f.filled("context_name")
		if q := c.query.Get("context_name"); !name.Set && q != "" {
			name = manage.Given(q)
		}
		switch {
		case f.err != nil:
			return reply{}, f.err
		case !name.Set:
			return reply{}, required("context_name")
		}
		if err := c.api.m.Projects.SetDefaultContext(c.r.Context(), c.who, c.project(), name.Value, add); err != nil {
			return reply{}, err
		}
		return getContexts(c)
	}
}
