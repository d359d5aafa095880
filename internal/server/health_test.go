package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/server"
)

func flagsRequest(token string) string { return `{"token":"` + token + `","distinct_id":"u"}` }

func (n *node) post(path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, r)
	return rec
}

// A start with the store gone serves what it served before: flags, definitions
// with keys that are in the last good files, and readiness.
func TestStartWithTheStoreGone(t *testing.T) {
	dir, st := t.TempDir(), newStore(t)
	before := newNode(t, nodeOptions{store: st, dir: dir, seed: seed})
	want := before.post("/flags?v=1", flagsRequest("phc_a")).Body.String()
	before.set.Close() // the files are written

	n := newNode(t, nodeOptions{store: st, dir: dir, down: true})
	if rec := n.do("GET", "/_readiness"); rec.Code != 200 {
		t.Errorf("readiness %d, want 200", rec.Code)
	}
	if rec := n.do("GET", "/_readiness?verbose"); !strings.Contains(rec.Body.String(), "last good") {
		t.Errorf("verbose readiness %q does not tell of last good definitions", rec.Body)
	}
	rec := n.post("/flags?v=1", flagsRequest("phc_a"))
	if rec.Code != 200 || flagsOf(t, rec.Body.Bytes()) != flagsOf(t, []byte(want)) {
		t.Errorf("flags %d %s, want those of before", rec.Code, rec.Body)
	}
	if rec := n.do("GET", "/flags/definitions", "Authorization", "Bearer phs_a"); rec.Code != 200 {
		t.Errorf("definitions %d, want 200", rec.Code)
	}
	if rec := n.post("/flags", flagsRequest("phc_unknown")); rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("unknown token %d, want 503 with Retry-After", rec.Code)
	}
	if rec := n.post("/e", `{"api_key":"phc_a","event":"x","distinct_id":"u","properties":{"$set":{"a":1}}}`); rec.Code != 503 {
		t.Errorf("capture %d, want 503", rec.Code)
	}
	health := httptest.NewRecorder()
	n.server.Admin().ServeHTTP(health, httptest.NewRequest(http.MethodGet, "/health", nil))
	if health.Code != 503 || !strings.Contains(health.Body.String(), `"projects_from_disk":2`) {
		t.Errorf("deep health %d %s", health.Code, health.Body)
	}
}

