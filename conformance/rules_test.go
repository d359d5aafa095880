package conformance_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

var (
	rulesSuite   = &suite{name: "rules", core: runRules, http: runRulesHTTP, coreOnly: rulesCoreOnly}
	parserSuite  = &suite{name: "parser", core: runParser, http: runParserHTTP}
	fixtureSuite = &suite{name: "fixture", core: runFixture, http: runFixtureHTTP}
)

// rulesCase is a decision by rules v2, with what a node makes of it.
type rulesCase struct{ evaltest.RuleCase }

func runRules(t *testing.T, raw json.RawMessage) {
	c := decode[rulesCase](t, raw)
	c.Run(t)
}

// rulesCoreOnly finds cases that a request cannot bring about.
func rulesCoreOnly(raw json.RawMessage) string {
	var c rulesCase
	if err := json.Unmarshal(raw, &c); err != nil {
		return ""
	}
	switch {
	case c.WhiteBox != nil:
		return "a chosen hash in place of the drawn one"
	case c.Context.Properties == nil || !c.Context.Complete:
		return "properties that are not all known: a node loads what a request does not bring"
	}
	return ""
}

// legacyCodes are the reason codes of answers of version 2 (10.8).
var legacyCodes = map[string]string{
	"targeting_match": "condition_match", "rollout_miss": "out_of_rollout_bound", "holdout": "holdout_condition_value",
	"experiment_paused": "no_condition_match", "no_rule_match": "no_condition_match",
}

func runRulesHTTP(t *testing.T, raw json.RawMessage) {
	c := decode[rulesCase](t, raw)
	e := ruleFlag(c.Config)
	e.Project.TimeZone, e.Request.Explicit = c.Context.TimeZone, &c.Context.Explicit
	e.Request.Now = c.Context.Now.Format(time.RFC3339Nano)
	stored := evaltest.Person{ID: 1, DistinctIDs: []string{c.Context.Identifier}, Properties: c.Context.Properties}
	sent := map[string]any{"distinct_id": c.Context.Identifier, "person_properties": c.Context.Properties}
	t.Run("sent", func(t *testing.T) { c.checkHTTP(t, startServer(t, &e).flags(t, sent, "")) })
	if c.Context.Identifier == "" || len([]rune(c.Context.Identifier)) > 200 {
		return // nobody can be stored under it
	}
	t.Run("stored", func(t *testing.T) {
		e.Project.Persons = []evaltest.Person{stored}
		c.checkHTTP(t, startServer(t, &e).flags(t, map[string]any{"distinct_id": c.Context.Identifier}, ""))
	})
}

func (c *rulesCase) checkHTTP(t *testing.T, a answer) {
	t.Helper()
	f, ok := a.Flags["f"]
	if !ok {
		t.Fatal("the flag is not in the answer")
	}
	if c.Expected.Status == "error" {
		if !f.Failed || f.Enabled || !a.Errors {
			t.Errorf("%+v, want a failed flag", f)
		}
		return
	}
	if want := legacyCodes[c.Expected.Reason]; f.Failed || f.Reason.Code != want {
		t.Errorf("%+v, want reason %s", f, want)
	}
	if c.Legacy == nil {
		return
	}
	got, want := "", ""
	if f.Variant != nil {
		got = *f.Variant
	}
	if c.Legacy.Variant != nil {
		want = *c.Legacy.Variant
	}
	if f.Enabled != c.Legacy.Enabled || got != want {
		t.Errorf("enabled %v, variant %q, want %v, %q", f.Enabled, got, c.Legacy.Enabled, want)
	}
	c.checkPayload(t, f.Metadata.Payload)
}

// checkPayload compares a payload, on the wire JSON text in a string, with the
// value that the case names.
func (c *rulesCase) checkPayload(t *testing.T, raw json.RawMessage) {
	t.Helper()
	if string(c.Legacy.Payload) == "null" || c.Legacy.Payload == nil {
		if string(raw) != "null" {
			t.Errorf("payload %s, want null", raw)
		}
		return
	}
	text := decode[string](t, raw)
	got, err := jsonval.Parse([]byte(text))
	if err != nil {
		t.Fatalf("payload %s: %v", raw, err)
	}
	want, err := jsonval.Parse(c.Legacy.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Errorf("payload %s, want the text of %s", raw, c.Legacy.Payload)
	}
}

