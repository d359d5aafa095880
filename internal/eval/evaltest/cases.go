// Package evaltest turns the cases of conformance/vectors/evaluation_*.json,
// and of the v1 corpus of the rules v2 contract, into definitions and inputs for
// the evaluator. It is for tests: those of package eval and those that run the
// same cases through more of the program.
package evaltest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Case is one evaluation. The JSON form is described in conformance/README.md.
type Case struct {
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Note     string   `json:"note"`
	Project  Project  `json:"project"`
	Request  Request  `json:"request"`
	Expected Expected `json:"expected"`
	Faults   struct {
		HashKey bool `json:"hash_key"` // hash-key overrides cannot be read or written
	} `json:"faults"`
}

// Project is everything that is stored.
type Project struct {
	Flags            []Flag            `json:"flags"`
	Cohorts          []Cohort          `json:"cohorts"`
	GroupTypeMapping map[int]string    `json:"group_type_mapping"` // index → name
	Persons          []Person          `json:"persons"`
	Groups           []Group           `json:"groups"`
	Members          map[int64][]int64 `json:"static_cohort_members"` // cohort → persons
	Realtime         bool              `json:"realtime_cohorts_enabled"`
	Overrides        []Override        `json:"hash_key_overrides"`
	TimeZone         string            `json:"timezone"`

	// LiveMembers are the members of realtime and behavioural cohorts.
	LiveMembers map[int64][]int64 `json:"realtime_cohort_members"`
}

// Flag is a row of a flag.
type Flag struct {
	ID         int64           `json:"id"`
	Key        string          `json:"key"`
	Version    int64           `json:"version"`
	Active     bool            `json:"active"`
	Deleted    bool            `json:"deleted"`
	Filters    json.RawMessage `json:"filters"`
	Continuity *bool           `json:"ensure_experience_continuity"`
	Bucketing  *string         `json:"bucketing_identifier"`
}

// Cohort is a row of a cohort.
type Cohort struct {
	ID      int64           `json:"id"`
	Static  bool            `json:"is_static"`
	Type    *string         `json:"cohort_type"`
	Filters json.RawMessage `json:"filters"`
	Groups  json.RawMessage `json:"groups"`
	Deleted bool            `json:"deleted"`
}

// Person is a row of a person with its distinct ids.
type Person struct {
	ID          int64                      `json:"id"`
	DistinctIDs []string                   `json:"distinct_ids"`
	Properties  map[string]json.RawMessage `json:"properties"`
	CreatedAt   string                     `json:"created_at"` // RFC 3339; empty: does not matter
}

// Group is a row of a group.
type Group struct {
	Type       int                        `json:"group_type_index"`
	Key        string                     `json:"group_key"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// Override is a row of a hash-key override.
type Override struct {
	Person  int64  `json:"person_id"`
	Flag    string `json:"flag_key"`
	HashKey string `json:"hash_key"`
}

// Request is what the caller sends, with the project settings that cases vary.
type Request struct {
	DistinctID       string                                `json:"distinct_id"`
	AnonID           string                                `json:"anon_distinct_id"`
	DeviceID         string                                `json:"device_id"`
	Groups           map[string]json.RawMessage            `json:"groups"`
	PersonProperties map[string]json.RawMessage            `json:"person_properties"`
	GroupProperties  map[string]map[string]json.RawMessage `json:"group_properties"`
	FlagKeys         []string                              `json:"flag_keys"`
	Excluded         []int64                               `json:"filtered_out_flag_ids"`
	OverridesOnly    bool                                  `json:"only_use_override_person_properties"`
	Explicit         *bool                                 `json:"explicit_exact_matching"` // nil: the result is the same in both modes
	Now              string                                `json:"now"`                     // RFC 3339; empty: DefaultNow
}

// Expected is what the evaluator answers.
type Expected struct {
	Flags          map[string]FlagResult `json:"flags"`
	Omitted        []string              `json:"omitted"`
	Errors         bool                  `json:"errors_while_computing_flags"`
	OverridesAfter []Override            `json:"hash_key_overrides_after"` // nil: not asserted
}

// FlagResult is the answer for one flag.
type FlagResult struct {
	Enabled        bool            `json:"enabled"`
	Variant        *string         `json:"variant"`
	Payload        json.RawMessage `json:"payload"`
	ReasonCode     *string         `json:"reason_code"` // nil of a failed flag: not asserted
	ConditionIndex *int            `json:"condition_index"`
	Failed         bool            `json:"failed"`
}

// Load reads the cases of all files that match pattern (see filepath.Match).
func Load(pattern string) ([]Case, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file matches %s", pattern)
	}
	var all []Case
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var cases []Case
		if err := json.Unmarshal(data, &cases); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, cases...)
	}
	return all, nil
}
