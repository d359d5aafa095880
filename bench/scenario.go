package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// Scenario S3: all of 100 flags for a context of 15 properties, another user
// each request.
//
// 40 flags are plain rollouts, 40 have one to four conditions of mixed
// operators, 20 are multivariate with a payload. Everything follows from the
// seed.

// Flag is what the management API takes to create a flag.
type Flag struct {
	Key     string         `json:"key"`
	Name    string         `json:"name"`
	Filters map[string]any `json:"filters"`
}

// Flags makes n flags in the proportions of the scenario.
func Flags(n int, seed uint64) []Flag {
	rnd := rand.New(rand.NewPCG(seed, 1))
	flags := make([]Flag, n)
	for i := range flags {
		f := Flag{Key: fmt.Sprintf("flag-%05d", i), Name: "benchmark"}
		switch {
		case i%5 < 2:
			f.Filters = map[string]any{"groups": []any{group(nil, float64(rnd.IntN(100)+1))}}
		case i%5 < 4:
			f.Filters = map[string]any{"groups": conditions(rnd)}
		default:
			f.Filters = map[string]any{
				"groups": []any{group(nil, 100)},
				"multivariate": map[string]any{"variants": []any{
					map[string]any{"key": "control", "rollout_percentage": 50},
					map[string]any{"key": "test-a", "rollout_percentage": 25},
					map[string]any{"key": "test-b", "rollout_percentage": 25},
				}},
				"payloads": map[string]any{"control": `{"color":"blue"}`, "test-a": `{"color":"red"}`, "test-b": `{"color":"green"}`},
			}
		}
		flags[i] = f
	}
	return flags
}

func group(properties []any, percent float64) map[string]any {
	if properties == nil {
		properties = []any{}
	}
	return map[string]any{"properties": properties, "rollout_percentage": percent}
}

func conditions(rnd *rand.Rand) []any {
	var out []any
	for range 1 + rnd.IntN(4) {
		var properties []any
		for range 1 + rnd.IntN(3) {
			properties = append(properties, filters[rnd.IntN(len(filters))](rnd))
		}
		out = append(out, group(properties, float64(50+rnd.IntN(51))))
	}
	return out
}

var filters = []func(*rand.Rand) any{
	func(r *rand.Rand) any { return filter("plan", "exact", []any{plans[r.IntN(len(plans))]}) },
	func(r *rand.Rand) any {
		return filter("country", "exact", []any{countries[r.IntN(len(countries))], "XX"})
	},
	func(r *rand.Rand) any { return filter("country", "is_not", countries[r.IntN(len(countries))]) },
	func(r *rand.Rand) any { return filter("email", "icontains", fmt.Sprintf("@corp%d.", r.IntN(20))) },
	func(r *rand.Rand) any { return filter("age", "gt", fmt.Sprint(18+r.IntN(50))) },
	func(r *rand.Rand) any { return filter("seats", "lte", fmt.Sprint(1+r.IntN(500))) },
	func(r *rand.Rand) any {
		return filter("app_version", "semver_gte", fmt.Sprintf("%d.%d.0", 1+r.IntN(5), r.IntN(10)))
	},
	func(r *rand.Rand) any {
		return filter("signed_up", "is_date_after", fmt.Sprintf("20%02d-01-01", 18+r.IntN(8)))
	},
	func(*rand.Rand) any { return filter("beta", "is_set", "is_set") },
}

var (
	plans     = []string{"free", "starter", "pro", "enterprise"}
	countries = []string{"DE", "US", "FR", "JP", "BR", "IN", "GB", "PL"}
)

func filter(key, operator string, value any) any {
	return map[string]any{"type": "person", "key": key, "operator": operator, "value": value}
}

// Body is the request of user i: 15 properties, most of which some flag reads.
func Body(token string, i int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(i), 2))
	b, err := json.Marshal(map[string]any{
		"token":       token,
		"distinct_id": fmt.Sprintf("user-%08d", i),
		"person_properties": map[string]any{
			"plan":        plans[rnd.IntN(len(plans))],
			"country":     countries[rnd.IntN(len(countries))],
			"email":       fmt.Sprintf("user%d@corp%d.example", i, rnd.IntN(20)),
			"age":         18 + rnd.IntN(60),
			"seats":       1 + rnd.IntN(1000),
			"app_version": fmt.Sprintf("%d.%d.%d", 1+rnd.IntN(5), rnd.IntN(10), rnd.IntN(10)),
			"signed_up":   fmt.Sprintf("20%02d-%02d-15", 18+rnd.IntN(8), 1+rnd.IntN(12)),
			"beta":        rnd.IntN(2) == 0,
			"first_name":  "Ada",
			"last_name":   "Lovelace",
			"language":    "en-GB",
			"timezone":    "Europe/London",
			"theme":       "dark",
			"orders":      rnd.IntN(50),
			"newsletter":  false,
		},
	})
	if err != nil {
		panic(err) // a map of plain values
	}
	return b
}
