package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/rest"
	"github.com/guidon-flags/guidon/internal/store"
)

func limitedTo(project int64) func(*store.PersonalKey) {
	return func(k *store.PersonalKey) { k.ScopedProjects = []int64{project} }
}

// demote gives the administrator another level.
func (w *world) demote(level int) {
	w.t.Helper()
	w.edit(func(tx store.Tx) error {
		return tx.PutMembership(store.Membership{OrganizationID: w.org, UserID: w.admin.ID, Level: level, JoinedAt: w.clock.Now()})
	})
}

// TestParallelCreate: of many that create the same key at once, one succeeds
// and the others are told that it is taken (acceptance line 2).
func TestParallelCreate(t *testing.T) {
	w := newWorld(t)
	const n = 20
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			rec := w.do(request{method: "POST", path: flags(1), body: []byte(`{"key":"same"}`)})
			codes[i] = rec.Code
		})
	}
	wg.Wait()
	slices.Sort(codes)
	want := append([]int{http.StatusCreated}, slices.Repeat([]int{http.StatusBadRequest}, n-1)...)
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("status codes (-want +got):\n%s", diff)
	}
}

// TestParallelUpdate: concurrent edits of different fields with the version
// that all have read lose nothing.
func TestParallelUpdate(t *testing.T) {
	w := newWorld(t)
	_, made := w.send("POST", flags(1), map[string]any{"key": "a"})
	original := map[string]any{"name": "", "active": true, "tags": []string{}, "evaluation_contexts": []string{}}
	edits := []map[string]any{{"name": "n"}, {"active": false}, {"tags": []string{"t"}}, {"evaluation_contexts": []string{"c"}}}
	var wg sync.WaitGroup
	for _, e := range edits {
		wg.Go(func() {
			e["version"], e["original_flag"] = 1, original
			if code, body := w.send("PATCH", fmt.Sprintf("%s%v/", flags(1), made["id"]), e); code != http.StatusOK {
				t.Errorf("%v: %d %v", e, code, body)
			}
		})
	}
	wg.Wait()
	_, got := w.send("GET", fmt.Sprintf("%s%v/", flags(1), made["id"]), nil)
	want := map[string]any{
		"name": "n", "active": false, "tags": []any{"t"}, "evaluation_contexts": []any{"c"}, "version": float64(5),
	}
	if diff := subset("flag", want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPublishedBeforeAnswer: a change is published with its revision before it
// is answered, and a refused one is not published.
func TestPublishedBeforeAnswer(t *testing.T) {
	w := newWorld(t)
	before := len(w.revs)
	if code, body := w.send("POST", flags(1), map[string]any{"key": "a"}); code != http.StatusCreated {
		t.Fatal(code, body)
	}
	head, err := w.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(w.revs) != before+1 || w.revs[before] != head {
		t.Errorf("published %v after the write, head is %d", w.revs[before:], head)
	}
	w.send("POST", flags(1), map[string]any{"key": "a"})
	if len(w.revs) != before+1 {
		t.Errorf("a refused change was published: %v", w.revs[before:])
	}
}

// TestPublishFails: a change that is stored is answered, whether or not it
// could be published at once.
func TestPublishFails(t *testing.T) {
	w := newWorld(t)
	m := manage.New(w.store, manage.Options{Published: func(context.Context, store.Revision) error { return errors.New("no") }})
	who := manage.Caller{User: w.admin, Via: "test"}
	if _, err := m.Flags.Create(t.Context(), who, 1, manage.FlagChange{Key: manage.Given("a")}); err != nil {
		t.Error(err)
	}
}

// stand is an Authenticator that always answers the same.
type stand struct {
	principal *auth.Principal
	err       error
}

func (s stand) Bearer(context.Context, string) (*auth.Principal, error) { return s.principal, s.err }

// TestFaults: what fails on our side is never a refusal, and never says why.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	session := sessionOf(w, manage.LevelOwner)
	closed := newWorld(t)
	if err := closed.store.Close(); err != nil {
		t.Fatal(err)
	}
	unavailable := map[string]any{"type": "server_error", "code": "unavailable", "attr": nil}
	tests := []struct {
		name   string
		deps   rest.Deps
		status int
		want   map[string]any
	}{
		{"keys cannot be checked", rest.Deps{Manage: w.m, Auth: stand{err: auth.ErrUnavailable}}, 503, unavailable},
		{"store is closed", rest.Deps{Manage: closed.m, Auth: stand{principal: session}}, 503, unavailable},
		{
			"store fails",
			rest.Deps{Manage: w.m, Auth: stand{err: errors.New("disk on fire")}},
			500,
			map[string]any{"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": nil},
		},
		{
			"panic",
			rest.Deps{Manage: nil, Auth: stand{principal: session}},
			500,
			map[string]any{"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": nil},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &world{t: t, api: rest.New(tt.deps)}
			status, got := v.send("GET", flags(1), nil)
			if status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if diff := subset("body", tt.want, got); diff != "" {
				t.Error(diff)
			}
			rec := v.do(request{method: "GET", path: flags(1)})
			if retry := rec.Header().Get("Retry-After"); (retry != "") != (tt.status == 503) {
				t.Errorf("Retry-After %q with status %d", retry, tt.status)
			}
		})
	}
}

