package posthog

import (
	"slices"
	"testing"

	"github.com/guidon-flags/guidon/internal/feature"
)

func TestRuntimeCases(t *testing.T) {
	type runtimeCase struct {
		ID, Rule          string
		UserAgent         string  `json:"user_agent"`
		BrowserHeaders    bool    `json:"browser_headers"`
		EvaluationRuntime *string `json:"evaluation_runtime"`
		Kept              []string
		SDK               string
	}
	runtimes := []struct {
		name string
		of   feature.Runtime
	}{{"all", feature.RuntimeAny}, {"client", feature.RuntimeClient}, {"server", feature.RuntimeServer}}
	for _, c := range loadCases[runtimeCase](t, "flags_runtime.json") {
		t.Run(c.ID, func(t *testing.T) {
			body := []byte(`{"distinct_id":"u"`)
			if c.EvaluationRuntime != nil {
				body = append(body, `,"evaluation_runtime":`...)
				body = feature.AppendQuoted(body, *c.EvaluationRuntime)
			}
			var r FlagsRequest
			if err := r.Decode(append(body, '}'), BodyHints{}); err != nil {
				t.Fatal(err)
			}
			wanted := r.WantedRuntimes(c.UserAgent, c.BrowserHeaders)
			var kept []string
			for _, rt := range runtimes {
				if wanted.Has(rt.of) {
					kept = append(kept, rt.name)
				}
			}
			if !slices.Equal(kept, c.Kept) {
				t.Errorf("kept = %v, want %v", kept, c.Kept)
			}
			if got := SDKName(c.UserAgent); got != c.SDK {
				t.Errorf("SDKName = %q, want %q", got, c.SDK)
			}
		})
	}
}