func ruleFlag(config json.RawMessage) evaltest.Case {
	return evaltest.Case{Project: evaltest.Project{Flags: []evaltest.Flag{{ID: 1, Key: "f", Active: true, Filters: config}}}}
}

// parserCase is a document with what the parser says of it.
type parserCase struct {
	Config   json.RawMessage `json:"config"`
	Text     *string         `json:"config_text"`
	Generate *struct {
		Config  json.RawMessage `json:"config"`
		Replace struct {
			Char  string `json:"char"`
			Count int    `json:"count"`
		} `json:"replace_value_with"`
	} `json:"generate"`
	Expected struct {
		Status string `json:"status"`
		Kind   string `json:"kind"`
	} `json:"expected"`
}

func (c *parserCase) document() json.RawMessage {
	switch {
	case c.Text != nil:
		return json.RawMessage(*c.Text)
	case c.Generate != nil:
		long := strings.Repeat(c.Generate.Replace.Char, c.Generate.Replace.Count)
		return json.RawMessage(strings.Replace(string(c.Generate.Config), "@", long, 1))
	}
	return c.Config
}

func runParser(t *testing.T, raw json.RawMessage) {
	c := decode[parserCase](t, raw)
	_, err := filters.ReadRules(c.document(), filters.Limits{})
	var problem *filters.RulesError
	switch {
	case c.Expected.Status == "ok" && err != nil:
		t.Errorf("refused: %v", err)
	case c.Expected.Status != "ok" && !errors.As(err, &problem):
		t.Errorf("error %v, want %s", err, c.Expected.Kind)
	case problem != nil && problem.Kind.String() != c.Expected.Kind:
		t.Errorf("error %v is %s, want %s", err, problem.Kind, c.Expected.Kind)
	}
}

func runParserHTTP(t *testing.T, raw json.RawMessage) {
	c := decode[parserCase](t, raw)
	checkReadable(t, c.document(), c.Expected.Status == "ok")
}

// checkReadable asks a node for a flag with the document: one that cannot be
// read fails, and says so.
func checkReadable(t *testing.T, config json.RawMessage, readable bool) {
	t.Helper()
	e := ruleFlag(config)
	a := startServer(t, &e).flags(t, map[string]any{"distinct_id": "user-1"}, "")
	f, ok := a.Flags["f"]
	if !ok {
		t.Fatal("the flag is not in the answer")
	}
	if malformed := f.Failed && f.Reason.Code == "flag_data_parsing_error"; malformed == readable {
		t.Errorf("%+v, want readable %v", f, readable)
	}
}

// fixture is one of the contract's documents.
type fixture struct {
	Valid  bool            `json:"valid"`
	Config json.RawMessage `json:"config"`
}

// readable tells what the evaluating reader makes of a fixture. The structural
// schema admits more than it does: linked experiments, group aggregation and
// predicates on anything but persons are reserved (10.3).
func (f *fixture) readable(t *testing.T) bool {
	t.Helper()
	if !f.Valid {
		return false
	}
	var problem *filters.RulesError
	_, err := filters.ReadRules(f.Config, filters.Limits{})
	return !errors.As(err, &problem) || problem.Kind != filters.Unsupported
}

func runFixture(t *testing.T, raw json.RawMessage) {
	f := decode[fixture](t, raw)
	_, err := filters.ReadRules(f.Config, filters.Limits{})
	var problem *filters.RulesError
	switch {
	case err == nil && !f.Valid:
		t.Error("an invalid document is accepted")
	case err != nil && !errors.As(err, &problem):
		t.Errorf("an error of another type: %v", err)
	case f.Valid && err != nil && problem.Kind != filters.Unsupported:
		t.Errorf("a valid document is refused: %v", err)
	}
}

func runFixtureHTTP(t *testing.T, raw json.RawMessage) {
	f := decode[fixture](t, raw)
	checkReadable(t, f.Config, f.readable(t))
}
