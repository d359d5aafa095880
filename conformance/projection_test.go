package conformance_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

var projectionSuite = &suite{name: "projection", core: runProjection}

// projectionCase says what becomes of an outcome in each answer format.
type projectionCase struct {
	Outcome struct {
		Key     string  `json:"key"`
		ID      int64   `json:"flag_id"`
		Version int64   `json:"flag_version"`
		Enabled bool    `json:"enabled"`
		Variant string  `json:"variant"`
		Payload *string `json:"payload"`
		Failed  bool    `json:"failed"`
		Omitted bool    `json:"omitted"`
		Reason  struct {
			Code      string `json:"code"`
			Condition *int   `json:"condition_index"`
		} `json:"reason"`
	} `json:"outcome"`
	Projections map[string]map[string]any `json:"projections"`
}

var formats = map[string]posthog.Format{
	"flags_v2": posthog.V2, "flags_v1": posthog.LegacyV1, "decide_v2": posthog.DecideV2, "decide_v1": posthog.DecideV1,
}

func runProjection(t *testing.T, raw json.RawMessage) {
	c := decode[projectionCase](t, raw)
	o := c.Outcome
	p, _ := eval.Compile(&feature.Project{Flags: []feature.Flag{{
		ID: o.ID, Key: o.Key, Version: o.Version, Active: true, Targeting: &feature.Targeting{},
	}}})
	res := c.results()
	for name, want := range c.Projections {
		delete(want, "response_version")
		var got map[string]any
		if err := json.Unmarshal(posthog.NewAnswers(p).Append(nil, formats[name], &res, &posthog.Meta{}), &got); err != nil {
			t.Fatal(err)
		}
		for field, value := range want {
			if diff := cmp.Diff(value, pinned(value, got[field])); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", name, field, diff)
			}
		}
	}
}

func (c *projectionCase) results() eval.Results {
	o := c.Outcome
	r := eval.Result{Requested: true, Enabled: o.Enabled, Variant: o.Variant, Condition: -1, Outcome: -1, Reason: reasonOf(o.Reason.Code)}
	if o.Reason.Condition != nil {
		r.Condition = *o.Reason.Condition
	}
	if o.Payload != nil {
		r.Payload = string(feature.AppendQuoted(nil, *o.Payload))
	}
	if o.Failed {
		r.Reason, r.Failure = eval.Failed, &eval.Failure{Code: o.Reason.Code}
	}
	res := eval.Results{Errors: o.Failed}
	if !o.Omitted {
		res.Items = append(res.Items, r)
	}
	return res
}

func reasonOf(code string) eval.Reason {
	for r := eval.ConditionMatch; r < eval.Failed; r++ {
		if r.Code() == code {
			return r
		}
	}
	return eval.Failed
}

// pinned keeps of the details of flags what the case pins; everything else is
// compared whole.
func pinned(want, got any) any {
	w, ok := want.(map[string]any)
	g, also := got.(map[string]any)
	if !ok || !also {
		return got
	}
	out := map[string]any{}
	for key, value := range g {
		if expected, there := w[key]; there {
			out[key] = pinned(expected, value)
		} else if _, detail := value.(map[string]any); detail {
			out[key] = value // a flag that should not be there
		}
	}
	return out
}
