package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthog/posthog-go"
)

// sdkLog fails the test when the SDK complains.
type sdkLog struct{ t *testing.T }

func (l sdkLog) Debugf(string, ...any)            {}
func (l sdkLog) Logf(string, ...any)              {}
func (l sdkLog) Warnf(format string, args ...any) { l.t.Errorf("the SDK warned: "+format, args...) }
func (l sdkLog) Errorf(format string, args ...any) {
	l.t.Errorf("the SDK reported an error: "+format, args...)
}

// delivery counts delivered messages and fails the test for refused ones.
type delivery struct {
	t  *testing.T
	mu sync.Mutex
	n  int
}

func (d *delivery) Success(posthog.APIMessage) {
	d.mu.Lock()
	d.n++
	d.mu.Unlock()
}

func (d *delivery) Failure(m posthog.APIMessage, err error) { d.t.Errorf("message refused: %v", err) }

func (d *delivery) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n
}

func newGoClient(t *testing.T, s *server, local bool) (posthog.Client, *recorder, *delivery) {
	t.Helper()
	rec, done := newRecorder(), &delivery{t: t}
	config := posthog.Config{
		Endpoint: s.url, Transport: rec, Logger: sdkLog{t}, Callback: done,
		Interval: 50 * time.Millisecond, DefaultFeatureFlagsPollingInterval: 100 * time.Millisecond,
	}
	if local {
		config.SecretKey = personalKey
	}
	client, err := posthog.NewWithConfig(projectToken, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		for _, line := range rec.all() {
			if !strings.HasSuffix(line, " 200") && !strings.HasSuffix(line, " 304") {
				t.Errorf("unexpected answer: %s", line)
			}
		}
	})
	return client, rec, done
}

// value asks for one flag and renders it as enabled/variant/payload.
func value(t *testing.T, c posthog.Client, p posthog.FeatureFlagPayload) string {
	t.Helper()
	off := false
	p.SendFeatureFlagEvents = &off
	r, err := c.GetFeatureFlagResult(p)
	if err != nil {
		return "error: " + err.Error()
	}
	variant, payload := "-", "-"
	if r.Variant != nil {
		variant = *r.Variant
	}
	if r.RawPayload != nil {
		payload = *r.RawPayload
	}
	return fmt.Sprintf("%v/%s/%s", r.Enabled, variant, payload)
}

func TestPosthogGoRemote(t *testing.T) {
	s := start(t)
	s.createFlags()
	c, _, done := newGoClient(t, s, false)

	for _, m := range []posthog.Message{
		posthog.Identify{DistinctId: "distinct_id_7", Properties: posthog.Properties{"plan": "pro"}},
		posthog.GroupIdentify{Type: "company", Key: "acme", Properties: posthog.Properties{"seats": 250}},
	} {
		if err := c.Enqueue(m); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both messages are delivered", func() bool { return done.count() == 2 })

	acme := posthog.Groups{"company": "acme"}
	for _, c2 := range []struct {
		name string
		ask  posthog.FeatureFlagPayload
		want string
	}{
		{"boolean with payload", posthog.FeatureFlagPayload{Key: "everyone", DistinctId: "distinct_id_7"}, `true/-/{"steps":2}`},
		{"off", posthog.FeatureFlagPayload{Key: "nobody", DistinctId: "distinct_id_7"}, "false/-/-"},
		{"variant with payload", posthog.FeatureFlagPayload{Key: "multivariate-flag", DistinctId: "distinct_id_7"}, `true/control/"as before"`},
		{"stored property", posthog.FeatureFlagPayload{Key: "pro-plan", DistinctId: "distinct_id_7"}, "true/-/-"},
		{"unknown person", posthog.FeatureFlagPayload{Key: "pro-plan", DistinctId: "stranger"}, "false/-/-"},
		{"override beats stored", posthog.FeatureFlagPayload{
			Key: "pro-plan", DistinctId: "distinct_id_7",
			PersonProperties: posthog.Properties{"plan": "free"},
		}, "false/-/-"},
		{"override", posthog.FeatureFlagPayload{
			Key: "germany", DistinctId: "distinct_id_7",
			PersonProperties: posthog.Properties{"country": "de"},
		}, "true/-/-"},
		{"stored group property", posthog.FeatureFlagPayload{Key: "big-company", DistinctId: "distinct_id_7", Groups: acme}, "true/-/-"},
		{"group property override", posthog.FeatureFlagPayload{
			Key: "big-company", DistinctId: "distinct_id_7", Groups: acme,
			GroupProperties: map[string]posthog.Properties{"company": {"seats": 3}},
		}, "false/-/-"},
		{"group flag without group", posthog.FeatureFlagPayload{Key: "big-company", DistinctId: "distinct_id_7"}, "false/-/-"},
	} {
		if got := value(t, c, c2.ask); got != c2.want {
			t.Errorf("%s: %s = %s, want %s", c2.name, c2.ask.Key, got, c2.want)
		}
	}

	all, err := c.GetAllFlags(posthog.FeatureFlagPayloadNoKey{DistinctId: "distinct_id_7"})
	if err != nil || len(all) != 6 || all["multivariate-flag"] != "control" || all["pro-plan"] != true {
		t.Errorf("GetAllFlags = %v, %v", all, err)
	}
}

func TestPosthogGoRemoteConfig(t *testing.T) {
	s := start(t)
	s.createRemoteConfig()
	c, rec, _ := newGoClient(t, s, true)
	rec.wait(t, "GET /flags/definitions 200") // which a key makes the client poll
	if got, err := c.GetRemoteConfigPayload("limits"); err != nil || got != `{"max":5}` {
		t.Errorf("GetRemoteConfigPayload = %q, %v", got, err)
	}
}

func TestPosthogGoLocal(t *testing.T) {
	s := start(t)
	s.createFlags()
	c, rec, _ := newGoClient(t, s, true)
	const definitions = "GET /flags/definitions "

	locally := func(key string, properties posthog.Properties) string {
		return value(t, c, posthog.FeatureFlagPayload{
			Key: key, DistinctId: "distinct_id_7", PersonProperties: properties, OnlyEvaluateLocally: true,
		})
	}
	if got, want := locally("everyone", nil), `true/-/{"steps":2}`; got != want {
		t.Errorf("everyone locally = %s, want %s", got, want)
	}
	if got, want := locally("multivariate-flag", nil), `true/control/"as before"`; got != want {
		t.Errorf("multivariate-flag locally = %s, want %s", got, want)
	}
	if got, want := locally("pro-plan", posthog.Properties{"plan": "pro"}), "true/-/-"; got != want {
		t.Errorf("pro-plan locally = %s, want %s", got, want)
	}
	rec.wait(t, definitions+"304") // polling without a change costs nothing

	flag := s.manage("GET", "/api/projects/1/feature_flags/?key=nobody", nil)["results"].([]any)[0].(map[string]any)
	s.manage("PATCH", fmt.Sprintf("/api/projects/1/feature_flags/%v/", flag["id"]),
		map[string]any{"filters": map[string]any{"groups": []any{map[string]any{"properties": []any{}, "rollout_percentage": 100}}}})
	rec.wait(t, definitions+"200") // the edit is a new version with a new tag
	eventually(t, "the edit takes effect locally", func() bool { return locally("nobody", nil) == "true/-/-" })
	rec.wait(t, definitions+"304")
	for _, line := range rec.all() {
		if !strings.HasPrefix(line, definitions) {
			t.Errorf("local evaluation asked the server: %s", line)
		}
	}
}
