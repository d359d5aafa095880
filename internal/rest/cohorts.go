package rest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// cohortRoutes are the routes of cohorts (7).
func cohortRoutes() []Route {
	read, write := scopes("cohort:read"), scopes("cohort:write")
	const p = "/cohorts"
	return []Route{
		{Method: "GET", Pattern: p, Scopes: read, handle: listCohorts},
		{Method: "POST", Pattern: p, Scopes: write, handle: createCohort},
		{Method: "GET", Pattern: p + "/{cohort}", Scopes: read, handle: getCohort},
		{Method: "PATCH", Pattern: p + "/{cohort}", Scopes: write, handle: updateCohort},
		{Method: "PUT", Pattern: p + "/{cohort}", Scopes: write, handle: updateCohort},
		{Method: "DELETE", Pattern: p + "/{cohort}", Scopes: write, handle: noHardDelete},
		{Method: "GET", Pattern: p + "/{cohort}/persons", Scopes: scopes("cohort:read", "person:read"), handle: cohortPersons},
		{Method: "PATCH", Pattern: p + "/{cohort}/add_persons_to_static_cohort", Scopes: write, handle: addPersons},
		{Method: "PATCH", Pattern: p + "/{cohort}/remove_person_from_static_cohort", Scopes: write, handle: removePerson},
		{Method: "GET", Pattern: p + "/{cohort}/duplicate_as_static_cohort", Scopes: write, handle: duplicateCohort},
	}
}

// cohortJSON is a cohort in answers.
type cohortJSON struct {
	ID                int64           `json:"id"`
	Name              string          `json:"name"`
	Description       string          `json:"description"`
	Groups            json.RawMessage `json:"groups"`
	Deleted           bool            `json:"deleted"`
	Filters           json.RawMessage `json:"filters"`
	Query             json.RawMessage `json:"query"`
	Calculating       bool            `json:"is_calculating"`
	CreatedBy         *userJSON       `json:"created_by"`
	CreatedAt         stamp           `json:"created_at"`
	LastCalculation   stamp           `json:"last_calculation"`
	ErrorsCalculating int             `json:"errors_calculating"`
	Count             *int64          `json:"count"`
	Static            bool            `json:"is_static"`
	Type              orNull          `json:"cohort_type"`
	ExperimentSet     []int64         `json:"experiment_set"`
}

func newCohort(v manage.CohortView) cohortJSON {
	groups := v.Groups
	if len(groups) == 0 {
		groups = []byte("[]")
	}
	return cohortJSON{
		ID: v.ID, Name: v.Name, Description: v.Description, Groups: groups, Deleted: v.Deleted,
		Filters: cohortFilters(v.Cohort), Query: json.RawMessage("null"), Calculating: v.Calculating,
		CreatedBy: newUser(v.Creator), CreatedAt: stamp(v.CreatedAt), LastCalculation: stamp(v.LastComputed),
		ErrorsCalculating: v.ErrorsCount, Count: v.Count, Static: v.Static, Type: orNull(v.Kind), ExperimentSet: []int64{},
	}
}

// cohortFilters are a cohort's filters, made of the older form where there is
// nothing else.
func cohortFilters(c store.Cohort) json.RawMessage {
	if len(c.Filters) > 0 && string(c.Filters) != "null" {
		return c.Filters
	}
	var groups []struct {
		Properties json.RawMessage `json:"properties"`
	}
	type values struct {
		Type   string `json:"type"`
		Values []any  `json:"values"`
	}
	tree := values{Type: "OR", Values: []any{}}
	if json.Unmarshal(c.Groups, &groups) == nil {
		for _, g := range groups {
			var leaves []any
			if json.Unmarshal(g.Properties, &leaves) == nil && len(leaves) > 0 {
				tree.Values = append(tree.Values, values{Type: "AND", Values: leaves})
			}
		}
	}
	if len(tree.Values) == 0 {
		return json.RawMessage("null")
	}
	raw, err := json.Marshal(map[string]any{"properties": tree})
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

func listCohorts(c *call) (reply, error) {
	limit, offset := c.paging()
	createdBy, _ := strconv.ParseInt(c.query.Get("created_by_id"), 10, 64) // unreadable: no filter
	page, total, err := c.api.m.Cohorts.List(c.r.Context(), c.project(), manage.CohortFilter{
		Type: c.query.Get("type"), CreatedBy: createdBy, Search: c.query.Get("search"),
		HideBehavioral: c.query.Get("hide_behavioral_cohorts") == "true", Limit: limit, Offset: offset,
	})
	if err != nil {
		return reply{}, err
	}
	return c.page(each(page, newCohort), total, limit, offset)
}

func getCohort(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Cohorts.Get(c.r.Context(), c.project(), id)
	return cohortReply(http.StatusOK, v, err)
}

func cohortReply(status int, v manage.CohortView, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return reply{status: status, body: newCohort(v)}, nil
}

// cohortChange reads what the body says about a cohort.
func (c *call) cohortChange() (manage.CohortChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.CohortChange{}, err
	}
	ch := manage.CohortChange{
		Name:        f.filled("name"),
		Description: f.nullableText("description"),
		Static:      f.boolean("is_static"),
		Deleted:     f.boolean("deleted"),
		Query:       f.has("query") && !f.null("query"),
		CSV:         f.csv,
	}
	if f.has("filters") && !f.null("filters") {
		ch.Filters = f.json("filters")
	}
	if f.has("groups") && !f.null("groups") {
		ch.Groups = f.json("groups")
	}
	if f.has("_create_static_person_ids") && !f.null("_create_static_person_ids") {
		ch.PersonUUIDs = f.texts("_create_static_person_ids").Value
	}
	return ch, f.err
}

func createCohort(c *call) (reply, error) {
	ch, err := c.cohortChange()
	if err != nil {
		return reply{}, err
	}
	if !ch.Name.Set {
		return reply{}, required("name")
	}
	v, err := c.api.m.Cohorts.Create(c.r.Context(), c.who, c.project(), ch)
	return cohortReply(http.StatusCreated, v, err)
}

func updateCohort(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	ch, err := c.cohortChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Cohorts.Update(c.r.Context(), c.who, c.project(), id, ch)
	return cohortReply(http.StatusOK, v, err)
}

func cohortPersons(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	limit, offset := c.paging()
	page, more, err := c.api.m.Cohorts.Members(c.r.Context(), c.project(), id, limit, offset)
	if err != nil {
		return reply{}, err
	}
	return c.openPage(each(page, newPerson), more, limit, offset)
}

func addPersons(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	ids := f.texts("person_ids")
	if !ids.Set {
		return reply{}, invalid("person_ids", "invalid", "person_ids must be a list")
	}
	if err := c.api.m.Cohorts.AddPersons(c.r.Context(), c.who, c.project(), id, ids.Value); err != nil {
		return reply{}, err
	}
	return ok(success)
}

var success = map[string]bool{"success": true}

func removePerson(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	person := f.filled("person_id")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !person.Set:
		return reply{}, required("person_id")
	}
	if err := c.api.m.Cohorts.RemovePerson(c.r.Context(), c.who, c.project(), id, person.Value); err != nil {
		return reply{}, err
	}
	return ok(success)
}

func duplicateCohort(c *call) (reply, error) {
	id, err := c.number("cohort")
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Cohorts.DuplicateAsStatic(c.r.Context(), c.who, c.project(), id)
	return cohortReply(http.StatusOK, v, err)
}
