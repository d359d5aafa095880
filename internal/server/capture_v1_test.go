package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
)

const (
	firstV1  = `{"event":"e","uuid":"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55","distinct_id":"d","timestamp":"2026-01-01T00:00:00Z"}`
	secondV1 = `{"event":"e","uuid":"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a56","distinct_id":"d","timestamp":"2026-01-01T00:00:00Z"}`
	badV1    = `{"event":"","uuid":"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a57"}`

	answerFirst = `"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55":{"result":"ok"}`
	answerBad   = `"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a57":{"result":"drop","details":"missing_event_name"}`
)

func requestV1(method, target, token string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "User-Agent": "t/1", "PostHog-Sdk-Info": "t/1",
		"PostHog-Attempt": "1", "PostHog-Request-Id": "7a7c2f5e-4a5b-4a52-9d8e-0c2f7f3a1b11",
		"PostHog-Request-Timestamp": identitytest.Now.Format(time.RFC3339),
	} {
		r.Header.Set(name, value)
	}
	return r
}

func batchV1(events ...string) string {
	return `{"created_at":"2026-01-01T00:00:00Z","batch":[` + strings.Join(events, ",") + `]}`
}

func TestCaptureV1Answers(t *testing.T) {
	stored := func(n int) func(*captureFixture) {
		return func(f *captureFixture) {
			f.apply = func(context.Context, identity.Settings, []identity.Event) (int, error) { return n, errors.New("disk") }
		}
	}
	for _, c := range []struct {
		name, method, target, token, body string
		change                            func(*captureFixture)
		status                            int
		text                              string // of a 200: the results; otherwise: the tag
		counts                            map[string]int
		retry                             string
	}{
		{name: "good", body: batchV1(firstV1, badV1), status: 200, text: answerFirst + "," + answerBad, counts: map[string]int{"applied": 1, "dropped": 1}},
		{name: "nothing to store", body: batchV1(badV1), change: stored(0), status: 200, text: answerBad, counts: map[string]int{"dropped": 1}},
		{name: "unknown token", token: "phc_other", body: batchV1(firstV1), status: 200, text: answerFirst, counts: map[string]int{"unknown_token": 1}},
		{
			name: "token that may be known", body: batchV1(firstV1, badV1), change: func(f *captureFixture) {
				f.project = func(context.Context, string) (identity.Settings, bool, bool) {
					return identity.Settings{}, false, false
				}
			},
			status: 503, text: "service_unavailable", counts: map[string]int{"failed": 1}, retry: "1",
		},
		{name: "nothing stored", body: batchV1(firstV1, secondV1), change: stored(0), status: 503, text: "service_unavailable", counts: map[string]int{"failed": 2}, retry: "1"},
		{
			name: "one of two stored", body: batchV1(firstV1, badV1, secondV1), change: stored(1), status: 200,
			text:   answerFirst + "," + answerBad + `,"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a56":{"result":"retry","details":"not_persisted"}`,
			counts: map[string]int{"applied": 1, "failed": 1, "dropped": 1}, retry: "1",
		},
		{name: "personal key", token: "phx_a", body: batchV1(firstV1), status: 401, text: "invalid_api_token", counts: map[string]int{"refused": 1}},
		{name: "GET", method: "GET", status: 405, text: "method_not_allowed", counts: map[string]int{}},
		{name: "empty", status: 400, text: "empty_body", counts: map[string]int{"refused": 1}},
		{name: "large", body: batchV1(firstV1) + strings.Repeat(" ", 3<<20), status: 200, text: answerFirst, counts: map[string]int{"applied": 1}},
		{name: "20 MiB and a byte", body: strings.Repeat(" ", 20<<20+1), status: 413, text: "payload_too_large", counts: map[string]int{"refused": 1}},
		{name: "no room", body: batchV1(firstV1) + strings.Repeat(" ", 3<<20), change: func(f *captureFixture) {
			f.room = newRoom(1, 0)
		}, status: 503, text: "service_unavailable", counts: map[string]int{"failed": 1}, retry: "1"},
		{
			name: "another product", target: discardV1Path, token: "phc_other", body: batchV1(firstV1, badV1), change: stored(0), status: 200,
			text: answerFirst + `,"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a57":{"result":"ok"}`, counts: map[string]int{"discarded": 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.target == "" {
				c.target = captureV1Path
			}
			if c.token == "" {
				c.token = identitytest.Token
			}
			f := newCaptureFixture()
			if c.change != nil {
				c.change(f)
			}
			res := f.serve(requestV1(c.method, c.target, c.token, strings.NewReader(c.body)))
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"results":{` + c.text + `}}`
			if c.status != http.StatusOK {
				var refusal map[string]string
				if err := json.Unmarshal(body, &refusal); err != nil || refusal["error_description"] == "" || refusal["error_uri"] == "" {
					t.Fatalf("refusal %s: %v", body, err)
				}
				body, want = []byte(refusal["error"]), c.text
			}
			if res.StatusCode != c.status || string(body) != want {
				t.Errorf("answer %d %s, want %d %s", res.StatusCode, body, c.status, want)
			}
			if got := res.Header.Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
			if got := res.Header.Get("Allow") != ""; got != (c.status == http.StatusMethodNotAllowed) {
				t.Errorf("Allow present: %t", got)
			}
			if diff := cmp.Diff(c.counts, f.counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

// late is what a connection fails with when its time is over.
type late struct{}

func (late) Error() string   { return "late" }
func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

func TestCaptureV1BodyThatDoesNotArrive(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		tag    string
	}{
		{late{}, 408, "body_read_timeout"},
		{io.ErrUnexpectedEOF, 400, "request_decoding_error"},
	} {
		f := newCaptureFixture()
		res := f.serve(requestV1(http.MethodPost, captureV1Path, identitytest.Token, iotest.ErrReader(c.err)))
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || !strings.Contains(string(body), `"error":"`+c.tag+`"`) {
			t.Errorf("%v: %d %s, want %d %s", c.err, res.StatusCode, body, c.status, c.tag)
		}
	}
}

// TestCaptureV1ClockIsReadFirst: a body that takes its time does not shift the
// times of its events.
func TestCaptureV1ClockIsReadFirst(t *testing.T) {
	f := newCaptureFixture()
	now := identitytest.Now
	f.now = func() time.Time { return now }
	slow := readerFunc(func([]byte) (int, error) {
		now = now.Add(time.Minute)
		return 0, io.EOF
	})
	f.serve(requestV1(http.MethodPost, captureV1Path, identitytest.Token, io.MultiReader(strings.NewReader(batchV1(firstV1)), slow)))
	if len(f.taken) != 1 || !f.taken[0].Time.Equal(identitytest.Now) {
		t.Errorf("events %+v, want one at %v", f.taken, identitytest.Now)
	}
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
