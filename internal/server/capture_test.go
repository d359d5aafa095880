package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

// captureFixture is a capture handler whose parts a test can replace.
type captureFixture struct {
	captureDeps
	counts map[string]int
	taken  []identity.Event
}

func newCaptureFixture() *captureFixture {
	f := &captureFixture{counts: map[string]int{}}
	f.captureDeps = captureDeps{
		project: func(_ context.Context, token string) (identity.Settings, bool, bool) {
			return identity.Settings{ID: 1}, token == identitytest.Token, true
		},
		apply: func(_ context.Context, _ identity.Settings, events []identity.Event) (int, error) {
			f.taken = append(f.taken, events...)
			return len(events), nil
		},
		count:  func(result string, events int) { f.counts[result] += events },
		room:   newRoom(roomBytes, roomWait),
		now:    func() time.Time { return identitytest.Now },
		logger: slog.New(slog.DiscardHandler),
	}
	return f
}

func (f *captureFixture) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h := newCaptureHandler(&f.captureDeps)
	switch strings.TrimSuffix(r.URL.Path, "/") {
	case captureV1Path:
		h = newCaptureV1Handler(&f.captureDeps)
	case discardV1Path:
		h = newDiscardV1Handler(&f.captureDeps)
	}
	h.ServeHTTP(w, r)
	return w.Result()
}

// TestCaptureScenarios runs all identity scenarios over HTTP on sqlite.
func TestCaptureScenarios(t *testing.T) {
	for _, file := range identitytest.Load(t, "../../conformance/identity") {
		for _, c := range file.Cases {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				st := openStore(t)
				project := identitytest.Setup(t, st, &c)
				service := identity.New(st, identity.Options{Now: func() time.Time { return identitytest.Now }})
				f := newCaptureFixture()
				f.project = func(_ context.Context, token string) (identity.Settings, bool, bool) {
					return identity.Settings{ID: project.ID, OptOut: project.PersonlessOnly}, token == project.Token, true
				}
				f.apply = service.CaptureFront
				for i := range c.Steps {
					c.Steps[i].CheckResponse(t, f.serve(c.Steps[i].Request(t)))
				}
				identitytest.Check(t, st, project.ID, &c)
			})
		}
	}
}

func openStore(t *testing.T) store.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal})
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

