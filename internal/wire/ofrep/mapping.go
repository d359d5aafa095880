package ofrep

import (
	"strconv"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Reason is why a flag has its value, in OpenFeature's vocabulary.
type Reason string

// The reasons that answers give. Disabled has a meaning of its own: the provider
// for Go then takes the code's default, whatever the value (10.2).
const (
	TargetingMatch Reason = "TARGETING_MATCH"
	Split          Reason = "SPLIT"
	Default        Reason = "DEFAULT"
	Disabled       Reason = "DISABLED"
)

// reasons is the one table from the evaluator's reasons to OpenFeature's (10.3).
// A match is a Split if nothing but a percentage decided; a flag without a value
// is Disabled whatever the table says. Failures are errors instead.
var reasons = [...]Reason{
	eval.ConditionMatch:                TargetingMatch,
	eval.NoConditionMatch:              Default,
	eval.NoConditionMatchGroupsSkipped: Default,
	eval.NoConditionMatchCohort:        Default,
	eval.OutOfRollout:                  Default,
	eval.NoGroupType:                   Default,
	eval.SuperCondition:                TargetingMatch, // Default for those who opted out
	eval.HoldoutCondition:              Split,
	eval.MissingDependency:             Default,
	eval.Failed:                        "",
	eval.RuleMatch:                     TargetingMatch,
	eval.RuleRolloutMiss:               Default,
	eval.RulePaused:                    Default,
	eval.RuleHoldout:                   Split,
	eval.NoRuleMatch:                   Default,
}

// reasonOf returns the reason of a result that has a value.
func reasonOf(f *feature.Flag, r *eval.Result) Reason {
	switch {
	case r.Reason == eval.SuperCondition && !r.Enabled:
		return Default
	case (r.Reason == eval.ConditionMatch || r.Reason == eval.RuleMatch) && drawn(f, r):
		return Split
	}
	return reasons[r.Reason]
}

// drawn reports whether a match asked for nothing but a percentage: the rollout
// of a condition or rule without filters, or the draw among its variants.
func drawn(f *feature.Flag, r *eval.Result) bool {
	if f.Rules != nil {
		rule := &f.Rules.Rules[r.Condition]
		return len(rule.Properties) == 0 && rule.Type != feature.TargetedRelease
	}
	c := &f.Targeting.Conditions[r.Condition]
	pinned := r.Variant == "" || r.Variant == c.Variant
	return len(c.Properties) == 0 && (c.Rollout < 100 || !pinned)
}

// appendValue appends the value of a result and reports whether it has one: a
// boolean, the key of a variant, or for rules v2 a value of the flag's type. A
// flag that is off and not boolean has none, since its values are all of another
// type.
func appendValue(b []byte, f *feature.Flag, r *eval.Result) ([]byte, bool) {
	kind := kindOf(f)
	switch {
	case r.Variant != "":
		return feature.AppendQuoted(b, r.Variant), true
	case !r.Enabled:
		return append(b, "false"...), kind == feature.ReturnBoolean
	case f.Rules != nil && kind == feature.ReturnString:
		return append(b, `""`...), true
	case f.Rules != nil && kind != feature.ReturnBoolean:
		// The evaluator gives it as a payload, a JSON string that holds JSON.
		value, err := jsonval.AppendUnquote(b, []byte(r.Payload))
		return value, err == nil
	}
	return append(b, "true"...), true
}

// kindOf is the type of a flag's values.
func kindOf(f *feature.Flag) feature.ReturnType {
	switch {
	case f.Rules != nil:
		return f.Rules.Return
	case f.Targeting != nil && len(f.Targeting.Variants) > 0:
		return feature.ReturnString
	}
	return feature.ReturnBoolean
}

// variantOf names the variant of a result: its key, "true" or "false".
func variantOf(r *eval.Result) string {
	if r.Variant != "" {
		return r.Variant
	}
	return strconv.FormatBool(r.Enabled)
}

// appendPayload appends the payload of a result as a text: metadata may hold
// nothing else. Stored as a JSON string it is that; else it is the text of what
// is stored.
func appendPayload(b []byte, payload string) []byte {
	if payload[0] == '"' {
		return append(b, payload...)
	}
	return feature.AppendQuoted(b, payload)
}

// codeInactive is the reasonCode of a flag that is not active, for which the
// evaluator has none.
const codeInactive = "inactive"

// appendResult appends {"key", "value"?, "reason", "variant", "metadata"}.
func appendResult(b []byte, f *feature.Flag, r *eval.Result) []byte {
	b = append(b, `{"key":`...)
	b = feature.AppendQuoted(b, f.Key)
	reason := Disabled
	if withValue, ok := appendValue(append(b, `,"value":`...), f, r); ok {
		b, reason = withValue, reasonOf(f, r)
	}
	b = appendReason(b, reason, variantOf(r))
	b = appendMetadata(b, f, r.Code())
	if r.Payload != "" && f.Rules == nil {
		b = append(b, `,"payload":`...)
		b = appendPayload(b, r.Payload)
	}
	return append(b, `}}`...)
}

// appendInactive appends what a flag is that is not active.
func appendInactive(b []byte, f *feature.Flag) []byte {
	b = append(b, `{"key":`...)
	b = feature.AppendQuoted(b, f.Key)
	b = appendReason(b, Disabled, "false")
	b = appendMetadata(b, f, codeInactive)
	return append(b, `}}`...)
}

func appendReason(b []byte, reason Reason, variant string) []byte {
	b = append(b, `,"reason":"`...)
	b = append(b, reason...)
	b = append(b, `","variant":`...)
	return feature.AppendQuoted(b, variant)
}

// appendMetadata appends the metadata that all results have, without its end.
func appendMetadata(b []byte, f *feature.Flag, code string) []byte {
	b = append(b, `,"metadata":{"flagId":`...)
	b = strconv.AppendInt(b, f.ID, 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, f.Version, 10)
	b = append(b, `,"reasonCode":`...)
	return feature.AppendQuoted(b, code)
}
