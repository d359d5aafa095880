package feature

// Operator names how a property filter compares. The texts are those of the
// stored documents.
type Operator string

// The operators.
const (
	Exact             Operator = "exact"
	IsNot             Operator = "is_not"
	IsSet             Operator = "is_set"
	IsNotSet          Operator = "is_not_set"
	IContains         Operator = "icontains"
	NotIContains      Operator = "not_icontains"
	IContainsMulti    Operator = "icontains_multi"
	NotIContainsMulti Operator = "not_icontains_multi"
	StartsWith        Operator = "starts_with"
	NotStartsWith     Operator = "not_starts_with"
	EndsWith          Operator = "ends_with"
	NotEndsWith       Operator = "not_ends_with"
	Regex             Operator = "regex"
	NotRegex          Operator = "not_regex"
	GT                Operator = "gt"
	GTE               Operator = "gte"
	LT                Operator = "lt"
	LTE               Operator = "lte"
	Between           Operator = "between"
	NotBetween        Operator = "not_between"
	SemverEQ          Operator = "semver_eq"
	SemverNEQ         Operator = "semver_neq"
	SemverGT          Operator = "semver_gt"
	SemverGTE         Operator = "semver_gte"
	SemverLT          Operator = "semver_lt"
	SemverLTE         Operator = "semver_lte"
	SemverTilde       Operator = "semver_tilde"
	SemverCaret       Operator = "semver_caret"
	SemverWildcard    Operator = "semver_wildcard"
	IsDateExact       Operator = "is_date_exact"
	IsDateBefore      Operator = "is_date_before"
	IsDateAfter       Operator = "is_date_after"
	In                Operator = "in"
	NotIn             Operator = "not_in"
	FlagEvaluatesTo   Operator = "flag_evaluates_to"
)

// Operators lists every operator, in the order of the declarations.
func Operators() []Operator {
	return []Operator{
		Exact, IsNot, IsSet, IsNotSet, IContains, NotIContains, IContainsMulti, NotIContainsMulti,
		StartsWith, NotStartsWith, EndsWith, NotEndsWith, Regex, NotRegex, GT, GTE, LT, LTE, Between, NotBetween,
		SemverEQ, SemverNEQ, SemverGT, SemverGTE, SemverLT, SemverLTE, SemverTilde, SemverCaret, SemverWildcard,
		IsDateExact, IsDateBefore, IsDateAfter, In, NotIn, FlagEvaluatesTo,
	}
}

// PropertyType says what a property filter looks at.
type PropertyType uint8

// The property types.
const (
	PersonProperty   PropertyType = iota
	PersonMetadata                // a column of the person row; only created_at exists
	GroupProperty                 // a property of a group
	CohortMembership              // Value is the cohort's id
	FlagDependency                // Key is the flag's id in decimal
)

// GroupIndex is the index of a group type in its project, 0 to 4.
type GroupIndex int32

// NoGroup stands where no group type is named: a condition about persons, a
// filter that takes the group type of its condition.
const NoGroup GroupIndex = -1

// MaxGroupTypes is the number of group types a project can have.
const MaxGroupTypes = 5

// Property is one filter.
type Property struct {
	Key       string
	Type      PropertyType
	Operator  Operator   // never empty; for cohorts In where none was written
	Value     Value      // absent and null mean the same
	GroupType GroupIndex // of a GroupProperty; NoGroup: that of the condition
	Negation  bool       // counts in cohorts and rules v2 only, never in v1 conditions
}

// MetadataKey is the name under which the person's creation time stands among
// the properties, so that a property called created_at does not collide.
const MetadataKey = "__posthog_person_metadata__created_at"

// LookupKey is the property name that p reads.
func (p Property) LookupKey() string {
	if p.Type == PersonMetadata {
		return "__posthog_person_metadata__" + p.Key
	}
	return p.Key
}
