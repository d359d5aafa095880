package rest

// userRoutes are the routes of the caller and its keys (13, 14).
func userRoutes() []Route {
	const k = "/api/personal_api_keys"
	return []Route{
		{Method: "GET", Pattern: "/api/users/{user}", Scopes: scopes("user:read"), handle: getUser},
		{Method: "GET", Pattern: k, Scopes: scopes("user:read"), handle: listPersonalKeys},
		{Method: "POST", Pattern: k, Access: Session, handle: createPersonalKey},
		{Method: "GET", Pattern: k + "/{key}", Scopes: scopes("user:read"), handle: getPersonalKey},
		{Method: "PATCH", Pattern: k + "/{key}", Scopes: scopes("user:write"), handle: updatePersonalKey},
		{Method: "DELETE", Pattern: k + "/{key}", Scopes: scopes("user:write"), handle: deletePersonalKey},
		{Method: "POST", Pattern: k + "/{key}/roll", Access: Session, handle: rollPersonalKey},
	}
}

// getUser answers with the caller; nobody else can be asked for.
func getUser(c *call) (reply, error) {
	u := c.principal.User
	if ref := c.params["user"]; ref != "@me" && ref != u.UUID {
		return reply{}, errNotFound
	}
	ctx := c.r.Context()
	organizations, err := c.api.m.Organizations.List(ctx, c.who)
	if err != nil {
		return reply{}, err
	}
	body := map[string]any{
		"id": u.ID, "uuid": u.UUID, "distinct_id": u.DistinctID, "email": u.Email,
		"first_name": u.FirstName, "last_name": u.LastName, "date_joined": stamp(u.CreatedAt), "is_staff": false,
		"organization": nil, "team": nil, "organizations": each(organizations, newOrganization),
		"scoped_teams": list(c.who.Projects), "scoped_organizations": list(c.who.Organizations), "scopes": list(c.principal.Scopes),
	}
	access, err := c.api.m.CurrentProject(ctx, c.who, c.query.Get("token"))
	switch refusal := asRefusal(err); {
	case refusal != nil: // no project that the caller may touch
	case err != nil:
		return reply{}, err
	default:
		v, err := c.api.m.Projects.Get(ctx, access)
		if err != nil {
			return reply{}, err
		}
		body["team"] = c.projectBody(v)
	}
	for _, o := range organizations {
		if o.ID == access.Project.OrganizationID || len(organizations) == 1 {
			body["organization"] = newOrganization(o)
		}
	}
	return ok(body)
}
