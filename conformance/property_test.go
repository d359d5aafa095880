package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/semver"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

var (
	propertySuite = &suite{name: "property", core: runProperty, batch: runPropertiesHTTP, coreOnly: propertyCoreOnly}
	dateSuite     = &suite{name: "date", core: runDate}
	versionSuite  = &suite{name: "version", core: runVersion}
)

// propertyCase is one filter on one set of properties.
type propertyCase struct {
	ID         string                     `json:"id"`
	Filter     json.RawMessage            `json:"filter"`
	Properties map[string]json.RawMessage `json:"properties"`
	Partial    bool                       `json:"partial"`
	TimeZone   string                     `json:"timezone"`
	Now        string                     `json:"now"`
	Mode       string                     `json:"exact_mode"` // "explicit", "legacy"; empty: both
	Expected   any                        `json:"expected"`   // bool or "error"
}

// modes are the exact-matching modes in which the case holds.
func (c *propertyCase) modes() []bool {
	switch c.Mode {
	case "explicit":
		return []bool{true}
	case "legacy":
		return []bool{false}
	}
	return []bool{true, false}
}

func (c *propertyCase) now(t *testing.T) time.Time {
	t.Helper()
	if c.Now == "" {
		return evaltest.DefaultNow
	}
	now, err := time.Parse(time.RFC3339Nano, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// flagFilters is a v1 document of one condition with the filter.
func (c *propertyCase) flagFilters() json.RawMessage {
	return mustJSON(map[string]any{"groups": []any{map[string]any{"properties": []any{c.Filter}}}})
}

func runProperty(t *testing.T, raw json.RawMessage) {
	c := decode[propertyCase](t, raw)
	config, err := filters.Read(c.flagFilters(), filters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	props := map[string]feature.Value{}
	for name, text := range c.Properties {
		if props[name], err = jsonval.Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	filter := config.Targeting.Conditions[0].Properties[0]
	for _, explicit := range c.modes() {
		held, err := eval.MatchProperty(filter, props, c.Partial, explicit, dates.LoadLocation(c.TimeZone), c.now(t))
		var got any = held
		if err != nil {
			got = "error"
		}
		if got != c.Expected {
			t.Errorf("explicit %v: %v (%v), want %v", explicit, got, errors.Unwrap(err), c.Expected)
		}
	}
}

// propertyCoreOnly finds cases that a request cannot bring about.
func propertyCoreOnly(raw json.RawMessage) string {
	var c struct {
		propertyCase
		Filter struct {
			Key  string `json:"key"`
			Type string `json:"type"`
		} `json:"filter"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return ""
	}
	if _, present := c.Properties[c.Filter.Key]; c.Partial && !present {
		return "a property that is not known: a node loads what a request does not bring"
	}
	if c.Filter.Type == "person_metadata" {
		return "the creation time of a person under a chosen value; evaluation cases store one"
	}
	if c.Filter.Key == "distinct_id" {
		return "a subject without distinct_id"
	}
	return ""
}

// setting is what a node has in common for many cases.
type setting struct {
	explicit bool
	timeZone string
	now      string
}

// runPropertiesHTTP asks nodes for flags with the filters, once with the
// properties in the request and once with a person who has them. Cases of the
// same setting share a node, each with a flag and a person of its own.
func runPropertiesHTTP(t *testing.T, cases []testCase) {
	shared := map[setting][]propertyCase{}
	for _, tc := range cases {
		c := decode[propertyCase](t, tc.raw)
		for _, explicit := range c.modes() {
			s := setting{explicit, c.TimeZone, c.now(t).Format(time.RFC3339Nano)}
			shared[s] = append(shared[s], c)
		}
	}
	for s, cases := range shared {
		t.Run(fmt.Sprintf("explicit=%v,zone=%s,now=%s", s.explicit, s.timeZone, s.now), func(t *testing.T) {
			s.run(t, cases)
		})
	}
}

func (s setting) run(t *testing.T, cases []propertyCase) {
	e := evaltest.Case{Project: evaltest.Project{TimeZone: s.timeZone}}
	e.Request.Explicit, e.Request.Now = &s.explicit, s.now
	for i, c := range cases {
		e.Project.Flags = append(e.Project.Flags, evaltest.Flag{
			ID: int64(i) + 1, Key: c.key(i), Active: true, Filters: c.flagFilters(),
		})
		e.Project.Persons = append(e.Project.Persons, evaltest.Person{
			ID: int64(i) + 1, DistinctIDs: []string{c.key(i)}, Properties: c.Properties,
		})
	}
	node := startServer(t, &e)
	for i, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			want := c.Expected == true // an operator error is no match
			only := []string{c.key(i)}
			sent := node.flags(t, map[string]any{"distinct_id": "stranger", "person_properties": c.Properties, "flag_keys": only}, "")
			if got := sent.Flags[c.key(i)]; got.Enabled != want || got.Failed || len(sent.Flags) != 1 {
				t.Errorf("properties sent: %+v, want %v", got, want)
			}
			stored := node.flags(t, map[string]any{"distinct_id": c.key(i), "flag_keys": only}, "")
			if got := stored.Flags[c.key(i)]; got.Enabled != want || got.Failed || len(stored.Flags) != 1 {
				t.Errorf("properties stored: %+v, want %v", got, want)
			}
		})
	}
}

// key names the flag and the person of case i on its node.
func (c *propertyCase) key(i int) string { return fmt.Sprintf("case-%d", i) }

func runDate(t *testing.T, raw json.RawMessage) {
	c := decode[struct {
		Input    json.RawMessage `json:"input"`
		Side     string          `json:"side"`
		TimeZone string          `json:"timezone"`
		Now      time.Time       `json:"now"`
		Expected *string         `json:"expected"`
	}](t, raw)
	v, err := jsonval.Parse(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := eval.ParseDate(v, c.Side == "filter", dates.LoadLocation(c.TimeZone), c.Now)
	if ok != (c.Expected != nil) {
		t.Fatalf("ParseDate(%s) = %v, %v, want %v", c.Input, got, ok, c.Expected)
	}
	if !ok {
		return
	}
	want, err := time.Parse(time.RFC3339Nano, *c.Expected)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Errorf("ParseDate(%s) = %v, want %v", c.Input, got.UTC(), want)
	}
}

func runVersion(t *testing.T, raw json.RawMessage) {
	c := decode[struct {
		Input    json.RawMessage `json:"input"`
		Expected *string         `json:"expected"`
	}](t, raw)
	v, err := jsonval.Parse(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := semver.Parse(v.Text())
	if ok != (c.Expected != nil) || ok && got.String() != *c.Expected {
		t.Errorf("Parse(%s) = %v, %v, want %v", c.Input, &got, ok, c.Expected)
	}
}
