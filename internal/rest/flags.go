package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// flagReads are the routes that read flags (5).
func flagReads() []Route {
	read := scopes("feature_flag:read")
	const p = "/feature_flags"
	return []Route{
		{Method: "GET", Pattern: p, Scopes: read, handle: listFlags},
		{Method: "GET", Pattern: p + "/{flag}", Scopes: read, handle: getFlag},
		{Method: "GET", Pattern: p + "/{flag}/status", Scopes: read, handle: flagStatus},
		{Method: "GET", Pattern: p + "/{flag}/dependent_flags", Scopes: read, handle: dependentFlags},
		{Method: "POST", Pattern: p + "/{flag}/has_active_dependents", Scopes: read, handle: hasActiveDependents},
		{Method: "GET", Pattern: p + "/{flag}/versions/{version}", Scopes: read, handle: flagVersion},
		{Method: "GET", Pattern: p + "/matching_ids", Scopes: read, handle: matchingFlags},
		{Method: "POST", Pattern: p + "/bulk_keys", Scopes: read, handle: bulkKeys},
		{Method: "GET", Pattern: p + "/evaluation_reasons", Scopes: read, handle: evaluationReasons},
		{Method: "GET", Pattern: p + "/my_flags", Scopes: read, handle: myFlags},
		{Method: "POST", Pattern: p + "/{flag}/test_evaluation", Scopes: read, handle: testEvaluation},
		{Method: "POST", Pattern: p + "/user_blast_radius", Scopes: read, handle: blastRadius},
	}
}

// flagWrites are the routes that change flags.
func flagWrites() []Route {
	write := scopes("feature_flag:write")
	const p = "/feature_flags"
	return []Route{
		{Method: "POST", Pattern: p, Scopes: write, handle: createFlag},
		{Method: "PATCH", Pattern: p + "/{flag}", Scopes: write, handle: updateFlag},
		{Method: "PUT", Pattern: p + "/{flag}", Scopes: write, handle: updateFlag},
		{Method: "DELETE", Pattern: p + "/{flag}", Scopes: write, handle: noHardDelete},
		{Method: "POST", Pattern: p + "/{flag}/enable", Scopes: write, handle: lifecycle((*manage.Flags).SetActive, true)},
		{Method: "POST", Pattern: p + "/{flag}/disable", Scopes: write, handle: lifecycle((*manage.Flags).SetActive, false)},
		{Method: "POST", Pattern: p + "/{flag}/archive", Scopes: write, handle: lifecycle((*manage.Flags).SetArchived, true)},
		{Method: "POST", Pattern: p + "/{flag}/unarchive", Scopes: write, handle: lifecycle((*manage.Flags).SetArchived, false)},
		{Method: "POST", Pattern: p + "/{flag}/create_static_cohort_for_flag", Scopes: scopes("cohort:write"), handle: cohortOfFlag},
		{Method: "POST", Pattern: p + "/bulk_delete", Scopes: write, handle: bulkDelete},
		{Method: "POST", Pattern: p + "/bulk_update_tags", Scopes: write, handle: bulkTags},
	}
}

// noHardDelete refuses to delete what is only ever marked as deleted (1.1).
func noHardDelete(*call) (reply, error) {
	return reply{}, methodNotAllowed(`Hard delete of this model is not allowed. Use a patch API call to set "deleted" to true`)
}

// flagFilter reads the filters of a list of flags from the query (5.1).
func (c *call) flagFilter() manage.FlagFilter {
	q := c.query
	return manage.FlagFilter{
		Active:        q.Get("active"),
		Archived:      c.flagOf("archived"),
		CreatedBy:     readIDs(q.Get("created_by_id")),
		Search:        q.Get("search"),
		Key:           q.Get("key"),
		Type:          q.Get("type"),
		Runtime:       q.Get("evaluation_runtime"),
		Tags:          c.listOf("tags"),
		ExcludedTags:  c.listOf("excluded_tags"),
		ExcludedKeys:  c.listOf("excluded_properties"),
		HasContexts:   c.flagOf("has_evaluation_contexts"),
		ForExperiment: q.Get("eligible_for_experiment") == "true",
		Order:         q.Get("order"),
	}
}

