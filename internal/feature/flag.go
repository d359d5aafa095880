package feature

// Project is all that evaluation knows of a project.
type Project struct {
	ID               int64
	TimeZone         string                // IANA name; empty or unknown: UTC
	ExplicitMatching bool                  // property_matching_version 2: exact compares booleans by their text
	GroupTypes       [MaxGroupTypes]string // by index; empty: no such type

	// GroupTypesUnknown: the mapping could not be loaded. Flags whose answer
	// depends on it fail (spec 9.4).
	GroupTypesUnknown bool

	Flags   []Flag // those that are not deleted; order is kept in results
	Cohorts []Cohort

	// RealtimeCohorts: memberships of realtime and behavioural cohorts come
	// with the subject, as those of static cohorts do.
	RealtimeCohorts bool
}

// Flag is a feature flag. Exactly one of Targeting, Rules and Fault is set.
//
// A v1 document that cannot be decoded has no Flag at all: the flag is missing
// from its project, and flags that depend on it miss a dependency.
type Flag struct {
	ID                int64
	Key               string
	Version           int64 // 0 when unset
	Active            bool
	Continuity        bool // ensure_experience_continuity
	BucketByDevice    bool // bucketing_identifier is device_id
	HasExperiment     bool
	Runtime           Runtime
	EvaluationContext []string // empty: any

	Targeting *Targeting // filters of version 1
	Rules     *Ruleset   // filters of version 2
	Fault     string     // why the configuration cannot be evaluated; the flag fails
}

// Runtime says where a flag may be evaluated.
type Runtime uint8

// The runtimes. RuntimeAny is also what an unset runtime means.
const (
	RuntimeAny Runtime = iota
	RuntimeClient
	RuntimeServer
)

// Targeting is the v1 configuration of a flag.
type Targeting struct {
	Conditions []Condition // tried in this order
	Variants   []Variant   // in stored order; empty: a boolean flag
	Payloads   []Payload
	GroupType  GroupIndex // flag-level aggregation
	Enrollment bool       // early access: $feature_enrollment/<key> decides first
	Holdout    *Holdout   // nil: none
	EarlyExit  bool
}

// Condition is one release condition (a "condition set").
type Condition struct {
	Properties []Property // all must hold
	Rollout    float64    // percent; 100 when not written; not clamped
	Variant    string     // pinned variant; empty: none
	GroupType  GroupIndex // the condition's aggregation, the flag's applied
}

// Variant is one value of a multivariate flag.
type Variant struct {
	Key    string
	Weight float64 // percent
}

// Payload is what a flag hands out with a result.
type Payload struct {
	Key  string // "true" or a variant key
	JSON string // any JSON, as stored; usually a JSON string that holds JSON
}

// Holdout excludes the same people from every flag that names it.
type Holdout struct {
	ID        int64
	Exclusion float64 // percent; clamped to 0…100 on evaluation
}

// Payload returns the payload stored under key, empty if there is none.
func (t *Targeting) Payload(key string) string {
	for i := range t.Payloads {
		if t.Payloads[i].Key == key {
			return t.Payloads[i].JSON
		}
	}
	return ""
}
