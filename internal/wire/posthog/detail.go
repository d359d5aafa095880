package posthog

import (
	"strconv"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// appendDetail appends "key":{…}, the detail of a flag in the V2 format (8.2);
// with the conditions that trace shows if it is not nil (8.6).
func appendDetail(b []byte, f *feature.Flag, r *eval.Result, trace *eval.Trace) []byte {
	b = feature.AppendQuoted(b, f.Key)
	b = append(b, `:{"key":`...)
	b = feature.AppendQuoted(b, f.Key)
	b = append(b, `,"enabled":`...)
	b = strconv.AppendBool(b, r.Enabled)
	b = append(b, `,"variant":`...)
	b = appendTextOrNull(b, r.Variant)
	if r.Failure != nil {
		b = append(b, `,"failed":true`...)
	}
	b = append(b, `,"reason":{"code":`...)
	b = feature.AppendQuoted(b, r.Code())
	b = append(b, `,"condition_index":`...)
	if r.Condition >= 0 {
		b = strconv.AppendInt(b, int64(r.Condition), 10)
	} else {
		b = append(b, `null`...)
	}
	if d := r.Description(); d != "" {
		b = append(b, `,"description":`...)
		b = feature.AppendQuoted(b, d)
	}
	b = append(b, `},"metadata":{"id":`...)
	b = strconv.AppendInt(b, f.ID, 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, f.Version, 10)
	b = append(b, `,"description":null,"payload":`...)
	if r.Payload != "" {
		b = append(b, r.Payload...)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"has_experiment":`...)
	b = strconv.AppendBool(b, f.HasExperiment)
	b = append(b, '}')
	if trace != nil {
		b = append(b, `,"conditions":`...)
		b = appendConditions(b, f, trace)
	}
	return append(b, '}')
}

func appendTextOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, `null`...)
	}
	return feature.AppendQuoted(b, s)
}

// appendConditions appends how the conditions of a v1 flag did. Flags of rules
// v2 have an empty list (10.9).
func appendConditions(b []byte, f *feature.Flag, trace *eval.Trace) []byte {
	b = append(b, '[')
	if f.Targeting != nil {
		for i := range trace.Conditions {
			if i > 0 {
				b = append(b, ',')
			}
			ct := &trace.Conditions[i]
			b = appendCondition(b, &f.Targeting.Conditions[ct.Index], ct)
		}
	}
	return append(b, ']')
}

func appendCondition(b []byte, c *feature.Condition, ct *eval.ConditionTrace) []byte {
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(ct.Index), 10)
	b = append(b, `,"properties":[`...)
	for i := range ct.Filters {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFilter(b, &ct.Filters[i])
	}
	b = append(b, `],"rollout_percentage":`...)
	b = appendFloat(b, c.Rollout)
	b = append(b, `,"variant":`...)
	b = appendTextOrNull(b, c.Variant)
	b = append(b, `,"matched":`...)
	b = strconv.AppendBool(b, ct.Matched)
	b = append(b, `,"properties_matched":`...)
	b = strconv.AppendBool(b, ct.FiltersHold)
	b = append(b, `,"rollout_excluded":`...)
	b = strconv.AppendBool(b, ct.FiltersHold && ct.Reason == eval.OutOfRollout)
	b = append(b, `,"explanation":`...)
	b = feature.AppendQuoted(b, explainCondition(ct))
	return append(b, '}')
}

// appendFloat appends a number that may be any finite binary64, without a
// point where it is whole.
func appendFloat(b []byte, f float64) []byte {
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func explainCondition(ct *eval.ConditionTrace) string {
	switch {
	case !ct.Reached:
		return "Not evaluated: an earlier condition decided."
	case ct.Matched:
		return "All filters hold and the rollout includes this subject: this condition decided."
	case ct.Reason == eval.NoGroupType:
		return "Not evaluated: the request names no group of this type."
	case !ct.FiltersHold:
		return "A filter does not hold."
	case ct.Reason == eval.OutOfRollout:
		return "All filters hold, but the rollout excludes this subject."
	}
	return "All filters hold."
}

func appendFilter(b []byte, ft *eval.FilterTrace) []byte {
	p := &ft.Property
	b = append(b, `{"key":`...)
	b = feature.AppendQuoted(b, p.Key)
	b = append(b, `,"operator":`...)
	b = feature.AppendQuoted(b, string(p.Operator))
	b = append(b, `,"value":`...)
	b = p.Value.AppendJSON(b)
	b = append(b, `,"type":`...)
	b = feature.AppendQuoted(b, filterType(p.Type))
	b = append(b, `,"actual_value":`...)
	b = ft.Actual.AppendJSON(b)
	b = append(b, `,"matched":`...)
	b = strconv.AppendBool(b, ft.Held)
	b = append(b, `,"explanation":`...)
	b = feature.AppendQuoted(b, explainFilter(ft))
	return append(b, '}')
}

func filterType(t feature.PropertyType) string {
	switch t {
	case feature.GroupProperty:
		return "group"
	case feature.CohortMembership:
		return "cohort"
	case feature.FlagDependency:
		return "flag"
	}
	return "person"
}

func explainFilter(ft *eval.FilterTrace) string {
	switch {
	case !ft.Reached:
		return "Not evaluated: an earlier filter does not hold."
	case ft.Error != "":
		return "Counts as not holding: " + ft.Error + "."
	case ft.Held:
		return "Holds."
	case ft.Actual.Absent() && ft.Property.Type != feature.CohortMembership && ft.Property.Type != feature.FlagDependency:
		return "Does not hold: the property is not set."
	}
	return "Does not hold."
}
