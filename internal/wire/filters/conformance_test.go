package filters_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

const conformanceDir = "../../../conformance"

// loadJSON reads a conformance file into v.
func loadJSON(t testing.TB, path string, v any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(conformanceDir, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// conformanceFiles lists the files of the conformance directory that match.
func conformanceFiles(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(conformanceDir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	for i := range paths {
		paths[i] = strings.TrimPrefix(paths[i], conformanceDir+"/")
	}
	return paths
}

// definitions are the documents of a project in the evaluation cases.
type definitions struct {
	Flags []struct {
		Key     string
		Deleted bool
		Filters json.RawMessage
	}
	Cohorts []struct {
		ID       int64
		IsStatic bool `json:"is_static"`
		Filters  json.RawMessage
		Groups   json.RawMessage
	}
}

type evaluationCase struct {
	ID       string
	Project  definitions
	Expected struct {
		Flags map[string]struct {
			ReasonCode string `json:"reason_code"`
		}
	}
}

// TestReadEvaluationCases decodes every definition of the evaluation cases. A
// flag that a result is expected for must decode, and a cohort that makes a
// flag fail must show why.
func TestReadEvaluationCases(t *testing.T) {
	flags, cohorts := 0, 0
	for _, file := range conformanceFiles(t, "vectors/evaluation_*.json") {
		var cases []evaluationCase
		loadJSON(t, file, &cases)
		for _, c := range cases {
			for _, f := range c.Project.Flags {
				_, expected := c.Expected.Flags[f.Key]
				if _, err := filters.Read(f.Filters, filters.Limits{}); err != nil && expected {
					t.Errorf("%s: flag %s: %v", c.ID, f.Key, err)
				}
				flags++
			}
			faulty := false
			for _, k := range c.Project.Cohorts {
				root, malformed := filters.ReadCohort(k.Filters, k.Groups)
				faulty = faulty || malformed || broken(root)
				cohorts++
			}
			for key, f := range c.Expected.Flags {
				if (f.ReasonCode == "cohort_filters_parsing_error") && !faulty && !textCohort(c.Project) {
					t.Errorf("%s: %s fails, but every cohort can be read", c.ID, key)
				}
			}
		}
	}
	t.Logf("%d flags, %d cohorts", flags, cohorts)
}

// textCohort reports whether a flag names a cohort by something else than an
// integer, which fails without any cohort being at fault.
func textCohort(d definitions) bool {
	for _, f := range d.Flags {
		c, err := filters.Read(f.Filters, filters.Limits{})
		if err != nil || c.Targeting == nil {
			continue
		}
		for _, cond := range c.Targeting.Conditions {
			for _, p := range cond.Properties {
				if p.Type == feature.CohortMembership && p.Value.Kind() != feature.KindNumber {
					return true
				}
			}
		}
	}
	return false
}

func broken(n *feature.CohortNode) bool {
	if n == nil {
		return false
	}
	if n.Op == feature.CohortBroken {
		return true
	}
	for i := range n.Children {
		if broken(&n.Children[i]) {
			return true
		}
	}
	return false
}

type parserCase struct {
	ID         string
	Config     json.RawMessage
	ConfigText string `json:"config_text"`
	Generate   *struct {
		Config  json.RawMessage
		Replace struct {
			Char  string
			Count int
		} `json:"replace_value_with"`
	}
	Expected struct{ Status, Kind string }
}

func (c parserCase) document(t *testing.T) []byte {
	switch {
	case c.ConfigText != "":
		return []byte(c.ConfigText)
	case c.Generate != nil:
		long := strings.Repeat(c.Generate.Replace.Char, c.Generate.Replace.Count)
		doc := strings.Replace(string(c.Generate.Config), `"@"`, `"`+long+`"`, 1)
		if len(doc) < len(long) {
			t.Fatalf("%s: nothing to replace", c.ID)
		}
		return []byte(doc)
	}
	return c.Config
}

func TestReadRulesCases(t *testing.T) {
	var cases []parserCase
	loadJSON(t, "vectors/rules_v2_parser.json", &cases)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			doc := c.document(t)
			_, err := filters.ReadRules(doc, filters.Limits{})
			if got := rulesOutcome(t, err); got != c.Expected.Kind {
				t.Errorf("ReadRules: %q (%v), want %q", got, err, c.Expected.Kind)
			}
			config, err2 := filters.Read(doc, filters.Limits{})
			if err2 != nil || (config.Fault != "") != (err != nil) {
				t.Errorf("Read gives fault %q, error %v; ReadRules gives %v", config.Fault, err2, err)
			}
		})
	}
}

