package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestHashVectors(t *testing.T) {
	type hashCase struct {
		ID, Prefix, Identifier, Salt string

		Hash01     float64
		Bits       string   `json:"hash01_binary64_hex"`
		Percentage *float64 `json:"rollout_percentage"`
		Included   *bool    `json:"expected_included"`
		Weights    []float64
		Index      *int `json:"expected_index_v1"`
	}
	for _, c := range vectors[hashCase](t, "hashing") {
		switch {
		case c.Bits != "":
			got := Hash01(c.Prefix, c.Identifier, c.Salt)
			if bits := fmt.Sprintf("%016x", math.Float64bits(got)); bits != c.Bits {
				t.Errorf("%s: Hash01 = %v (%s), want %v (%s)", c.ID, got, bits, c.Hash01, c.Bits)
			}
		case c.Included != nil:
			if got := inRollout(c.Hash01, *c.Percentage); got != *c.Included {
				t.Errorf("%s: inRollout(%v, %v) = %t", c.ID, c.Hash01, *c.Percentage, got)
			}
		case c.Weights != nil:
			want := -1
			if c.Index != nil {
				want = *c.Index
			}
			if got := pickVariant(c.Hash01, variantBoundaries(c.Weights)); got != want {
				t.Errorf("%s: pickVariant(%v, %v) = %d, want %d", c.ID, c.Hash01, c.Weights, got, want)
			}
		default:
			t.Errorf("%s: nothing to check", c.ID)
		}
	}
}

// TestConsistencyVectors draws long sequences of users as a flag does: rollout
// first, then variant.
func TestConsistencyVectors(t *testing.T) {
	type sequenceCase struct {
		ID         string
		FlagKey    string  `json:"flag_key"`
		Percentage float64 `json:"rollout_percentage"`
		Variants   []struct {
			Key    string
			Weight float64 `json:"rollout_percentage"`
		}
		Template string `json:"identifier_template"`
		First    int    `json:"first_i"`
		Count    int
		Legend   map[string]any
		Sequence string
	}
	for _, c := range vectors[sequenceCase](t, "consistency") {
		if len(c.Sequence) != c.Count {
			t.Fatalf("%s: %d users, but a sequence of %d", c.ID, c.Count, len(c.Sequence))
		}
		var weights []float64
		for _, v := range c.Variants {
			weights = append(weights, v.Weight)
		}
		bounds := variantBoundaries(weights)
		for i := range c.Count {
			id := strings.ReplaceAll(c.Template, "{i}", fmt.Sprint(c.First+i))
			var got any = inRollout(Hash01(c.FlagKey+".", id, ""), c.Percentage)
			if got == true {
				if v := pickVariant(Hash01(c.FlagKey+".", id, "variant"), bounds); v >= 0 {
					got = c.Variants[v].Key
				}
			}
			if want := c.Legend[c.Sequence[i:i+1]]; got != want {
				t.Fatalf("%s: %s: %v, want %v", c.ID, id, got, want)
			}
		}
	}
}

// TestHashCorpus runs the hash vectors of the rules v2 contract.
func TestHashCorpus(t *testing.T) {
	data, err := os.ReadFile("../../conformance/rules_v2/corpus/hash_sha1_60_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct {
		Vectors []struct {
			ID, Prefix, Identifier, Salt string
			Bits                         string `json:"hash01_binary64_hex"`
		}
		Thresholds []struct {
			ID         string
			Hash01     float64
			Percentage float64 `json:"rollout_percentage"`
			Included   bool
		} `json:"threshold_vectors"`
		Variants []struct {
			ID       string
			Hash01   float64
			Variants []struct {
				Key    string
				Weight float64 `json:"rollout_percentage"`
			}
			Bounds   []float64 `json:"cumulative_boundaries"`
			Selected *string
		} `json:"variant_vectors"`
	}
	if err := json.Unmarshal(data, &corpus); err != nil {
		t.Fatal(err)
	}
	if len(corpus.Vectors) == 0 || len(corpus.Thresholds) == 0 || len(corpus.Variants) == 0 {
		t.Fatal("the corpus lacks a section")
	}
	for _, c := range corpus.Vectors {
		got := Hash01(c.Prefix, c.Identifier, c.Salt)
		if bits := fmt.Sprintf("%016x", math.Float64bits(got)); bits != c.Bits {
			t.Errorf("%s: Hash01 = %v (%s), want %s", c.ID, got, bits, c.Bits)
		}
	}
	for _, c := range corpus.Thresholds {
		if got := inRollout(c.Hash01, c.Percentage); got != c.Included {
			t.Errorf("%s: inRollout(%v, %v) = %t", c.ID, c.Hash01, c.Percentage, got)
		}
	}
	for _, c := range corpus.Variants {
		var weights []float64
		for _, v := range c.Variants {
			weights = append(weights, v.Weight)
		}
		bounds := variantBoundaries(weights)
		if c.Bounds != nil && !slices.Equal(bounds, c.Bounds) {
			t.Errorf("%s: variantBoundaries(%v) = %v, want %v", c.ID, weights, bounds, c.Bounds)
		}
		got := "none"
		if i := pickVariant(c.Hash01, bounds); i >= 0 {
			got = c.Variants[i].Key
		}
		want := "none"
		if c.Selected != nil {
			want = *c.Selected
		}
		if got != want {
			t.Errorf("%s: pickVariant(%v, %v) = %s, want %s", c.ID, c.Hash01, weights, got, want)
		}
	}
}

func TestHashDoesNotAllocate(t *testing.T) {
	for _, length := range []int{0, 40, 170, 800, 2500} {
		id := strings.Repeat("x", length)
		if n := testing.AllocsPerRun(100, func() { hash01("flag-key.", id, "variant") }); n != 0 {
			t.Errorf("hash01 of %d bytes allocates %v times", length, n)
		}
	}
}

func TestHashOfLongInputs(t *testing.T) {
	// The buffers' sizes must not show.
	for _, length := range []int{hashShort, hashShort + 1, hashLong, hashLong + 1} {
		id := strings.Repeat("é", length)
		if got, want := hash01("a", id, "b"), hashBytes([]byte("a"+id+"b")); got != want {
			t.Errorf("%d characters: %v, want %v", length, got, want)
		}
	}
}

func BenchmarkHash01(b *testing.B) {
	for _, id := range []string{"0191b0e1-7c1c-7a2e-8f0e-5b3b3a7c9d10", strings.Repeat("x", 800)} {
		b.Run(fmt.Sprint(len(id)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hash01("new-checkout-flow.", id, "variant")
			}
		})
	}
}
