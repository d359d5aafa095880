package eval

// The failures that the evaluator itself finds (9.3).
var (
	failData          = &Failure{"flag_data_parsing_error", "The flag's configuration cannot be read"}
	failCohortMissing = &Failure{"dependency_not_found_cohort", "Cohort dependency not found"}
	failCohortCycle   = &Failure{"dependency_cycle_cohort", "Cohort dependency cycle detected"}
	failCohortFilters = &Failure{"cohort_filters_parsing_error", "The cohort's filters cannot be read"}
	failDependency    = &Failure{"dependency_failed", "The answer depends on a flag that failed"}
	failGroupTypes    = &Failure{"group_type_lookup_failed", "The project's group types could not be loaded"}
	failInternal      = &Failure{"internal_error", "The evaluation of the flag met a defect"}
)

// failRules are the failures of rules v2 (10.7). They share a code: what is
// wrong is for people.
var failRules = map[RuleError]*Failure{
	RuleMissingContext:  {"flag_evaluation_error", "A rule needs a property that is not known"},
	RuleInvalidProperty: {"flag_evaluation_error", "A rule cannot compare the value of a property"},
	RuleInvalidRegex:    {"flag_evaluation_error", "A rule's pattern is invalid or took too many steps"},
}