// TestHeaders: answers carry what clients and proxies need.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	rec := w.do(request{method: "POST", path: flags(1), body: []byte(`{"key":"a"}`)})
	if got := rec.Header().Get("ETag"); got != `"1"` {
		t.Errorf("ETag %s", got)
	}
	if got := rec.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %s", got)
	}
	rec = w.do(request{method: "DELETE", path: flags(1)})
	if got := rec.Header().Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow %s", got)
	}
	rec = w.do(request{method: "GET", path: flags(1), key: "none"})
	if got := rec.Header().Get("WWW-Authenticate"); got == "" {
		t.Error("no WWW-Authenticate on 401")
	}
	rec = w.do(request{method: "HEAD", path: flags(1)})
	if rec.Code != http.StatusOK {
		t.Errorf("HEAD: %d", rec.Code)
	}
	rec = w.do(request{method: "GET", path: flags(1) + "?limit=1", header: map[string]string{"X-Forwarded-Proto": "https"}})
	if rec.Code != http.StatusOK {
		t.Errorf("behind a proxy: %d", rec.Code)
	}
}

// TestNextIsAbsolute: the link to the next page keeps the query but not a key,
// and has the scheme that the client used.
func TestNextIsAbsolute(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"a", "b"} {
		w.send("POST", flags(1), map[string]any{"key": key})
	}
	rec := w.do(request{
		method: "GET", path: flags(1) + "?limit=1&search=&personal_api_key=" + bootKey, key: "none",
		header: map[string]string{"X-Forwarded-Proto": "https"},
	})
	want := `"next":"https://example.com/api/projects/1/feature_flags/?limit=1&offset=1&search="`
	if got := rec.Body.String(); !slices.Contains(splitFields(got), want) {
		t.Errorf("no %s in %.300s", want, got)
	}
}

// splitFields cuts a JSON text at commas, for looking up one member.
func splitFields(s string) []string {
	var out []string
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != ',' {
			i++
		}
		out = append(out, s[:i])
		s = s[min(i+1, len(s)):]
	}
	return out
}

// TestLimits: a key that asks too often is told when to come back; other keys
// are not disturbed, and with ReportOnly nobody is.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	exceeded := 0
	limits := rest.Limits{PerMinute: 2, PerHour: 3, Exceeded: func(string) { exceeded++ }}
	a := auth.New(w.store, feed{w.store}, auth.Options{Now: w.clock.Now})
	defer a.Close()
	w.api = rest.New(rest.Deps{Manage: w.m, Auth: a, Now: w.clock.Now, Limits: limits})
	get := func(wantStatus int, wantWait string) {
		t.Helper()
		status, body := w.send("GET", flags(1), nil)
		if status != wantStatus {
			t.Fatalf("status %d, want %d", status, wantStatus)
		}
		if wantStatus != http.StatusTooManyRequests {
			return
		}
		want := map[string]any{
			"type": "throttled_error", "code": "throttled", "attr": nil,
			"detail": "Request was throttled. Expected available in " + wantWait + " seconds.",
		}
		if diff := subset("body", want, body); diff != "" {
			t.Error(diff)
		}
	}
	get(200, "")
	get(200, "")
	w.clock.advance(20 * time.Second)
	get(429, "40")
	if rec := w.do(request{method: "GET", path: flags(1), key: w.key(nil, "*")}); rec.Code != 200 {
		t.Errorf("another key: %d", rec.Code)
	}
	if rec := w.do(request{method: "GET", path: flags(1)}); rec.Header().Get("Retry-After") != "40" {
		t.Errorf("Retry-After %s", rec.Header().Get("Retry-After"))
	}
	w.clock.advance(40 * time.Second)
	get(200, "") // what was refused did not count
	get(429, "3540")
	w.clock.advance(59 * time.Minute)
	get(200, "")
	if exceeded != 3 {
		t.Errorf("Exceeded called %d times", exceeded)
	}
	limits.ReportOnly = true
	w.api = rest.New(rest.Deps{Manage: w.m, Auth: a, Now: w.clock.Now, Limits: limits})
	for range 5 {
		get(200, "")
	}
	if exceeded != 6 {
		t.Errorf("Exceeded called %d times", exceeded)
	}
}
