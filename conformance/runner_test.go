package conformance_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // cases name time zones; the machine may have none
)

// suite runs the cases of one kind. Its core function runs a case on the
// packages that decide, its http function on a whole node. Either may be nil.
type suite struct {
	name string
	core func(t *testing.T, raw json.RawMessage)
	http func(t *testing.T, raw json.RawMessage)

	// v1 gives the case with its events in the form of the capture endpoint of
	// version 1, to be run on a whole node; nil: it has none. May be nil.
	v1 func(t *testing.T, raw json.RawMessage) func(t *testing.T)

	// batch, in place of http, runs many cases on few nodes, one subtest each.
	batch func(t *testing.T, cases []testCase)

	// coreOnly says of a case why a node cannot be brought into the situation
	// that it describes; empty: it can. Nil: all can.
	coreOnly func(raw json.RawMessage) string
}

// testCase is a case that was found in a file.
type testCase struct {
	id    string
	suite *suite
	raw   json.RawMessage
}

// count is what the run came to.
type count struct {
	core, http, v1 int
	coreOnly       map[string]int // by reason
	skipped        []string
}

// TestConformance runs every case of every file.
func TestConformance(t *testing.T) {
	dir := os.Getenv("GUIDON_CONFORMANCE_DIR")
	if dir == "" {
		dir = "."
	}
	cases, skipped, err := discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("no cases in %s", dir)
	}
	startShared(t)
	n := count{coreOnly: map[string]int{}, skipped: skipped}
	batches := map[*suite][]testCase{}
	for _, c := range cases {
		if c.suite.core != nil {
			n.core++
			t.Run("core/"+c.id, func(t *testing.T) { c.suite.core(t, c.raw) })
		}
		if c.suite.http == nil && c.suite.batch == nil {
			continue
		}
		if c.suite.coreOnly != nil {
			if why := c.suite.coreOnly(c.raw); why != "" {
				n.coreOnly[why]++
				continue
			}
		}
		n.http++
		if c.suite.batch != nil {
			batches[c.suite] = append(batches[c.suite], c)
			continue
		}
		t.Run("http/"+c.id, func(t *testing.T) { c.suite.http(t, c.raw) })
		if c.suite.v1 == nil {
			continue
		}
		if run := c.suite.v1(t, c.raw); run != nil {
			n.v1++
			t.Run("v1/"+c.id, run)
		}
	}
	for s, cases := range batches {
		t.Run("http/"+s.name, func(t *testing.T) { s.batch(t, cases) })
	}
	report(t, len(cases), n)
}

// report prints what ran, also when everything passed.
func report(t *testing.T, cases int, n count) {
	fmt.Printf("conformance: %d cases; %d runs in the core, %d through HTTP, %d more in the form of capture v1; %d files skipped\n",
		cases, n.core, n.http, n.v1, len(n.skipped))
	for why, k := range n.coreOnly {
		fmt.Printf("conformance: %d cases in the core only: %s\n", k, why)
	}
	for _, line := range n.skipped {
		fmt.Println("conformance: skipped " + line)
	}
	if t.Failed() {
		fmt.Println("conformance: some cases failed")
	}
}

// discover finds all cases below dir. Files are told apart by what they hold,
// not by their names.
func discover(dir string) (cases []testCase, skipped []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		found, why, err := classify(filepath.ToSlash(rel), raw)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if why != "" {
			skipped = append(skipped, fmt.Sprintf("%s: %s", rel, why))
		}
		cases = append(cases, found...)
		return nil
	})
	return cases, skipped, err
}

// elsewhere are the folders of Guidon's own protocol cases, each in a form that
// the tests of the packages concerned read.
var elsewhere = map[string]string{
	"http/":       "internal/wire/posthog and internal/server",
	"management/": "internal/wire/filters and internal/rest",
}

// head is what tells the kinds of files apart.
type head struct {
	ID        string          `json:"id"`
	Format    string          `json:"format"`
	Category  string          `json:"category"`
	Schema    string          `json:"$schema"`
	Algorithm string          `json:"algorithm"`
	Asserted  string          `json:"asserted_fields"`
	Cases     json.RawMessage `json:"cases"`
	Shape     string          `json:"definition_shape"`
}

func classify(name string, raw []byte) ([]testCase, string, error) {
	for folder, by := range elsewhere {
		if strings.HasPrefix(name, folder) {
			return nil, "run by the tests of " + by, nil
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return classifyList(list)
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, "", err
	}
	base := strings.TrimSuffix(filepath.Base(name), ".json")
	switch {
	case strings.HasPrefix(h.Format, "identity-scenarios/"):
		return inner(h, identitySuite)
	case h.Schema != "":
		return nil, "a schema, not cases", nil
	case h.Algorithm != "":
		return []testCase{{base, hashCorpusSuite, raw}}, "", nil
	case h.Asserted != "":
		return inner(h, projectionSuite)
	case h.Shape != "":
		return corpusCases(raw)
	case strings.Contains(name, "fixtures/valid/"), strings.Contains(name, "fixtures/invalid/"):
		return []testCase{{strings.TrimSuffix(name, ".json"), fixtureSuite, mustJSON(fixture{
			Valid: strings.Contains(name, "fixtures/valid/"), Config: raw,
		})}}, "", nil
	}
	return nil, "of no known form", nil
}

// inner takes the cases of a file that is an object.
func inner(h head, s *suite) ([]testCase, string, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(h.Cases, &list); err != nil {
		return nil, "", err
	}
	var out []testCase
	for _, raw := range list {
		var h head
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, "", err
		}
		out = append(out, testCase{s.name + "/" + h.ID, s, raw})
	}
	return out, "", nil
}

// classifyList tells the cases of a list apart by their members, and drops
// what no suite knows, saying so.
func classifyList(list []json.RawMessage) (out []testCase, why string, err error) {
	var unknown []string
	for _, raw := range list {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, "", err
		}
		var h head
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, "", err
		}
		s := suiteOf(members)
		if s == nil {
			unknown = append(unknown, h.ID)
			continue
		}
		out = append(out, testCase{s.name + "/" + h.ID, s, raw})
	}
	if len(unknown) > 0 {
		why = fmt.Sprintf("%d cases of no known form: %s", len(unknown), strings.Join(unknown, ", "))
	}
	return out, why, nil
}

// suiteOf finds the suite of a case by the members that only its kind has.
func suiteOf(members map[string]json.RawMessage) *suite {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return members[n] == nil })
	}
	switch {
	case has("first_15_hex"):
		return hashSuite
	case has("expected_included"):
		return thresholdSuite
	case has("weights"):
		return variantSuite
	case has("sequence"):
		return sequenceSuite
	case has("filter", "properties"):
		return propertySuite
	case has("project", "request"):
		return evaluationSuite
	case has("config", "context"):
		return rulesSuite
	case has("side"):
		return dateSuite
	case has("input"):
		return versionSuite
	case has("config"), has("config_text"), has("generate"):
		return parserSuite
	}
	return nil
}

func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data
	}
	return raw
}

// decode reads a case into T.
func decode[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
