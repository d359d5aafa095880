package identity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

const scenarios = "../../conformance/identity"

func open(t testing.TB) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal, Now: func() time.Time { return identitytest.Now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func newService(st identity.Store) *identity.Service {
	return identity.New(st, identity.Options{Now: func() time.Time { return identitytest.Now }})
}

// decode reads events as the capture endpoints do.
func decode(t *testing.T, events ...json.RawMessage) []identity.Event {
	t.Helper()
	body := identitytest.Batch(t, events)
	c, err := posthog.DecodeCapture(posthog.CaptureQuery{}, posthog.CaptureHints{Limit: posthog.MaxCaptureBatch}, body, identitytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	var out []identity.Event
	for _, e := range c.Events {
		out = append(out, identity.Event{
			UUID: e.UUID, Name: e.Name, DistinctID: e.DistinctID, Time: e.Time,
			Properties: e.Properties, Set: e.Set, SetOnce: e.SetOnce,
		})
	}
	return out
}

// TestScenarios runs the cases whose steps are events. Those that are about
// HTTP run in the server's tests.
func TestScenarios(t *testing.T) {
	for _, f := range identitytest.Load(t, scenarios, "capture-v0.json", "capture-v1.json") {
		for _, c := range f.Cases {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				st := open(t)
				project := identitytest.Setup(t, st, &c)
				s := newService(st)
				for i, step := range c.Steps {
					if step.HTTP != nil {
						t.Fatalf("step %d is an HTTP request", i)
					}
					capture(t, s, project, decode(t, step.Capture...)...)
				}
				identitytest.Check(t, st, project.ID, &c)
			})
		}
	}
}

func capture(t *testing.T, s *identity.Service, project store.Project, events ...identity.Event) {
	t.Helper()
	settings := identity.Settings{ID: project.ID, OptOut: project.PersonlessOnly}
	if err := s.Capture(t.Context(), settings, events); err != nil {
		t.Fatal(err)
	}
}
