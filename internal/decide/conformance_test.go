package decide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

const vectors = "../../conformance/vectors/*evaluation_*.json"

// TestEvaluationVectors runs the evaluation cases as requests: the body is
// decoded, and what is stored is looked up.
func TestEvaluationVectors(t *testing.T) {
	cases, err := evaltest.Load(vectors)
	if err != nil {
		t.Fatal(err)
	}
	var req posthog.FlagsRequest // both reused on purpose
	var ans Answer
	for i := range cases {
		c := &cases[i]
		t.Run(c.ID, func(t *testing.T) {
			rows := newRows(c)
			v := version(c)
			wanted := request(t, c, &req)
			New(rows, Options{}).Decide(t.Context(), v, wanted, &ans)
			c.Check(t, evaltest.Answer(v.Program, &ans.Results))
			if ans.Looked != (rows.lookups > 0) {
				t.Errorf("Looked = %v after %d look-ups", ans.Looked, rows.lookups)
			}
			if rows.lookups > 1+rows.writes && !c.Faults.HashKey {
				t.Errorf("%d look-ups, %d writes", rows.lookups, rows.writes)
			}
			if c.Expected.OverridesAfter != nil {
				checkOverrides(t, c.Expected.OverridesAfter, rows.overrides)
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

// version compiles the definitions of a case. Flags that it excludes are for
// servers, and its request comes from a client.
func version(c *evaltest.Case) *snapshot.Version {
	def := c.Definitions()
	for i := range def.Flags {
		if slices.Contains(c.Request.Excluded, def.Flags[i].ID) {
			def.Flags[i].Runtime = feature.RuntimeServer
		}
	}
	p, _ := eval.Compile(def)
	return &snapshot.Version{Definitions: store.Definitions{Project: store.Project{ID: 1}}, Program: p}
}

func request(t *testing.T, c *evaltest.Case, req *posthog.FlagsRequest) *Request {
	t.Helper()
	if err := req.Decode(body(c), posthog.BodyHints{}); err != nil {
		t.Fatal(err)
	}
	r := &Request{
		DistinctID: req.DistinctID, AnonID: req.AnonID, DeviceID: req.DeviceID,
		Properties: req, AllKeys: req.AllKeys, Keys: req.Keys,
		Runtimes:      feature.Runtimes(feature.RuntimeAny, feature.RuntimeClient),
		OverridesOnly: c.Request.OverridesOnly,
		Now:           evaltest.DefaultNow,
	}
	if c.Request.Now != "" {
		var err error
		if r.Now, err = time.Parse(time.RFC3339Nano, c.Request.Now); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func checkOverrides(t *testing.T, want, got []evaltest.Override) {
	t.Helper()
	order := cmpopts.SortSlices(func(a, b evaltest.Override) int {
		if a.Person != b.Person {
			return int(a.Person - b.Person)
		}
		return strings.Compare(a.Flag, b.Flag)
	})
	if diff := cmp.Diff(want, got, order, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("overrides afterwards (-want +got):\n%s", diff)
	}
}
