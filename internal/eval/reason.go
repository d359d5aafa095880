package eval

import "strconv"

// Reason says why a flag has its result (3.9, 10.8).
type Reason uint8

// The reasons. The two refinements of NoConditionMatch share its code and
// differ in the description. Those from RuleMatch on are of rules v2.
const (
	ConditionMatch Reason = iota
	NoConditionMatch
	NoConditionMatchGroupsSkipped // some group condition was not evaluated
	NoConditionMatchCohort        // a cohort is not fully evaluable
	OutOfRollout
	NoGroupType
	SuperCondition // early access enrolment decided
	HoldoutCondition
	MissingDependency
	Failed // Result.Failure says why

	RuleMatch
	RuleRolloutMiss
	RulePaused
	RuleHoldout
	NoRuleMatch

	reasons = iota
)

// reasonTexts holds what the reasons are called. The descriptions of those
// that name a condition or rule have its number between before and after.
var reasonTexts = [reasons]struct {
	code, ruleCode string
	before, after  string
	rank           int8 // among the outcomes of conditions (3.4)
}{
	ConditionMatch:   {code: "condition_match", before: "Matched condition set ", rank: 4},
	NoConditionMatch: {code: "no_condition_match", after: "No matching condition set", rank: 2},
	NoConditionMatchGroupsSkipped: {
		code: "no_condition_match", rank: 2,
		after: "No matching condition set (group conditions were not evaluated because no group type was provided)",
	},
	NoConditionMatchCohort: {
		code: "no_condition_match", rank: 2,
		after: "This condition targets a behavioral or realtime cohort. Its membership is not fully evaluated here, " +
			"so this result can differ from the cohort's member list.",
	},
	OutOfRollout:      {code: "out_of_rollout_bound", after: "Out of rollout bound", rank: 3},
	NoGroupType:       {code: "no_group_type", after: "No group type", rank: 1},
	SuperCondition:    {code: "super_condition_value", after: "Super condition value", rank: 6},
	HoldoutCondition:  {code: "holdout_condition_value", after: "Holdout condition value", rank: 5},
	MissingDependency: {code: "missing_dependency", after: "Flag cannot be evaluated due to missing dependency", rank: -1},
	Failed:            {code: "error", ruleCode: "error"},

	RuleMatch:       {code: "condition_match", ruleCode: "targeting_match", before: "Matched rule "},
	RuleRolloutMiss: {code: "out_of_rollout_bound", ruleCode: "rollout_miss", before: "Rule ", after: " rollout miss"},
	RulePaused:      {code: "no_condition_match", ruleCode: "experiment_paused", before: "Rule ", after: " is paused"},
	RuleHoldout:     {code: "holdout_condition_value", ruleCode: "holdout", before: "Rule ", after: " holdout"},
	NoRuleMatch:     {code: "no_condition_match", ruleCode: "no_rule_match", after: "No rule matched"},
}

// Code is the reason's code in answers of versions 1 and 2, in which rules v2
// are projected onto the codes of v1 (10.8). The code of a failed flag is that
// of its Failure; see Result.Code.
func (r Reason) Code() string { return reasonTexts[r].code }

// RuleCode is the reason's code in the vocabulary of rules v2, empty for the
// reasons of v1 flags.
func (r Reason) RuleCode() string { return reasonTexts[r].ruleCode }

// rank orders what the conditions of a flag came to; the highest is reported
// (3.4).
func (r Reason) rank() int8 { return reasonTexts[r].rank }

// Code is the reason code of r in answers of versions 1 and 2.
func (r *Result) Code() string {
	if r.Failure != nil {
		return r.Failure.Code
	}
	return r.Reason.Code()
}

// Description says in a sentence why the flag has this result (3.9, 10.8).
func (r *Result) Description() string {
	if r.Failure != nil {
		return r.Failure.Description
	}
	t := &reasonTexts[r.Reason]
	if t.before == "" {
		return t.after
	}
	return t.before + strconv.Itoa(r.Condition+1) + t.after
}