// readIDs reads "1", "1,2" or "[1,2]"; unreadable texts are no filter.
func readIDs(s string) []int64 {
	var out []int64
	for part := range strings.SplitSeq(strings.Trim(s, "[]"), ",") {
		id, err := strconv.ParseInt(strings.Trim(part, ` "`), 10, 64)
		if err != nil {
			return nil
		}
		out = append(out, id)
	}
	return out
}

func listFlags(c *call) (reply, error) {
	q := c.flagFilter()
	q.Limit, q.Offset = c.paging()
	flags, total, err := c.api.m.Flags.List(c.r.Context(), c.project(), q)
	if err != nil {
		return reply{}, err
	}
	return c.page(each(flags, c.flag), total, q.Limit, q.Offset)
}

func matchingFlags(c *call) (reply, error) {
	ids, err := c.api.m.Flags.IDs(c.r.Context(), c.project(), c.flagFilter())
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"ids": ids, "total": len(ids)})
}

func getFlag(c *call) (reply, error) {
	v, err := c.api.m.Flags.Get(c.r.Context(), c.project(), c.params["flag"])
	return c.flagReply(http.StatusOK, v, err)
}

// flagReply answers with a flag, whose version is its ETag.
func (c *call) flagReply(status int, v manage.FlagView, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return reply{status: status, body: c.flag(v), etag: fmt.Sprintf(`"%d"`, v.Version)}, nil
}

func createFlag(c *call) (reply, error) {
	ch, err := c.flagChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Flags.Create(c.r.Context(), c.who, c.project(), ch)
	return c.flagReply(http.StatusCreated, v, err)
}

func updateFlag(c *call) (reply, error) {
	ch, err := c.flagChange()
	if err != nil {
		return reply{}, err
	}
	if c.r.Method == http.MethodPut && !ch.Key.Set {
		return reply{}, required("key")
	}
	ch.IfMatch = ifMatch(c.r.Header.Get("If-Match"))
	v, err := c.api.m.Flags.Update(c.r.Context(), c.who, c.project(), c.params["flag"], ch)
	return c.flagReply(http.StatusOK, v, err)
}

// ifMatch reads the version that the header names; nil: any. What is no
// version never matches.
func ifMatch(header string) *int64 {
	if header == "" || header == "*" {
		return nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(header, "W/"), `"`), 10, 64)
	if err != nil {
		n = -1
	}
	return &n
}

// flagChange reads what the body says about a flag. Types are checked here, in
// the order of the fields; values by manage.
func (c *call) flagChange() (manage.FlagChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.FlagChange{}, err
	}
	ch := manage.FlagChange{
		Key:                 f.filled("key"),
		Name:                f.text("name"),
		Filters:             f.json("filters"),
		Active:              f.boolean("active"),
		Archived:            f.boolean("archived"),
		Deleted:             f.boolean("deleted"),
		Continuity:          f.nullableBoolean("ensure_experience_continuity"),
		EnrichedAnalytics:   f.nullableBoolean("has_enriched_analytics"),
		RemoteConfiguration: f.nullableBoolean("is_remote_configuration"),
		EncryptedPayloads:   f.nullableBoolean("has_encrypted_payloads"),
		Runtime:             f.choice("evaluation_runtime", "server", "client", "all"),
		BucketingIdentifier: f.choice("bucketing_identifier", "distinct_id", "device_id"),
		Tags:                f.texts("tags"),
		Contexts:            f.contexts(),
		CreationContext: f.choice("creation_context", "feature_flags", "experiments", "surveys", "early_access_features",
			"web_experiments", "product_tours").Value,
		Given: make(map[string]store.JSON, len(f.values)),
	}
	if f.has("version") && !f.null("version") {
		if v := f.integer("version"); v.Set {
			ch.Version = &v.Value
		}
	}
	if f.has("original_flag") && !f.null("original_flag") {
		ch.Original = f.document("original_flag")
	}
	for name, value := range f.values {
		ch.Given[name] = store.JSON(value)
	}
	return ch, f.err
}