func flagsOf(t *testing.T, body []byte) string {
	t.Helper()
	var a struct {
		FeatureFlags json.RawMessage `json:"featureFlags"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.FeatureFlags == nil {
		t.Fatalf("no flags in %s (%v)", body, err)
	}
	return string(a.FeatureFlags)
}

func TestReadinessOfANodeWithNothing(t *testing.T) {
	n := newNode(t, nodeOptions{down: true})
	if rec := n.do("GET", "/_readiness"); rec.Code != 503 {
		t.Errorf("readiness %d, want 503", rec.Code)
	}
	for _, path := range []string{"/_liveness", "/_startup"} {
		if rec := n.do("GET", path); rec.Code != 200 {
			t.Errorf("%s %d, want 200", path, rec.Code)
		}
	}
}

func TestAdmin(t *testing.T) {
	n := newNode(t, nodeOptions{})
	n.post("/flags", flagsRequest("phc_a"))
	n.post("/flags", flagsRequest("phc_unknown"))
	n.do("GET", "/flags/definitions", "Authorization", "Bearer phs_a")
	n.do("GET", "/api/panic")
	admin := n.server.Admin()
	tests := []struct {
		path string
		code int
		want []string
	}{
		{"/metrics", 200, []string{
			`flags_requests_total{library="other",status="2xx",version="v2"} 1`,
			`flags_requests_total{library="other",status="4xx",version="v2"} 1`,
			`flags_token_validation_errors_total{reason="invalid_token"} 1`,
			`flags_flag_definitions_requests_total 1`,
			`flags_flag_definitions_etag_total{result="none"} 1`,
			`flags_request_faults_total{code="internal_error"} 1`,
			`guidon_panics_total 1`,
			`guidon_projects 2`,
			`guidon_definitions_age_seconds`,
		}},
		{"/health", 200, []string{`"ready":true`, `"store":"ok"`}},
		{"/debug/pprof/", 200, []string{"goroutine"}},
		{"/debug/pprof/goroutine?debug=1", 200, []string{"goroutine profile"}},
		{"/_readiness", 200, []string{"ready"}},
		{"/flags", 404, nil},
	}
	for _, test := range tests {
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, test.path, nil))
		if rec.Code != test.code {
			t.Errorf("%s: %d, want %d", test.path, rec.Code, test.code)
		}
		for _, want := range test.want {
			if !strings.Contains(rec.Body.String(), want) {
				t.Errorf("%s lacks %s", test.path, want)
			}
		}
	}
	for _, path := range []string{"/metrics", "/health", "/debug/pprof/"} {
		if rec := n.do("GET", path); rec.Code != 404 {
			t.Errorf("%s on the public address: %d, want 404", path, rec.Code)
		}
	}
}

func TestLogHoldsFailuresAndSlowRequests(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	step := time.Duration(0)
	n := newNode(t, nodeOptions{server: server.Options{
		Logger: slog.New(slog.NewJSONHandler(&out, nil)),
		Now:    func() time.Time { now = now.Add(step); return now },
	}})
	n.post("/flags?token=secret-in-query", flagsRequest("phc_a"))
	n.post("/flags", flagsRequest("phc_unknown"))
	if out.Len() != 0 {
		t.Errorf("logged %s, want nothing of a quick answer and a refusal", out.String())
	}
	step = time.Second
	n.post("/flags?secret-in-query", flagsRequest("phc_a"), "X-Forwarded-For", "203.0.113.7")
	line := out.String()
	for _, want := range []string{`"level":"WARN"`, `"path":"/flags"`, `"http_status":200`, `"project":1`, `"ip":"203.0.113.7"`, `"request_id":"`} {
		if !strings.Contains(line, want) {
			t.Errorf("the line of a slow request lacks %s: %s", want, line)
		}
	}
	for _, secret := range []string{"secret-in-query", "phc_a"} {
		if strings.Contains(line, secret) {
			t.Errorf("the line holds %s: %s", secret, line)
		}
	}
	out.Reset()
	n.do("GET", "/array/phc_0123456789abcdef/config")
	if got := out.String(); !strings.Contains(got, `"path":"/array/phc_...cdef/config"`) {
		t.Errorf("a path with a token is logged as %s", got)
	}
	step = 0
	out.Reset()
	n.do("GET", "/api/panic")
	got := out.String()
	if !strings.Contains(got, `"http_status":500`) || !strings.Contains(got, `"panic":"string"`) || !strings.Contains(got, "node_test.go") {
		t.Errorf("a panic is logged as %s", got)
	}
	if strings.Contains(got, "for the test") {
		t.Errorf("the line of a panic holds its value, which could be a property: %s", got)
	}
}

func TestAPanicLeavesNoHeadersOfTheAnswerThatDoesNotCome(t *testing.T) {
	n := newNode(t, nodeOptions{api: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"x"`)
		panic("for the test")
	})})
	rec := n.do("GET", "/api/x", "Origin", "https://a.example")
	h := rec.Header()
	if rec.Code != 500 || h.Get("Content-Encoding") != "" || h.Get("ETag") != "" || h.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%d with headers %v", rec.Code, h)
	}
}

// After the first byte nothing can be taken back: the connection is cut.
func TestAPanicInTheMiddleCutsTheConnection(t *testing.T) {
	r := run(t, nodeOptions{api: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		panic("for the test")
	})})
	if _, _, err := fetch(client(t), "GET", r.url+"/api/x", ""); err == nil {
		t.Error("half an answer passes for a whole one")
	}
	if status, _, err := fetch(client(t), "GET", r.url+"/_liveness", ""); err != nil || status != 200 {
		t.Errorf("the server is gone: %d, %v", status, err)
	}
}
