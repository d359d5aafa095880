package conformance_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
)

var (
	hashSuite       = &suite{name: "hash", core: runHash}
	thresholdSuite  = &suite{name: "threshold", core: runThreshold}
	variantSuite    = &suite{name: "variant", core: runVariant}
	sequenceSuite   = &suite{name: "sequence", core: runSequence, http: runSequenceHTTP}
	hashCorpusSuite = &suite{name: "hash_corpus", core: runHashCorpus}
)

type hashCase struct {
	Prefix, Identifier, Salt string
	Bits                     string `json:"hash01_binary64_hex"`
}

func runHash(t *testing.T, raw json.RawMessage) {
	c := decode[hashCase](t, raw)
	c.check(t)
}

func (c hashCase) check(t *testing.T) {
	t.Helper()
	want, err := strconv.ParseUint(c.Bits, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got := eval.Hash01(c.Prefix, c.Identifier, c.Salt); math.Float64bits(got) != want {
		t.Errorf("Hash01(%q, %q, %q) = %v, want %v", c.Prefix, c.Identifier, c.Salt, got, math.Float64frombits(want))
	}
}

func runThreshold(t *testing.T, raw json.RawMessage) {
	c := decode[struct {
		Hash     float64 `json:"hash01"`
		Rollout  float64 `json:"rollout_percentage"`
		Included bool    `json:"expected_included"`
	}](t, raw)
	checkThreshold(t, c.Hash, c.Rollout, c.Included)
}

func checkThreshold(t *testing.T, hash, rollout float64, want bool) {
	t.Helper()
	if got := eval.InRollout(hash, rollout); got != want {
		t.Errorf("InRollout(%v, %v) = %v, want %v", hash, rollout, got, want)
	}
}

func runVariant(t *testing.T, raw json.RawMessage) {
	c := decode[struct {
		Hash    float64   `json:"hash01"`
		Weights []float64 `json:"weights"`
		Index   *int      `json:"expected_index_v1"`
	}](t, raw)
	want := -1
	if c.Index != nil {
		want = *c.Index
	}
	if got := eval.PickVariant(c.Hash, c.Weights); got != want {
		t.Errorf("PickVariant(%v, %v) = %d, want %d", c.Hash, c.Weights, got, want)
	}
}

// sequence is one flag over many users.
type sequence struct {
	Key      string            `json:"flag_key"`
	Rollout  json.RawMessage   `json:"rollout_percentage"`
	Variants []json.RawMessage `json:"variants"`
	Template string            `json:"identifier_template"`
	First    int               `json:"first_i"`
	Count    int               `json:"count"`
	Legend   map[string]any    `json:"legend"`
	Sequence string            `json:"sequence"`
}

// evaluation makes the case one evaluation whose request is still empty.
func (c *sequence) evaluation() evaltest.Case {
	doc := map[string]any{"groups": []any{map[string]any{"properties": []any{}, "rollout_percentage": c.Rollout}}}
	if len(c.Variants) > 0 {
		doc["multivariate"] = map[string]any{"variants": c.Variants}
	}
	return evaltest.Case{Project: evaltest.Project{Flags: []evaltest.Flag{{ID: 1, Key: c.Key, Active: true, Filters: mustJSON(doc)}}}}
}

func (c *sequence) identifier(i int) string {
	return strings.ReplaceAll(c.Template, "{i}", strconv.Itoa(c.First+i))
}

func (c *sequence) want(i int) string { return fmt.Sprint(c.Legend[c.Sequence[i:i+1]]) }

func runSequence(t *testing.T, raw json.RawMessage) {
	c := decode[sequence](t, raw)
	e := c.evaluation()
	p, _ := eval.Compile(e.Definitions())
	var in eval.Input
	var out eval.Results
	for i := range c.Count {
		e.Request.DistinctID = c.identifier(i)
		if err := e.SetRequest(p, &in); err != nil {
			t.Fatal(err)
		}
		p.Decide(&in, eval.Selection{}, &out)
		got := out.Items[0].Variant
		if got == "" {
			got = strconv.FormatBool(out.Items[0].Enabled)
		}
		if got != c.want(i) {
			t.Fatalf("%s gets %s, want %s", e.Request.DistinctID, got, c.want(i))
		}
	}
}

func runSequenceHTTP(t *testing.T, raw json.RawMessage) {
	c := decode[sequence](t, raw)
	e := c.evaluation()
	s := startServer(t, &e)
	for i := range c.Count {
		got := s.flags(t, map[string]any{"distinct_id": c.identifier(i)}, "")
		f := got.Flags[c.Key]
		value := strconv.FormatBool(f.Enabled)
		if f.Variant != nil {
			value = *f.Variant
		}
		if value != c.want(i) {
			t.Fatalf("%s gets %s, want %s", c.identifier(i), value, c.want(i))
		}
	}
}

// runHashCorpus runs the contract's hash corpus, one file of several lists.
func runHashCorpus(t *testing.T, raw json.RawMessage) {
	c := decode[struct {
		Vectors    []hashCase `json:"vectors"`
		Thresholds []struct {
			ID       string  `json:"id"`
			Hash     float64 `json:"hash01"`
			Rollout  float64 `json:"rollout_percentage"`
			Included bool    `json:"included"`
		} `json:"threshold_vectors"`
		Variants []struct {
			ID       string  `json:"id"`
			Hash     float64 `json:"hash01"`
			Selected *string `json:"selected"`
			Variants []struct {
				Key    string  `json:"key"`
				Weight float64 `json:"rollout_percentage"`
			} `json:"variants"`
		} `json:"variant_vectors"`
	}](t, raw)
	if len(c.Vectors) == 0 || len(c.Thresholds) == 0 || len(c.Variants) == 0 {
		t.Fatal("a list of the corpus is empty")
	}
	for _, v := range c.Vectors {
		v.check(t)
	}
	for _, v := range c.Thresholds {
		checkThreshold(t, v.Hash, v.Rollout, v.Included)
	}
	for _, v := range c.Variants {
		var weights []float64
		for _, variant := range v.Variants {
			weights = append(weights, variant.Weight)
		}
		got, want := "", ""
		if i := eval.PickVariant(v.Hash, weights); i >= 0 {
			got = v.Variants[i].Key
		}
		if v.Selected != nil {
			want = *v.Selected
		}
		if got != want {
			t.Errorf("%s: PickVariant(%v, %v) picks %q, want %q", v.ID, v.Hash, weights, got, want)
		}
	}
}
