package rest

import (
	"encoding/json"
	"net/http"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// personRoutes are the routes of persons (12).
func personRoutes() []Route {
	read, write := scopes("person:read"), scopes("person:write")
	const p = "/persons"
	return []Route{
		{Method: "GET", Pattern: p, Scopes: read, handle: listPersons},
		{Method: "POST", Pattern: p, Scopes: write, handle: noPersonCreation},
		{Method: "GET", Pattern: p + "/values", Scopes: read, handle: personValues},
		{Method: "GET", Pattern: p + "/cohorts", Scopes: scopes("person:read", "cohort:read"), handle: personCohorts},
		{Method: "POST", Pattern: p + "/bulk_delete", Scopes: write, handle: bulkDeletePersons},
		{Method: "GET", Pattern: p + "/{person}", Scopes: read, handle: getPerson},
		{Method: "PATCH", Pattern: p + "/{person}", Scopes: write, handle: updatePerson},
		{Method: "PUT", Pattern: p + "/{person}", Scopes: write, handle: updatePerson},
		{Method: "DELETE", Pattern: p + "/{person}", Scopes: write, handle: deletePerson},
		{Method: "POST", Pattern: p + "/{person}/update_property", Scopes: write, handle: setPersonProperty},
		{Method: "POST", Pattern: p + "/{person}/delete_property", Scopes: write, handle: unsetPersonProperty},
		{Method: "POST", Pattern: p + "/{person}/split", Scopes: write, handle: splitPerson},
	}
}

func noPersonCreation(*call) (reply, error) {
	return reply{}, methodNotAllowed("Creating persons via this API is not allowed. Please create persons by sending an $identify event. See https://posthog.com/docs/product-analytics/identify for details.")
}

// personJSON is a person in answers.
type personJSON struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DistinctIDs []string        `json:"distinct_ids"`
	Properties  json.RawMessage `json:"properties"`
	CreatedAt   stamp           `json:"created_at"`
	UUID        string          `json:"uuid"`
	Identified  bool            `json:"is_identified"`
	LastSeenAt  stamp           `json:"last_seen_at"`
}

func newPerson(p store.Person) personJSON {
	return personJSON{
		ID: p.UUID, Name: manage.PersonName(p), DistinctIDs: list(p.DistinctIDs), Properties: rawJSON(p.Properties),
		CreatedAt: stamp(p.CreatedAt), UUID: p.UUID, Identified: p.Identified, LastSeenAt: stamp(p.LastSeenAt),
	}
}

func listPersons(c *call) (reply, error) {
	limit, offset := c.paging()
	q := manage.PersonFilter{
		DistinctID: c.query.Get("distinct_id"), Email: c.query.Get("email"), Search: c.query.Get("search"),
		Limit: limit, Offset: offset,
	}
	if s := c.query.Get("properties"); s != "" && s != "[]" {
		if err := checkJSON([]byte(s)); err != nil {
			return reply{}, invalid("properties", "invalid", "Properties are unparsable!")
		}
		q.Properties = []byte(s)
	}
	page, more, err := c.api.m.Persons.List(c.r.Context(), c.project(), q)
	if err != nil {
		return reply{}, err
	}
	return c.openPage(each(page, newPerson), more, limit, offset)
}

func getPerson(c *call) (reply, error) {
	p, err := c.api.m.Persons.Get(c.r.Context(), c.project(), c.params["person"])
	if err != nil {
		return reply{}, err
	}
	return ok(newPerson(p))
}

func updatePerson(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	properties := f.json("properties")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !properties.Set:
		return reply{}, required("properties")
	}
	if err := c.api.m.Persons.SetProperties(c.r.Context(), c.who, c.project(), c.params["person"], properties.Value); err != nil {
		return reply{}, err
	}
	return empty(http.StatusAccepted)
}

func setPersonProperty(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	for _, name := range []string{"key", "value"} {
		if !f.has(name) {
			// The code and the detail stand in each other's place, as clients know it.
			return reply{}, &problem{status: http.StatusBadRequest, kind: "validation_error", attr: name, code: "This field is required.", detail: "required"}
		}
	}
	key := f.filled("key")
	if f.err != nil {
		return reply{}, f.err
	}
	set, err := json.Marshal(map[string]json.RawMessage{key.Value: f.document("value")})
	if err != nil {
		return reply{}, err
	}
	if err := c.api.m.Persons.SetProperties(c.r.Context(), c.who, c.project(), c.params["person"], set); err != nil {
		return reply{}, err
	}
	return empty(http.StatusAccepted)
}

func unsetPersonProperty(c *call) (reply, error) {
	key, err := c.unset()
	if err != nil {
		return reply{}, err
	}
	if err := c.api.m.Persons.UnsetProperty(c.r.Context(), c.who, c.project(), c.params["person"], key); err != nil {
		return reply{}, err
	}
	return created(success)
}

// unset reads the body {"$unset": "key"}.
func (c *call) unset() (string, error) {
	f, err := c.body()
	if err != nil {
		return "", err
	}
	key := f.filled("$unset")
	switch {
	case f.err != nil:
		return "", f.err
	case !key.Set:
		return "", required("$unset")
	}
	return key.Value, nil
}

func deletePerson(c *call) (reply, error) {
	if err := c.api.m.Persons.Delete(c.r.Context(), c.who, c.project(), c.params["person"]); err != nil {
		return reply{}, err
	}
	return empty(http.StatusAccepted)
}

func bulkDeletePersons(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	ids, distinctIDs := f.texts("ids"), f.texts("distinct_ids")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !ids.Set && !distinctIDs.Set:
		return reply{}, invalid("", "invalid", "You need to specify either distinct_ids or ids")
	}
	if err := c.api.m.Persons.BulkDelete(c.r.Context(), c.who, c.project(), ids.Value, distinctIDs.Value); err != nil {
		return reply{}, err
	}
	return empty(http.StatusAccepted)
}

func splitPerson(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	main := f.nullableText("main_distinct_id")
	if f.err != nil {
		return reply{}, f.err
	}
	if err := c.api.m.Persons.Split(c.r.Context(), c.who, c.project(), c.params["person"], main.Value); err != nil {
		return reply{}, err
	}
	return created(success)
}

// valueJSON is a value of a property for pickers.
type valueJSON struct {
	Name  json.RawMessage `json:"name"`
	Count int             `json:"count,omitempty"`
}

func personValues(c *call) (reply, error) {
	key := c.query.Get("key")
	if key == "" {
		return reply{}, invalid("key", "required", "This query parameter is required.")
	}
	values, err := c.api.m.Persons.Values(c.r.Context(), c.project(), key, c.query.Get("value"))
	if err != nil {
		return reply{}, err
	}
	return ok(each(values, func(v manage.ValueCount) valueJSON { return valueJSON{Name: v.Value, Count: v.Count} }))
}

func personCohorts(c *call) (reply, error) {
	ref := c.query.Get("person_id")
	if ref == "" {
		return reply{}, invalid("person_id", "required", "This query parameter is required.")
	}
	cohorts, err := c.api.m.Persons.Cohorts(c.r.Context(), c.project(), ref)
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"results": each(cohorts, newCohort)})
}
