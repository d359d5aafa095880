package rest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// groupRoutes are the routes of group types and groups (11).
func groupRoutes() []Route {
	read, write := scopes("group:read"), scopes("group:write")
	return []Route{
		{Method: "GET", Pattern: "/groups_types", Scopes: read, handle: listGroupTypes},
		{Method: "PATCH", Pattern: "/groups_types/update_metadata", Scopes: write, handle: updateGroupTypes},
		{Method: "DELETE", Pattern: "/groups_types/{index}", Scopes: write, handle: deleteGroupType},
		{Method: "GET", Pattern: "/groups", Scopes: read, handle: listGroups},
		{Method: "POST", Pattern: "/groups", Scopes: write, handle: createGroup},
		{Method: "GET", Pattern: "/groups/find", Scopes: read, handle: findGroup},
		{Method: "GET", Pattern: "/groups/property_values", Scopes: read, handle: groupValues},
		{Method: "POST", Pattern: "/groups/update_property", Scopes: write, handle: setGroupProperty},
		{Method: "POST", Pattern: "/groups/delete_property", Scopes: write, handle: unsetGroupProperty},
	}
}

// groupTypeJSON is a group type in answers.
type groupTypeJSON struct {
	Type            string   `json:"group_type"`
	Index           int      `json:"group_type_index"`
	NameSingular    orNull   `json:"name_singular"`
	NamePlural      orNull   `json:"name_plural"`
	DetailDashboard *int64   `json:"detail_dashboard"`
	DefaultColumns  []string `json:"default_columns"`
	CreatedAt       stamp    `json:"created_at"`
}

func newGroupType(t store.GroupType) groupTypeJSON {
	return groupTypeJSON{
		Type: t.Name, Index: t.Index, NameSingular: orNull(t.NameSingular), NamePlural: orNull(t.NamePlural), CreatedAt: stamp(t.CreatedAt),
	}
}

// groupJSON is a group in answers.
type groupJSON struct {
	Index      int             `json:"group_type_index"`
	Key        string          `json:"group_key"`
	Properties json.RawMessage `json:"group_properties"`
	CreatedAt  stamp           `json:"created_at"`
}

func newGroup(g store.Group) groupJSON {
	return groupJSON{Index: g.Index, Key: g.Key, Properties: rawJSON(g.Properties), CreatedAt: stamp(g.CreatedAt)}
}

func groupReply(status int, g store.Group, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return reply{status: status, body: newGroup(g)}, nil
}

func listGroupTypes(c *call) (reply, error) {
	types, err := c.api.m.Groups.Types(c.r.Context(), c.project())
	if err != nil {
		return reply{}, err
	}
	return ok(each(types, newGroupType))
}

func updateGroupTypes(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(f.raw, &items) != nil {
		return reply{}, invalid("", "not_a_list", "Expected a list of items but got type \"dict\".")
	}
	changes := make([]manage.TypeChange, len(items))
	for i, item := range items {
		g := &fields{values: item}
		index := g.small("group_type_index")
		changes[i] = manage.TypeChange{
			Index: index.Value, NameSingular: g.nullableText("name_singular"), NamePlural: g.nullableText("name_plural"),
		}
		if g.err == nil && !index.Set {
			g.fail(required("group_type_index"))
		}
		if g.err != nil {
			return reply{}, g.err
		}
	}
	types, err := c.api.m.Groups.UpdateTypes(c.r.Context(), c.who, c.project(), changes)
	if err != nil {
		return reply{}, err
	}
	return ok(each(types, newGroupType))
}

func deleteGroupType(c *call) (reply, error) {
	index, err := c.number("index")
	if err != nil {
		return reply{}, err
	}
	if err := c.api.m.Groups.DeleteType(c.r.Context(), c.who, c.project(), int(index)); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}

// groupIndex reads the group type from the query.
func (c *call) groupIndex() (int, error) {
	s := c.query.Get("group_type_index")
	if s == "" {
		return 0, invalid("group_type_index", "required", "This query parameter is required.")
	}
	index, err := strconv.Atoi(s)
	if err != nil {
		return 0, invalid("group_type_index", "invalid", "A valid integer is required.")
	}
	return index, nil
}

// groupRef reads which group a request is about from the query.
func (c *call) groupRef() (index int, key string, err error) {
	if index, err = c.groupIndex(); err != nil {
		return 0, "", err
	}
	if key = c.query.Get("group_key"); key == "" {
		return 0, "", invalid("group_key", "required", "This query parameter is required.")
	}
	return index, key, nil
}

func listGroups(c *call) (reply, error) {
	index, err := c.groupIndex()
	if err != nil {
		return reply{}, err
	}
	page, more, err := c.api.m.Groups.List(c.r.Context(), store.GroupQuery{
		Project: c.project(), Index: index, Search: c.query.Get("search"), After: c.query.Get("cursor"), Limit: c.limit(defaultLimit),
	})
	if err != nil {
		return reply{}, err
	}
	out := openPage{Results: each(page, newGroup)}
	if more {
		out.Next = c.address("cursor", page[len(page)-1].Key)
	}
	return ok(out)
}

func createGroup(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	index, key := f.small("group_type_index"), f.filled("group_key")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !index.Set:
		return reply{}, required("group_type_index")
	case !key.Set:
		return reply{}, required("group_key")
	}
	g, err := c.api.m.Groups.Create(c.r.Context(), c.who, c.project(), index.Value, key.Value, f.document("group_properties"))
	return groupReply(http.StatusCreated, g, err)
}

func findGroup(c *call) (reply, error) {
	index, key, err := c.groupRef()
	if err != nil {
		return reply{}, err
	}
	g, err := c.api.m.Groups.Find(c.r.Context(), c.project(), index, key)
	return groupReply(http.StatusOK, g, err)
}

func setGroupProperty(c *call) (reply, error) {
	index, key, err := c.groupRef()
	if err != nil {
		return reply{}, err
	}
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	property := f.filled("key")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !property.Set:
		return reply{}, required("key")
	case !f.has("value"):
		return reply{}, required("value")
	}
	g, err := c.api.m.Groups.SetProperty(c.r.Context(), c.who, c.project(), index, key, property.Value, f.document("value"))
	return groupReply(http.StatusOK, g, err)
}

func unsetGroupProperty(c *call) (reply, error) {
	index, key, err := c.groupRef()
	if err != nil {
		return reply{}, err
	}
	property, err := c.unset()
	if err != nil {
		return reply{}, err
	}
	g, err := c.api.m.Groups.DeleteProperty(c.r.Context(), c.who, c.project(), index, key, property)
	return groupReply(http.StatusOK, g, err)
}

func groupValues(c *call) (reply, error) {
	index, err := c.groupIndex()
	if err != nil {
		return reply{}, err
	}
	key := c.query.Get("key")
	if key == "" {
		return reply{}, invalid("key", "required", "This query parameter is required.")
	}
	values, err := c.api.m.Groups.Values(c.r.Context(), c.project(), index, key, c.query.Get("value"))
	if err != nil {
		return reply{}, err
	}
	return ok(each(values, func(v manage.ValueCount) valueJSON { return valueJSON{Name: v.Value} }))
}