// rulesOutcome is the kind of a *RulesError, empty for none.
func rulesOutcome(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var re *filters.RulesError
	if !errors.As(err, &re) {
		t.Fatalf("error %v is no *RulesError", err)
	}
	return re.Kind.String()
}

// TestReadRulesFixtures holds the reader to the published fixtures. It admits
// less than their schema: what is reserved is unsupported.
func TestReadRulesFixtures(t *testing.T) {
	for _, file := range conformanceFiles(t, "rules_v2/fixtures/*/*.json") {
		raw, err := os.ReadFile(filepath.Join(conformanceDir, file))
		if err != nil {
			t.Fatal(err)
		}
		valid := strings.Contains(file, "/valid/")
		_, err = filters.ReadRules(raw, filters.Limits{})
		got := rulesOutcome(t, err)
		switch {
		case valid && got != "" && got != "unsupported":
			t.Errorf("%s: %v, want ok or unsupported", file, err)
		case !valid && got == "":
			t.Errorf("%s: accepted", file)
		}
	}
	var cases []struct {
		ID     string
		Config json.RawMessage
	}
	loadJSON(t, "vectors/rules_v2_evaluation.json", &cases)
	for _, c := range cases {
		if _, err := filters.ReadRules(c.Config, filters.Limits{}); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
	}
}

// TestReadUpstreamCorpus decodes the official corpus of the v1 evaluator.
func TestReadUpstreamCorpus(t *testing.T) {
	var corpus struct {
		Cases []struct {
			ID          string
			Definitions definitions
		}
	}
	loadJSON(t, "rules_v2/corpus/v1_evaluation.json", &corpus)
	for _, c := range corpus.Cases {
		for _, f := range c.Definitions.Flags {
			if _, err := filters.Read(f.Filters, filters.Limits{}); err != nil {
				t.Errorf("%s: %s: %v", c.ID, f.Key, err)
			}
		}
	}
}

// TestSemverAndDateCases compares what may be written as a version or a date
// with the vectors, through a rule and a condition that admit only what can be
// read.
func TestSemverAndDateCases(t *testing.T) {
	var dates []struct {
		ID, Side, Timezone string
		Input              json.RawMessage
		Expected           *string
	}
	loadJSON(t, "vectors/date_parse.json", &dates)
	for _, c := range dates {
		if c.Side != "filter" || c.Timezone != "UTC" {
			continue
		}
		_, err := filters.ReadRules(oneRule(`"is_date_before"`, string(c.Input)), filters.Limits{})
		if (err == nil) != (c.Expected != nil) {
			t.Errorf("%s: date %s: %v, want readable = %v", c.ID, c.Input, err, c.Expected != nil)
		}
	}
	var versions []struct {
		ID, Input string
		Expected  *string
	}
	loadJSON(t, "vectors/semver_parse.json", &versions)
	for _, c := range versions {
		value, err := json.Marshal(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		_, v := filters.Validate(oneCondition(`"semver_gte"`, string(value)), filters.Options{})
		if (v == nil) != (c.Expected != nil) || v != nil && v.Code != "cross_field.semver_value_invalid" {
			t.Errorf("%s: version %q: %v, want readable = %v", c.ID, c.Input, v, c.Expected != nil)
		}
	}
}

// oneRule is a rules document with a single predicate; operator and value are
// JSON.
func oneRule(operator, value string) []byte {
	return []byte(`{"version":2,"return_type":"boolean","default_value":null,"rules":[{` +
		`"id":"11111111-1111-4111-8111-111111111111","rule_type":"targeted_release","value":true,` +
		`"targeting":{"properties":[{"key":"k","type":"person","operator":` + operator + `,"value":` + value + `}]}}]}`)
}

// oneCondition is the filters of a flag with a single property filter; operator
// and value are JSON.
func oneCondition(operator, value string) []byte {
	return []byte(`{"groups":[{"properties":[{"key":"k","type":"person","operator":` + operator + `,"value":` + value + `}],"rollout_percentage":100}]}`)
}
