package identitytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// HasEvents reports whether some step of c captures events, so that it can be
// sent in the form of either version.
func (c *Case) HasEvents() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool { return s.HTTP == nil })
}

// V1 returns c with each step that captures events as a request of version 1.
// personless says that the result is another one, since some event has a
// distinct id that is only there without person processing (4.4).
func (c *Case) V1(t *testing.T) (out Case, personless bool) {
	t.Helper()
	out = *c
	out.Steps = slices.Clone(c.Steps)
	for i, s := range c.Steps {
		if s.HTTP != nil {
			continue
		}
		var shared bool
		out.Steps[i], shared = s.v1(t)
		personless = personless || shared
	}
	return out, personless
}

// sharedIDs are the distinct ids of which version 1 makes no persons.
var sharedIDs = strings.Fields(`0 00000000-0000-0000-0000-000000000000 anonymous anonymous-user backend distinct_id distinctid
	email false guest id nan none not_authenticated null system true undefined`)

func shared(id string) bool {
	id = strings.ToLower(strings.TrimSpace(id))
	return id == "[object object]" || slices.Contains(sharedIDs, id)
}

// entry is what is answered about an event.
type entry struct {
	Result  string `json:"result"`
	Details string `json:"details,omitempty"`
}

func (s *Step) v1(t *testing.T) (step Step, personless bool) {
	t.Helper()
	results := map[string]entry{}
	var batch []map[string]any
	sdk := "conformance"
	for i, raw := range s.Capture {
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		e = eventV1(e, i)
		result := entry{Result: "ok"}
		if id, _ := e["distinct_id"].(string); shared(id) {
			result.Details, personless = "person_processing_disabled", true
		}
		results[e["uuid"].(string)] = result
		properties := e["properties"].(map[string]any)
		if lib, ok := properties["$lib"].(string); ok {
			sdk = lib
			delete(properties, "$lib")
		}
		batch = append(batch, e)
	}
	now := Now.Format(time.RFC3339Nano)
	return Step{
		HTTP: &HTTPRequest{
			Method: http.MethodPost, Path: "/i/v1/analytics/events",
			Headers: map[string]string{
				"Authorization": "Bearer " + Token, "Content-Type": "application/json", "User-Agent": sdk + "/1.0.0",
				"PostHog-Sdk-Info": sdk + "/1.0.0", "PostHog-Attempt": "1",
				"PostHog-Request-Id": "7a7c2f5e-4a5b-4a52-9d8e-0c2f7f3a1b11", "PostHog-Request-Timestamp": now,
			},
			JSON: marshal(t, map[string]any{"created_at": now, "batch": batch}),
		},
		Expect: ExpectResponse{Status: http.StatusOK, JSON: marshal(t, map[string]any{"results": results})},
	}, personless
}

// eventV1 turns the i-th event of a request into what clients send to the
// endpoint of version 1.
func eventV1(e map[string]any, i int) map[string]any {
	properties, ok := e["properties"].(map[string]any)
	if !ok {
		properties = map[string]any{}
	}
	options := map[string]any{}
	out := map[string]any{
		"event": e["event"], "distinct_id": e["distinct_id"], "uuid": e["uuid"], "timestamp": e["timestamp"],
		"options": options, "properties": properties,
	}
	if out["uuid"] == nil {
		out["uuid"] = fmt.Sprintf("0190a5e0-0000-7000-8000-%012d", i)
	}
	if out["timestamp"] == nil {
		out["timestamp"] = Now.Format(time.RFC3339Nano)
	}
	for property, option := range map[string]string{
		"$process_person_profile": "process_person_profile",
		"$cookieless_mode":        "cookieless_mode",
		"$ignore_sent_at":         "disable_skew_correction",
	} {
		if value, ok := properties[property].(bool); ok {
			options[option] = value
			delete(properties, property)
		}
	}
	for property, field := range map[string]string{"$session_id": "session_id", "$window_id": "window_id"} {
		if value, ok := properties[property].(string); ok {
			out[field] = value
			delete(properties, property)
		}
	}
	for _, name := range []string{"$set", "$set_once"} {
		top, ok := e[name].(map[string]any)
		if !ok {
			continue
		}
		inner, ok := properties[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
		}
		for k, v := range top {
			inner[k] = v
		}
		properties[name] = inner
	}
	return out
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
