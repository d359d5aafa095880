package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/open-feature/go-sdk-contrib/providers/ofrep"
	"github.com/open-feature/go-sdk/openfeature"
)

// TestOFREPGo evaluates with OpenFeature's SDK for Go and its OFREP provider.
func TestOFREPGo(t *testing.T) {
	s := start(t)
	s.createFlags()
	rec := newRecorder()
	provider := ofrep.NewProvider(s.url, ofrep.WithBearerToken(projectToken), ofrep.WithClient(&http.Client{Transport: rec}))
	if err := openfeature.SetNamedProviderAndWait("go", provider); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(openfeature.Shutdown)
	client := openfeature.NewClient("go")
	ctx := t.Context()
	user := func(attributes map[string]any) openfeature.EvaluationContext {
		return openfeature.NewEvaluationContext("distinct_id_7", attributes)
	}
	company := map[string]any{
		"groups":          map[string]any{"company": "acme"},
		"groupProperties": map[string]any{"company": map[string]any{"seats": 250}},
	}

	for _, c := range []struct {
		name, flag string
		context    openfeature.EvaluationContext
		byDefault  bool // the code's default
		want       bool
		reason     openfeature.Reason
		code       openfeature.ErrorCode
	}{
		{"on", "everyone", user(nil), false, true, openfeature.TargetingMatchReason, ""},
		{"off beats the code's default", "nobody", user(nil), true, false, openfeature.DefaultReason, ""},
		{"attribute", "germany", user(map[string]any{"country": "DE"}), false, true, openfeature.TargetingMatchReason, ""},
		{"group", "big-company", user(company), false, true, openfeature.TargetingMatchReason, ""},
		{"without its group", "big-company", user(nil), true, false, openfeature.DefaultReason, ""},
		{"unknown flag", "no-such-flag", user(nil), true, true, openfeature.ErrorReason, openfeature.FlagNotFoundCode},
		{"no targeting key", "everyone", openfeature.EvaluationContext{}, false, false, openfeature.ErrorReason, openfeature.TargetingKeyMissingCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := client.BooleanValueDetails(ctx, c.flag, c.byDefault, c.context) // the error repeats the code
			if got.Value != c.want || got.Reason != c.reason || got.ErrorCode != c.code {
				t.Errorf("%v, reason %s, error %q; want %v, %s, %q", got.Value, got.Reason, got.ErrorCode, c.want, c.reason, c.code)
			}
		})
	}

	variant, err := client.StringValueDetails(ctx, "multivariate-flag", "none", user(nil))
	if err != nil || variant.Value != "control" || variant.Variant != "control" || variant.Reason != openfeature.SplitReason {
		t.Errorf("variant %+v, error %v", variant, err)
	}
	if payload, err := variant.FlagMetadata.GetString("payload"); err != nil || payload != `"as before"` {
		t.Errorf("payload %q, error %v", payload, err)
	}

	// Off is not of the flag's type: the code's default counts, and is no error.
	s.manage("POST", "/api/projects/1/feature_flags/", map[string]any{"key": "themes", "name": "themes", "filters": map[string]any{
		"groups":       []any{map[string]any{"properties": []any{}, "rollout_percentage": 0}},
		"multivariate": map[string]any{"variants": []any{map[string]any{"key": "dark", "rollout_percentage": 100}}},
	}})
	off, err := client.StringValueDetails(ctx, "themes", "light", user(nil))
	if err != nil || off.Value != "light" || off.Reason != openfeature.DisabledReason {
		t.Errorf("variant that is off: %+v, error %v", off, err)
	}

	want := []string{
		"everyone 200", "nobody 200", "germany 200", "big-company 200", "big-company 200",
		"no-such-flag 404", "everyone 400", "multivariate-flag 200", "themes 200",
	}
	for i := range want {
		want[i] = "POST /ofrep/v1/evaluate/flags/" + want[i]
	}
	if seen := rec.all(); !slices.Equal(seen, want) {
		t.Errorf("answers %q, want %q", seen, want)
	}
}