func TestCaptureAnswers(t *testing.T) {
	const good = `{"api_key":"phc_conformance_identity","batch":[{"event":"e","distinct_id":"d"}]}`
	for _, c := range []struct {
		name, method, target, body string
		change                     func(*captureFixture)
		status                     int
		text                       string
		counts                     map[string]int
		retry                      bool
	}{
		{name: "good", target: "/batch", body: good, status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1}},
		{name: "beacon", target: "/e/?beacon=1", body: good, status: 204, counts: map[string]int{"applied": 1}},
		{name: "beacon refused", target: "/e/?beacon=1", body: `[]`, status: 400, text: "request holds no event", counts: map[string]int{"refused": 1}},
		{
			name: "GET", method: "GET", target: "/e?data=eyJldmVudCI6ImUiLCJkaXN0aW5jdF9pZCI6ImQiLCJ0b2tlbiI6InBoY19jb25mb3JtYW5jZV9pZGVudGl0eSJ9",
			status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1},
		},
		{name: "GET of nothing", method: "GET", target: "/e", status: 400, text: "request holds no event", counts: map[string]int{"refused": 1}},
		{name: "other method", method: "PUT", target: "/e", body: good, status: 405, text: "method not allowed"},
		{
			name: "unknown token", target: "/batch", body: strings.Replace(good, "phc_conformance_identity", "phc_other", 1),
			status: 200, text: `{"status":1}`, counts: map[string]int{"unknown_token": 1},
		},
		{
			name: "unknown token as a beacon", target: "/batch?beacon=1", body: strings.Replace(good, "phc_conformance_identity", "phc_other", 1),
			status: 204, counts: map[string]int{"unknown_token": 1},
		},
		{name: "token that may be known", target: "/batch", body: good, change: func(f *captureFixture) {
			f.project = func(context.Context, string) (identity.Settings, bool, bool) {
				return identity.Settings{}, false, false
			}
		}, status: 503, text: "transient error, please retry", counts: map[string]int{"failed": 1}, retry: true},
		{name: "store fails", target: "/batch", body: good, change: func(f *captureFixture) {
			f.apply = func(context.Context, identity.Settings, []identity.Event) (int, error) { return 0, errors.New("disk") }
		}, status: 503, text: "transient error, please retry", counts: map[string]int{"failed": 1}, retry: true},
		{
			name: "only performance events", target: "/e", body: `[{"event":"$performance_event","token":"phc_conformance_identity"}]`,
			status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 0},
		},
		{name: "2 MiB and a byte", target: "/e", body: strings.Repeat(" ", 2<<20+1), status: 413, text: "maximum event size exceeded", counts: map[string]int{"refused": 1}},
		{name: "2 MiB", target: "/capture/", body: good + strings.Repeat(" ", 2<<20-len(good)), status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1}},
		{name: "a large batch", target: "/batch/", body: good + strings.Repeat(" ", 3<<20), status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1}},
		{name: "20 MiB and a byte", target: "/batch", body: strings.Repeat(" ", 20<<20+1), status: 413, text: "maximum event size exceeded", counts: map[string]int{"refused": 1}},
		{name: "track", target: "/track/", body: good, status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1}},
		{name: "engage without a name", target: "/engage", body: `{"token":"phc_conformance_identity","distinct_id":"d"}`, status: 200, text: `{"status":1}`, counts: map[string]int{"applied": 1}},
		{
			name: "capture without a name", target: "/capture", body: `{"token":"phc_conformance_identity","distinct_id":"d"}`,
			status: 400, text: "failed to parse request: an event has no name", counts: map[string]int{"refused": 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newCaptureFixture()
			if c.change != nil {
				c.change(f)
			}
			if c.method == "" {
				c.method = http.MethodPost
			}
			for _, chunked := range []bool{false, true} {
				clear(f.counts)
				r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
				if chunked {
					r.ContentLength = -1
				}
				res := f.serve(r)
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != c.status || string(body) != c.text {
					t.Errorf("answer %d %q, want %d %q", res.StatusCode, body, c.status, c.text)
				}
				if retry := res.Header.Get("Retry-After") != ""; retry != c.retry {
					t.Errorf("Retry-After present: %t, want %t", retry, c.retry)
				}
				if want := c.counts; want != nil {
					if diff := cmp.Diff(want, f.counts); diff != "" {
						t.Errorf("counts (-want +got):\n%s", diff)
					}
				}
			}
		})
	}
}

func TestCaptureMakesUUIDs(t *testing.T) {
	f := newCaptureFixture()
	f.serve(httptest.NewRequest(http.MethodPost, "/batch", strings.NewReader(
		`{"api_key":"phc_conformance_identity","batch":[{"event":"e","distinct_id":"d"},{"event":"e","distinct_id":"d","uuid":"0190A5E0-7B1C-7C5E-9A3E-2F6D0C1B4A55"}]}`)))
	if len(f.taken) != 2 || len(f.taken[0].UUID) != 36 || f.taken[0].UUID[14] != '7' ||
		f.taken[1].UUID != "0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55" {
		t.Errorf("events %+v", f.taken)
	}
}

// TestCaptureOutlivesItsClient: what arrived whole is applied, even if nobody
// waits for the answer.
func TestCaptureOutlivesItsClient(t *testing.T) {
	f := newCaptureFixture()
	f.apply = func(ctx context.Context, _ identity.Settings, events []identity.Event) (int, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the store may take for ever")
		}
		return len(events), ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodPost, "/e", strings.NewReader(`{"token":"phc_conformance_identity","event":"e","distinct_id":"d"}`))
	if res := f.serve(r.WithContext(ctx)); res.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", res.StatusCode)
	}
}

func TestDiscard(t *testing.T) {
	counts := map[string]int{}
	h := newDiscardHandler(func(result string, events int) { counts[result] += events })
	for _, c := range []struct {
		method string
		size   int
		status int
	}{
		{"POST", 100, 200},
		{"POST", 20<<20 + 1, 413},
		{"DELETE", 0, 405},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, "/s", strings.NewReader(strings.Repeat("x", c.size))))
		if w.Code != c.status {
			t.Errorf("%s of %d bytes: status %d, want %d", c.method, c.size, w.Code, c.status)
		}
	}
	if want := map[string]int{"discarded": 1, "refused": 1}; !cmp.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
}
