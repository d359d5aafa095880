package rest

import (
	"net/http"

	"github.com/guidon-flags/guidon/internal/manage"
)

// organizationRoutes are the routes of organizations, their projects and
// members (13, 5.15).
func organizationRoutes() []Route {
	const o = "/api/organizations"
	const p, m = o + "/{organization}/projects", o + "/{organization}/members"
	return []Route{
		{Method: "GET", Pattern: "/api/projects", Scopes: scopes("project:read"), handle: listOwnProjects},
		{Method: "GET", Pattern: o, Scopes: scopes("organization:read"), handle: listOrganizations},
		{Method: "GET", Pattern: o + "/{organization}", Scopes: scopes("organization:read"), handle: getOrganization},
		{Method: "GET", Pattern: p, Scopes: scopes("project:read"), handle: listProjects},
		{Method: "POST", Pattern: p, Scopes: scopes("project:write"), handle: createProject},
		{Method: "GET", Pattern: p + "/{project}", Scopes: scopes("project:read"), handle: getProject, itself: true},
		{Method: "PATCH", Pattern: p + "/{project}", Scopes: scopes("project:write"), handle: updateProject, itself: true},
		{Method: "PUT", Pattern: p + "/{project}", Scopes: scopes("project:write"), handle: updateProject, itself: true},
		{Method: "DELETE", Pattern: p + "/{project}", Scopes: scopes("project:write"), handle: deleteProject, itself: true},
		{Method: "GET", Pattern: m, Scopes: scopes("organization_member:read"), handle: listMembers},
		{Method: "PATCH", Pattern: m + "/{user}", Scopes: scopes("organization_member:write"), handle: updateMember},
		{Method: "DELETE", Pattern: m + "/{user}", Scopes: scopes("organization_member:write"), handle: removeMember},
		{Method: "GET", Pattern: o + "/{organization}/feature_flags/{flag}", Access: Session, handle: flagAcrossProjects},
	}
}

func newOrganization(v manage.OrganizationView) map[string]any {
	projects := each(v.Projects, newProjectBrief)
	return map[string]any{
		"id": v.ID, "name": v.Name, "slug": v.Slug, "created_at": stamp(v.CreatedAt), "updated_at": stamp(v.UpdatedAt),
		"membership_level": v.Level, "teams": projects, "projects": projects,
	}
}

func listOrganizations(c *call) (reply, error) {
	all, err := c.api.m.Organizations.List(c.r.Context(), c.who)
	if err != nil {
		return reply{}, err
	}
	limit, offset := c.paging()
	return c.page(each(window(all, limit, offset), newOrganization), len(all), limit, offset)
}

// window cuts a page out of a list.
func window[T any](all []T, limit, offset int) []T {
	all = all[min(offset, len(all)):]
	return all[:min(limit, len(all))]
}

func getOrganization(c *call) (reply, error) { return ok(newOrganization(c.organization)) }

// listOwnProjects lists the projects of all organizations that the caller may
// touch.
func listOwnProjects(c *call) (reply, error) {
	all, err := c.api.m.Projects.List(c.r.Context(), c.who, "")
	if err != nil {
		return reply{}, err
	}
	limit, offset := c.paging()
	return c.page(each(window(all, limit, offset), newProjectBrief), len(all), limit, offset)
}

func listProjects(c *call) (reply, error) {
	limit, offset := c.paging()
	all := c.organization.Projects
	return c.page(each(window(all, limit, offset), newProjectBrief), len(all), limit, offset)
}

func createProject(c *call) (reply, error) {
	ch, err := c.projectChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Projects.Create(c.r.Context(), c.who, c.organization.ID, ch)
	return c.projectReply(http.StatusCreated, v, err)
}

// memberJSON is a member of an organization in answers.
type memberJSON struct {
	ID       string    `json:"id"`
	User     *userJSON `json:"user"`
	Level    int       `json:"level"`
	JoinedAt stamp     `json:"joined_at"`
}

func newMember(v manage.MemberView) memberJSON {
	return memberJSON{ID: v.User.UUID, User: newUser(&v.User), Level: v.Level, JoinedAt: stamp(v.JoinedAt)}
}

func listMembers(c *call) (reply, error) {
	all, err := c.api.m.Organizations.Members(c.r.Context(), c.organization.ID)
	if err != nil {
		return reply{}, err
	}
	limit, offset := c.paging()
	return c.page(each(window(all, limit, offset), newMember), len(all), limit, offset)
}

func updateMember(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	level := f.small("level")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !level.Set:
		return reply{}, required("level")
	}
	v, err := c.api.m.Organizations.SetLevel(c.r.Context(), c.who, c.organization.ID, c.params["user"], level.Value)
	if err != nil {
		return reply{}, err
	}
	return ok(newMember(v))
}

func removeMember(c *call) (reply, error) {
	if err := c.api.m.Organizations.RemoveMember(c.r.Context(), c.who, c.organization.ID, c.params["user"]); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}

// flagAcrossProjects lists the flags with one key in the projects that the
// caller can see (5.15).
func flagAcrossProjects(c *call) (reply, error) {
	out := []map[string]any{}
	for _, p := range c.organization.Projects {
		v, err := c.api.m.Flags.ByKey(c.r.Context(), p.ID, c.params["flag"])
		if refusal := asRefusal(err); refusal != nil && refusal.Kind == manage.NotFound {
			continue
		}
		if err != nil {
			return reply{}, err
		}
		out = append(out, map[string]any{
			"flag_id": v.ID, "team_id": p.ID, "created_by": newUser(v.Creator), "filters": rawJSON(v.Decorated),
			"created_at": stamp(v.CreatedAt), "active": v.Active, "evaluations_7d": nil,
		})
	}
	return ok(out)
}
