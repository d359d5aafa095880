package rest

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/manage"
)

// reasonJSON says why a flag has its value.
type reasonJSON struct {
	Reason      string `json:"reason"`
	Condition   *int   `json:"condition_index"`
	Description string `json:"description,omitempty"`
}

// valueOf is a flag's value as clients know it: the variant, or whether it is on.
func valueOf(e manage.Evaluation) any {
	switch {
	case e.Disabled || e.Missing || e.Result.Failure != nil:
		return false
	case e.Result.Variant != "":
		return e.Result.Variant
	}
	return e.Result.Enabled
}

func reasonOf(e manage.Evaluation) reasonJSON {
	switch {
	case e.Disabled:
		return reasonJSON{Reason: "disabled"}
	case e.Missing:
		return reasonJSON{Reason: "error", Description: "The configuration of the flag cannot be evaluated"}
	}
	r := reasonJSON{Reason: e.Result.Code(), Description: e.Result.Description()}
	if e.Result.Condition >= 0 {
		r.Condition = &e.Result.Condition
	}
	return r
}

// flagKeys reads flag_keys, repeated or one JSON list.
func (c *call) flagKeys() []string {
	values := c.query["flag_keys"]
	if len(values) == 1 {
		if keys := c.listOf("flag_keys"); keys != nil {
			return keys
		}
	}
	return values
}

// groups reads the parameter groups, a JSON object.
func (c *call) groups() (map[string]string, error) {
	s := c.query.Get("groups")
	if s == "" {
		return nil, nil
	}
	groups, err := manage.GroupKeys([]byte(s))
	if err != nil {
		return nil, invalid("groups", "invalid", "groups must be a JSON object.")
	}
	return groups, nil
}

// evaluationReasons evaluates all flags for a distinct id and says why each has
// its value (5.10).
func evaluationReasons(c *call) (reply, error) {
	distinctID := c.query.Get("distinct_id")
	if distinctID == "" {
		return reply{}, invalid("distinct_id", "required", "User distinct_id is required")
	}
	groups, err := c.groups()
	if err != nil {
		return reply{}, err
	}
	all, err := c.api.m.Flags.Evaluate(c.r.Context(), c.project(), manage.Subject{DistinctID: distinctID, Groups: groups}, c.flagKeys())
	if err != nil {
		return reply{}, err
	}
	body := make(map[string]any, len(all))
	for _, e := range all {
		body[e.Flag.Key] = map[string]any{"value": valueOf(e), "evaluation": reasonOf(e)}
	}
	return ok(body)
}

// myFlags evaluates all flags for the caller (5.10).
func myFlags(c *call) (reply, error) {
	groups, err := c.groups()
	if err != nil {
		return reply{}, err
	}
	subject := manage.Subject{DistinctID: c.principal.User.DistinctID, Groups: groups}
	all, err := c.api.m.Flags.Evaluate(c.r.Context(), c.project(), subject, c.flagKeys())
	if err != nil {
		return reply{}, err
	}
	return ok(each(all, func(e manage.Evaluation) map[string]any {
		return map[string]any{"feature_flag": newFlagBrief(e.Flag), "value": valueOf(e)}
	}))
}

// testEvaluation evaluates one flag and tells how it came to its result (5.10).
func testEvaluation(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	distinctID, person := f.nullableText("distinct_id"), f.nullableText("person_id")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case distinctID.Value != "" && person.Value != "":
		return reply{}, invalid("", "invalid", "Cannot provide both distinct_id and person_id")
	case distinctID.Value == "" && person.Value == "":
		return reply{}, invalid("", "invalid", "Either distinct_id or person_id must be provided")
	case f.has("timestamp") && !f.null("timestamp"):
		return reply{}, invalid("timestamp", "not_supported", "Evaluating a flag as of an earlier time is not available on this server.")
	}
	subject := manage.Subject{DistinctID: distinctID.Value, Person: person.Value}
	if f.has("groups") && !f.null("groups") {
		if subject.Groups, err = manage.GroupKeys(f.document("groups")); err != nil {
			return reply{}, invalid("groups", "invalid", "groups must be an object.")
		}
	}
	e, err := c.api.m.Flags.Explain(c.r.Context(), c.project(), c.params["flag"], subject)
	if err != nil {
		return reply{}, err
	}
	return ok(newTest(e, orNull(distinctID.Value)))
}