// contexts reads evaluation_contexts, for which null is the empty list.
func (f *fields) contexts() (o manage.Optional[[]string]) {
	const name = "evaluation_contexts"
	if f.null(name) {
		return manage.Given([]string{})
	}
	if !f.has(name) {
		return o
	}
	var items []json.RawMessage
	if json.Unmarshal(f.document(name), &items) != nil {
		f.fail(invalid(name, "invalid", "evaluation_contexts must be a list of at most 50 items."))
		return o
	}
	o = manage.Given(make([]string, len(items)))
	for i, raw := range items {
		if raw[0] != '"' || json.Unmarshal(raw, &o.Value[i]) != nil {
			f.fail(invalid(name, "invalid", "Invalid evaluation context name."))
		}
	}
	return o
}

// lifecycleAction switches something of a flag on or off.
type lifecycleAction func(s *manage.Flags, ctx context.Context, who manage.Caller, project int64, ref string, on bool) (manage.FlagView, error)

// lifecycle makes the handler of an action without a body (5.5).
func lifecycle(do lifecycleAction, on bool) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		v, err := do(c.api.m.Flags, c.r.Context(), c.who, c.project(), c.params["flag"], on)
		if refusal := asRefusal(err); refusal != nil && refusal.Code == manage.CodeDeleted {
			return reply{}, older(http.StatusBadRequest, map[string]any{"success": false, "error": refusal.Detail})
		}
		return c.flagReply(http.StatusOK, v, err)
	}
}

// cohortOfFlag makes a static cohort of the persons for whom a flag is on.
func cohortOfFlag(c *call) (reply, error) {
	v, err := c.api.m.Flags.MakeCohort(c.r.Context(), c.who, c.project(), c.params["flag"])
	if err != nil {
		return reply{}, err
	}
	return created(map[string]any{"cohort": newCohort(v)})
}

func flagStatus(c *call) (reply, error) {
	s, err := c.api.m.Flags.Status(c.r.Context(), c.project(), c.params["flag"])
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{
		"status": s.Status, "reason": s.Reason, "reason_states_rollout": s.ReasonIsRollout,
		"rollout": map[string]any{
			"effectively_full_rollout": s.Rollout.Full,
			"has_targeting_conditions": s.Rollout.Targeted,
			"max_rollout_percentage":   s.Rollout.Max,
			"is_multivariate":          s.Rollout.Multivariate,
		},
	})
}

// flagName is a flag in a list of names.
type flagName struct {
	ID   int64  `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

func newFlagName(f store.Flag) flagName {
	n := flagName{ID: f.ID, Key: f.Key, Name: f.Name}
	if n.Name == "" {
		n.Name = f.Key
	}
	return n
}

func dependentFlags(c *call) (reply, error) {
	flags, err := c.api.m.Flags.Dependents(c.r.Context(), c.project(), c.params["flag"])
	if err != nil {
		return reply{}, err
	}
	return ok(each(flags, newFlagName))
}

// hasActiveDependents is the older form of dependentFlags.
func hasActiveDependents(c *call) (reply, error) {
	flags, err := c.api.m.Flags.Dependents(c.r.Context(), c.project(), c.params["flag"])
	if err != nil {
		return reply{}, err
	}
	body := map[string]any{"has_active_dependents": len(flags) > 0, "dependent_flags": each(flags, newFlagName)}
	if len(flags) > 0 {
		body["warning"] = fmt.Sprintf("This feature flag is used by %d other active flag(s).", len(flags))
	}
	return ok(body)
}

func flagVersion(c *call) (reply, error) {
	n, err := c.number("version")
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.Flags.Version(c.r.Context(), c.project(), c.params["flag"], n)
	if refusal := asRefusal(err); refusal != nil {
		p, _ := asProblem(refusal)
		return reply{}, older(p.status, map[string]string{"detail": refusal.Detail})
	}
	if err != nil {
		return reply{}, err
	}
	return ok(newFlagVersion(v))
}
