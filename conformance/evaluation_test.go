package conformance_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/store"
)

var (
	evaluationSuite = &suite{name: "evaluation", core: runEvaluation, http: runEvaluationHTTP}
	corpusSuite     = &suite{name: "v1_corpus", core: runEvaluation, http: runEvaluationHTTP}
)

// corpusCases takes the v1 corpus, whose cases become evaluations.
func corpusCases(raw []byte) ([]testCase, string, error) {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "corpus.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return nil, "", err
	}
	cases, err := evaltest.LoadCorpus(file)
	if err != nil {
		return nil, "", err
	}
	var out []testCase
	for i := range cases {
		out = append(out, testCase{corpusSuite.name + "/" + cases[i].ID, corpusSuite, mustJSON(cases[i])})
	}
	return out, "", nil
}

// runEvaluation decides in the core.
func runEvaluation(t *testing.T, raw json.RawMessage) {
	c := decode[evaltest.Case](t, raw)
	c.Run(t, new(eval.Input), new(eval.Results))
}

// runEvaluationHTTP asks a node: as the case says; with all that is stored sent
// along; and with all that is sent stored.
func runEvaluationHTTP(t *testing.T, raw json.RawMessage) {
	c := decode[evaltest.Case](t, raw)
	// Over HTTP only flags that were asked for are in the answer.
	if c.Request.FlagKeys != nil {
		maps.DeleteFunc(c.Expected.Flags, func(key string, _ evaltest.FlagResult) bool {
			return !slices.Contains(c.Request.FlagKeys, key)
		})
	}
	t.Run("as is", func(t *testing.T) { askHTTP(t, c) })
	if sent, ok := allSent(c); ok {
		t.Run("sent", func(t *testing.T) { askHTTP(t, sent) })
	}
	if stored, ok := allStored(c); ok {
		t.Run("stored", func(t *testing.T) { askHTTP(t, stored) })
	}
}

func askHTTP(t *testing.T, c evaltest.Case) {
	s := startServer(t, &c)
	body := map[string]any{"distinct_id": c.Request.DistinctID}
	for name, value := range map[string]any{
		"$anon_distinct_id": c.Request.AnonID, "$device_id": c.Request.DeviceID,
	} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Request.Groups != nil {
		body["groups"] = c.Request.Groups
	}
	if c.Request.PersonProperties != nil {
		body["person_properties"] = c.Request.PersonProperties
	}
	if c.Request.GroupProperties != nil {
		body["group_properties"] = c.Request.GroupProperties
	}
	if c.Request.FlagKeys != nil {
		body["flag_keys"] = c.Request.FlagKeys
	}
	query := ""
	if c.Request.OverridesOnly {
		query = "&only_use_override_person_properties=true"
	}
	c.Check(t, expectedForm(s.flags(t, body, query)))
	if c.Expected.OverridesAfter != nil {
		s.checkOverrides(t, &c)
	}
}

// expectedForm turns an answer into the form of expectations.
func expectedForm(a answer) evaltest.Expected {
	e := evaltest.Expected{Errors: a.Errors, Flags: map[string]evaltest.FlagResult{}}
	for key, f := range a.Flags {
		code := f.Reason.Code
		e.Flags[key] = evaltest.FlagResult{
			Enabled: f.Enabled, Variant: f.Variant, Payload: f.Metadata.Payload,
			ReasonCode: &code, ConditionIndex: f.Reason.ConditionIndex, Failed: f.Failed,
		}
	}
	return e
}

func (s *running) checkOverrides(t *testing.T, c *evaltest.Case) {
	t.Helper()
	var got []evaltest.Override
	err := s.node.Store().View(t.Context(), func(tx store.ReadTx) error {
		for inCase, id := range s.persons {
			rows, err := tx.Overrides(s.project, id)
			if err != nil {
				return err
			}
			for flag, hashKey := range rows {
				got = append(got, evaltest.Override{Person: inCase, Flag: flag, HashKey: hashKey})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	less := func(a, b evaltest.Override) bool {
		return bytes.Compare(mustJSON(a), mustJSON(b)) < 0
	}
	if diff := cmp.Diff(c.Expected.OverridesAfter, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("hash-key overrides afterwards (-want +got):\n%s", diff)
	}
}

// allSent moves the stored properties of the subject into the request, which
// must not change the answer. It does not apply where the request says that
// stored properties do not count, nor to a stored distinct_id, which never does.
func allSent(c evaltest.Case) (evaltest.Case, bool) {
	i := owner(&c, c.Request.DistinctID)
	if i < 0 || len(c.Project.Persons[i].Properties) == 0 || c.Request.OverridesOnly ||
		c.Project.Persons[i].Properties["distinct_id"] != nil {
		return c, false
	}
	c.Project.Persons = slices.Clone(c.Project.Persons)
	person := &c.Project.Persons[i]
	c.Request.PersonProperties = merged(person.Properties, c.Request.PersonProperties)
	person.Properties = nil
	return c, true
}

// allStored moves the request's person properties into the store. It does not
// apply where the presence of a person, or of an override as such, makes a
// difference.
func allStored(c evaltest.Case) (evaltest.Case, bool) {
	if len(c.Request.PersonProperties) == 0 || c.Request.OverridesOnly || c.Request.AnonID != "" ||
		c.Request.PersonProperties["distinct_id"] != nil || c.Request.DistinctID == "" || mentionsMetadata(&c) {
		return c, false
	}
	c.Project.Persons = slices.Clone(c.Project.Persons)
	i := owner(&c, c.Request.DistinctID)
	if i < 0 {
		i = len(c.Project.Persons)
		c.Project.Persons = append(c.Project.Persons, evaltest.Person{ID: 1 << 30, DistinctIDs: []string{c.Request.DistinctID}})
	}
	person := &c.Project.Persons[i]
	person.Properties = merged(person.Properties, c.Request.PersonProperties)
	c.Request.PersonProperties = nil
	return c, true
}

func owner(c *evaltest.Case, distinctID string) int {
	return slices.IndexFunc(c.Project.Persons, func(p evaltest.Person) bool { return slices.Contains(p.DistinctIDs, distinctID) })
}

func merged(under, over map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	maps.Copy(out, under)
	maps.Copy(out, over)
	return out
}

func mentionsMetadata(c *evaltest.Case) bool {
	return bytes.Contains(mustJSON(c.Project.Flags), []byte("person_metadata"))
}
