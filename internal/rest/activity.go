package rest

import (
	"encoding/json"
	"strconv"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// activityRoutes are the routes of the audit log (15, 5.7).
func activityRoutes() []Route {
	read := scopes("activity_log:read")
	return []Route{
		{Method: "GET", Pattern: "/activity_log", Scopes: read, handle: activityLog},
		{Method: "GET", Pattern: "/feature_flags/activity", Scopes: read, handle: activityOf(manage.ScopeFlag)},
		{Method: "GET", Pattern: "/feature_flags/{item}/activity", Scopes: read, handle: activityOf(manage.ScopeFlag)},
		{Method: "GET", Pattern: "/cohorts/activity", Scopes: read, handle: activityOf(manage.ScopeCohort)},
		{Method: "GET", Pattern: "/cohorts/{item}/activity", Scopes: read, handle: activityOf(manage.ScopeCohort)},
		{Method: "GET", Pattern: "/persons/activity", Scopes: read, handle: activityOf(manage.ScopePerson)},
		{Method: "GET", Pattern: "/persons/{item}/activity", Scopes: read, handle: activityOf(manage.ScopePerson)},
	}
}

// activityJSON is an entry of the audit log in answers.
type activityJSON struct {
	ID              string          `json:"id"`
	User            *userJSON       `json:"user"`
	System          bool            `json:"is_system"`
	WasImpersonated bool            `json:"was_impersonated"`
	Activity        string          `json:"activity"`
	Scope           string          `json:"scope"`
	ItemID          string          `json:"item_id"`
	Detail          json.RawMessage `json:"detail"`
	CreatedAt       stamp           `json:"created_at"`
}

func newActivity(v manage.ActivityView) activityJSON {
	return activityJSON{
		ID: strconv.FormatInt(v.ID, 10), User: newUser(v.User), System: v.Author.UserID == 0, Activity: v.Activity.Activity,
		Scope: v.Scope, ItemID: v.ItemID, Detail: rawJSON(v.Detail), CreatedAt: stamp(v.At),
	}
}

func activityLog(c *call) (reply, error) {
	return c.activity(c.query.Get("scope"), c.query.Get("item_id"))
}

func activityOf(scope string) func(*call) (reply, error) {
	return func(c *call) (reply, error) { return c.activity(scope, c.params["item"]) }
}

// activity answers with a page of the audit log.
func (c *call) activity(scope, item string) (reply, error) {
	const perPage = 10
	limit, page := c.limit(perPage), max(1, atoi(c.query.Get("page"), 1))
	entries, total, err := c.api.m.Activity.List(c.r.Context(), store.ActivityQuery{
		Project: c.project(), Scope: scope, ItemID: item, Limit: limit, Offset: (page - 1) * limit,
	})
	if err != nil {
		return reply{}, err
	}
	body := map[string]any{"results": each(entries, newActivity), "next": nil, "previous": nil, "total_count": total}
	if page*limit < total {
		body["next"] = c.address("page", strconv.Itoa(page+1))
	}
	if page > 1 {
		body["previous"] = c.address("page", strconv.Itoa(page-1))
	}
	return ok(body)
}
