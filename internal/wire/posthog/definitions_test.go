package posthog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// definitionCase is a case of definitions.json.
type definitionCase struct {
	ID, Rule, Note  string
	Flags           []definitionCaseFlag
	Cohorts         []definitionCaseCohort
	GroupTypes      map[int]string `json:"group_types"`
	MatchingVersion int            `json:"property_matching_version"`
	Dropped         []string
	Expected        json.RawMessage
}

type definitionCaseFlag struct {
	ID            int64
	Key, Name     string
	Inactive      bool
	Version       int64
	Continuity    bool   `json:"ensure_experience_continuity"`
	Encrypted     bool   `json:"has_encrypted_payloads"`
	Remote        bool   `json:"is_remote_configuration"`
	Runtime       string `json:"evaluation_runtime"`
	Bucketing     string `json:"bucketing_identifier"`
	Contexts      []string
	HasExperiment bool `json:"has_experiment"`
	Survey        bool `json:"survey_owned"`
	Filters       json.RawMessage
	Chains        map[int64][]string // by the id of the flag depended on
}

type definitionCaseCohort struct {
	ID      int64
	Static  bool `json:"is_static"`
	Filters json.RawMessage
	Groups  json.RawMessage
}

func (c *definitionCase) input() DefinitionInput {
	in := DefinitionInput{Project: 7, GroupTypes: c.GroupTypes, MatchingVersion: c.MatchingVersion}
	for _, f := range c.Flags {
		in.Flags = append(in.Flags, DefinitionFlag{
			ID: f.ID, Key: f.Key, Name: f.Name, Active: !f.Inactive, Version: f.Version, Continuity: f.Continuity,
			EncryptedPayloads: f.Encrypted, RemoteConfiguration: f.Remote, Runtime: f.Runtime,
			BucketingIdentifier: f.Bucketing, Contexts: f.Contexts, HasExperiment: f.HasExperiment,
			SurveyOwned: f.Survey, Filters: f.Filters,
			DependencyChain: func(id int64) []string { return f.Chains[id] },
		})
	}
	for _, co := range c.Cohorts {
		in.Cohorts = append(in.Cohorts, DefinitionCohort{ID: co.ID, Static: co.Static, Filters: co.Filters, Groups: co.Groups})
	}
	return in
}

func TestDefinitionCases(t *testing.T) {
	for _, c := range loadCases[definitionCase](t, "definitions.json") {
		t.Run(c.ID, func(t *testing.T) {
			d := NewDefinitions(c.input())
			if !json.Valid(d.Body) {
				t.Fatalf("not JSON: %s", d.Body)
			}
			if !slices.Equal(d.Dropped, c.Dropped) {
				t.Errorf("dropped %v, want %v", d.Dropped, c.Dropped)
			}
			var whole map[string]json.RawMessage
			if err := json.Unmarshal(d.Body, &whole); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"flags", "group_type_mapping", "cohorts", "minimal_flag_called_events", "property_matching_version"} {
				if whole[name] == nil {
					t.Errorf("%s is missing", name)
				}
			}
			var want map[string]json.RawMessage
			if err := json.Unmarshal(c.Expected, &want); err != nil {
				t.Fatal(err)
			}
			for name, raw := range want {
				if diff := cmp.Diff(canonical(t, raw), canonical(t, whole[name])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestDefinitionsAreStable(t *testing.T) {
	for _, c := range loadCases[definitionCase](t, "definitions.json") {
		in := c.input()
		a := NewDefinitions(in)
		slices.Reverse(in.Flags)
		slices.Reverse(in.Cohorts)
		b := NewDefinitions(in)
		if a.ETag != b.ETag || string(a.Body) != string(b.Body) {
			t.Errorf("%s: the order of the input shows:\n%s\n%s", c.ID, a.Body, b.Body)
		}
		if tag := strings.TrimPrefix(a.ETag, `W/"`); len(tag) != 17 || !ETagMatches(a.ETag, a.ETag) {
			t.Errorf("%s: ETag = %s", c.ID, a.ETag)
		}
	}
}