func newTest(e manage.Evaluation, distinctID orNull) map[string]any {
	reason := reasonOf(e)
	body := map[string]any{
		"flag_key": e.Flag.Key, "result": valueOf(e), "reason": reason.Reason, "reason_description": reason.Description,
		"condition_index": reason.Condition, "payload": nil, "person_properties": json.RawMessage(manage.PropertiesUsed(e)),
		"evaluation_distinct_id": distinctID, "conditions": []conditionJSON{},
	}
	if e.Disabled || e.Trace == nil {
		return body
	}
	if e.Result.Payload != "" {
		body["payload"] = json.RawMessage(e.Result.Payload)
	}
	body["conditions"] = each(e.Trace.Conditions, func(t eval.ConditionTrace) conditionJSON { return newCondition(t, e.Conditions) })
	return body
}

// conditionJSON tells how a condition did.
type conditionJSON struct {
	Index             int          `json:"index"`
	Matched           bool         `json:"matched"`
	PropertiesMatched bool         `json:"properties_matched"`
	Explanation       string       `json:"explanation"`
	Rollout           *float64     `json:"rollout_percentage"`
	RolloutExcluded   bool         `json:"rollout_excluded"`
	Variant           orNull       `json:"variant"`
	Properties        []filterJSON `json:"properties"`
}

// filterJSON tells how a property filter did.
type filterJSON struct {
	Key         string          `json:"key"`
	Operator    string          `json:"operator"`
	Value       json.RawMessage `json:"value"`
	Type        string          `json:"type"`
	Actual      json.RawMessage `json:"actual_value"`
	Matched     bool            `json:"matched"`
	Explanation string          `json:"explanation"`
}

func newCondition(t eval.ConditionTrace, conditions []feature.Condition) conditionJSON {
	out := conditionJSON{
		Index: t.Index, Matched: t.Matched, PropertiesMatched: t.Reached && t.FiltersHold,
		RolloutExcluded: t.Rollout != nil && !t.Rollout.In,
		Variant:         orNull(t.Variant), Properties: each(t.Filters, newFilter),
	}
	if t.Index < len(conditions) {
		percent := conditions[t.Index].Rollout
		out.Rollout = &percent
	}
	switch {
	case !t.Reached:
		out.Explanation = "Not evaluated: an earlier condition set decided"
	case t.Matched:
		out.Explanation = "Matched"
	case out.RolloutExcluded:
		out.Explanation = fmt.Sprintf("Out of rollout: hashed to %s%%, of which %s%% are in",
			percentText(t.Rollout.Hash), percentText(t.Rollout.Threshold))
	case !t.FiltersHold:
		out.Explanation = "Not all property filters hold"
	default:
		out.Explanation = "Did not match"
	}
	return out
}

func percentText(share float64) string {
	return fmt.Sprint(math.Round(share*1e4) / 1e2)
}

var propertyTypes = map[feature.PropertyType]string{
	feature.PersonProperty: "person", feature.PersonMetadata: "person_metadata", feature.GroupProperty: "group",
	feature.CohortMembership: "cohort", feature.FlagDependency: "flag",
}

func newFilter(t eval.FilterTrace) filterJSON {
	p := t.Property
	out := filterJSON{
		Key: p.Key, Operator: string(p.Operator), Value: p.Value.AppendJSON(nil), Type: propertyTypes[p.Type],
		Actual: t.Actual.AppendJSON(nil), Matched: t.Reached && t.Held,
	}
	switch {
	case !t.Reached:
		out.Explanation = "Not evaluated: an earlier filter failed"
	case t.Error != "":
		out.Explanation = t.Error
	case t.Held:
		out.Explanation = "Holds"
	case t.Actual.Absent():
		out.Explanation = "The property is not set"
	default:
		out.Explanation = "Does not hold"
	}
	return out
}

// blastRadius counts whom a condition is about (5.11).
func blastRadius(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if !f.has("condition") || f.null("condition") {
		return reply{}, invalid("", "invalid", "Missing condition for which to get blast radius")
	}
	var condition map[string]json.RawMessage
	if json.Unmarshal(f.document("condition"), &condition) != nil {
		return reply{}, invalid("condition", "invalid", "condition must be an object.")
	}
	properties := condition["properties"]
	if len(properties) == 0 || string(properties) == "null" {
		properties = json.RawMessage("[]")
	}
	var group *int
	if f.has("group_type_index") && !f.null("group_type_index") {
		if index := f.small("group_type_index"); index.Set {
			group = &index.Value
		}
	}
	if f.err != nil {
		return reply{}, f.err
	}
	b, err := c.api.m.Flags.BlastRadius(c.r.Context(), c.project(), group, properties)
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]int64{"affected": b.Affected, "total": b.Total})
}
