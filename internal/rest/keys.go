package rest

import (
	"net/http"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// personalKeyJSON is a personal key in answers (14).
type personalKeyJSON struct {
	ID            string   `json:"id"`
	Label         string   `json:"label"`
	Value         *string  `json:"value"` // null but in the answer to create and roll
	Mask          string   `json:"mask_value"`
	Scopes        []string `json:"scopes"`
	Projects      []int64  `json:"scoped_teams"`
	Organizations []string `json:"scoped_organizations"`
	UserID        int64    `json:"user_id"`
	CreatedAt     stamp    `json:"created_at"`
	LastUsedAt    stamp    `json:"last_used_at"`
	LastRolledAt  stamp    `json:"last_rolled_at"`
}

func newPersonalKey(k store.PersonalKey) personalKeyJSON {
	return personalKeyJSON{
		ID: k.ID, Label: k.Label, Mask: k.Mask, Scopes: list(k.Scopes), Projects: list(k.ScopedProjects),
		Organizations: list(k.ScopedOrganizations), UserID: k.UserID,
		CreatedAt: stamp(k.CreatedAt), LastUsedAt: stamp(k.LastUsedAt), LastRolledAt: stamp(k.LastRolledAt),
	}
}

func personalKeyReply(status int, k store.PersonalKey, value string, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	body := newPersonalKey(k)
	if value != "" {
		body.Value = &value
	}
	return reply{status: status, body: body}, nil
}

func (c *call) personalKeyChange() (manage.PersonalKeyChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.PersonalKeyChange{}, err
	}
	ch := manage.PersonalKeyChange{Label: f.filled("label"), Scopes: f.texts("scopes")}
	if f.has("scoped_teams") && !f.null("scoped_teams") {
		ch.Projects = f.integers("scoped_teams")
	}
	if f.has("scoped_organizations") && !f.null("scoped_organizations") {
		ch.Organizations = f.texts("scoped_organizations")
	}
	return ch, f.err
}

func listPersonalKeys(c *call) (reply, error) {
	keys, err := c.api.m.Keys.Personal(c.r.Context(), c.who)
	if err != nil {
		return reply{}, err
	}
	return ok(each(keys, newPersonalKey))
}

func getPersonalKey(c *call) (reply, error) {
	k, err := c.api.m.Keys.GetPersonal(c.r.Context(), c.who, c.params["key"])
	return personalKeyReply(http.StatusOK, k, "", err)
}

func createPersonalKey(c *call) (reply, error) {
	ch, err := c.personalKeyChange()
	if err != nil {
		return reply{}, err
	}
	if !ch.Label.Set {
		return reply{}, required("label")
	}
	k, value, err := c.api.m.Keys.CreatePersonal(c.r.Context(), c.who, c.who.User.ID, ch)
	return personalKeyReply(http.StatusCreated, k, value, err)
}

func updatePersonalKey(c *call) (reply, error) {
	ch, err := c.personalKeyChange()
	if err != nil {
		return reply{}, err
	}
	k, err := c.api.m.Keys.UpdatePersonal(c.r.Context(), c.who, c.params["key"], ch)
	return personalKeyReply(http.StatusOK, k, "", err)
}

func rollPersonalKey(c *call) (reply, error) {
	k, value, err := c.api.m.Keys.RollPersonal(c.r.Context(), c.who, c.params["key"])
	return personalKeyReply(http.StatusOK, k, value, err)
}

func deletePersonalKey(c *call) (reply, error) {
	if err := c.api.m.Keys.DeletePersonal(c.r.Context(), c.who, c.params["key"]); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}

// projectKeyRoutes are the routes of projects' secret keys (14).
func projectKeyRoutes() []Route {
	const p = "/project_secret_api_keys"
	return []Route{
		{Method: "GET", Pattern: p, Scopes: scopes("project:read"), handle: listProjectKeys},
		{Method: "POST", Pattern: p, Access: Session, handle: createProjectKey},
		{Method: "GET", Pattern: p + "/{key}", Scopes: scopes("project:read"), handle: getProjectKey},
		{Method: "PATCH", Pattern: p + "/{key}", Access: Session, handle: updateProjectKey},
		{Method: "DELETE", Pattern: p + "/{key}", Scopes: scopes("project:write"), handle: deleteProjectKey},
		{Method: "POST", Pattern: p + "/{key}/roll", Access: Session, handle: rollProjectKey},
	}
}

// projectKeyJSON is a project's secret key in answers.
type projectKeyJSON struct {
	ID         string   `json:"id"`
	Label      string   `json:"label"`
	Value      *string  `json:"value"` // null but in the answer to create and roll
	Mask       string   `json:"mask_value"`
	Scopes     []string `json:"scopes"`
	CreatedBy  *int64   `json:"created_by"`
	CreatedAt  stamp    `json:"created_at"`
	LastUsedAt stamp    `json:"last_used_at"`
}

func newProjectKey(k store.ProjectKey) projectKeyJSON {
	return projectKeyJSON{
		ID: k.ID, Label: k.Label, Mask: k.Mask, Scopes: list(k.Scopes), CreatedBy: idOrNull(k.CreatedBy),
		CreatedAt: stamp(k.CreatedAt), LastUsedAt: stamp(k.LastUsedAt),
	}
}

func projectKeyReply(status int, k store.ProjectKey, value string, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	body := newProjectKey(k)
	if value != "" {
		body.Value = &value
	}
	return reply{status: status, body: body}, nil
}

func (c *call) projectKeyChange() (manage.ProjectKeyChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.ProjectKeyChange{}, err
	}
	ch := manage.ProjectKeyChange{Label: f.filled("label"), Scopes: f.texts("scopes")}
	return ch, f.err
}

func listProjectKeys(c *call) (reply, error) {
	keys, err := c.api.m.Keys.Project(c.r.Context(), c.project())
	if err != nil {
		return reply{}, err
	}
	limit, offset := c.paging()
	return c.page(each(window(keys, limit, offset), newProjectKey), len(keys), limit, offset)
}

func getProjectKey(c *call) (reply, error) {
	k, err := c.api.m.Keys.GetProject(c.r.Context(), c.project(), c.params["key"])
	return projectKeyReply(http.StatusOK, k, "", err)
}

func createProjectKey(c *call) (reply, error) {
	ch, err := c.projectKeyChange()
	if err != nil {
		return reply{}, err
	}
	if !ch.Label.Set {
		return reply{}, required("label")
	}
	k, value, err := c.api.m.Keys.CreateProject(c.r.Context(), c.who, c.project(), ch)
	return projectKeyReply(http.StatusCreated, k, value, err)
}

func updateProjectKey(c *call) (reply, error) {
	ch, err := c.projectKeyChange()
	if err != nil {
		return reply{}, err
	}
	k, err := c.api.m.Keys.UpdateProject(c.r.Context(), c.who, c.project(), c.params["key"], ch)
	return projectKeyReply(http.StatusOK, k, "", err)
}

func rollProjectKey(c *call) (reply, error) {
	k, value, err := c.api.m.Keys.RollProject(c.r.Context(), c.who, c.project(), c.params["key"])
	return projectKeyReply(http.StatusOK, k, value, err)
}

func deleteProjectKey(c *call) (reply, error) {
	if err := c.api.m.Keys.DeleteProject(c.r.Context(), c.who, c.project(), c.params["key"]); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}
