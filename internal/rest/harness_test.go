package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/rest"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

// bootKey is the personal key with all scopes that each world begins with.
const bootKey = "phx_bootkeybootkeybootkeybootkeybootkeybootkey0"

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a store with a management API on it.
type world struct {
	t       testing.TB
	clock   *clock
	store   *sqlite.Store
	m       *manage.Manager
	api     *rest.API
	org     string // id of the first organization
	admin   store.User
	mu      sync.Mutex
	revs    []store.Revision // published
	session *auth.Principal  // of the bearer "session"
}

// feed is the node's view that an Authenticator follows; the newest revision
// is asked for each time.
type feed struct{ st store.Store }

func (feed) ProjectBySecret(string) (project int64, found, certain bool) { return 0, false, true }

func (f feed) CredentialsRevision() store.Revision {
	rev, err := f.st.Head(context.Background())
	if err != nil {
		return 0
	}
	return rev
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	st, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal, Now: w.clock.Now, Mmap: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	w.store = st
	w.m = manage.New(st, manage.Options{
		Now:     w.clock.Now,
		Persons: identity.New(st, identity.Options{Now: w.clock.Now}),
		Published: func(_ context.Context, rev store.Revision) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.revs = append(w.revs, rev)
			return nil
		},
	})
	made, err := w.m.Bootstrap(t.Context(), manage.BootstrapOptions{PersonalKey: bootKey, AdminEmail: "admin@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if !made.New {
		t.Fatal("Bootstrap found a store that is not empty")
	}
	a := auth.New(st, feed{st}, auth.Options{Now: w.clock.Now})
	t.Cleanup(a.Close)
	w.api = rest.New(rest.Deps{Manage: w.m, Auth: &bearers{Authenticator: a, world: w}})
	w.view(func(tx store.ReadTx) error {
		all, err := tx.Organizations()
		if err != nil {
			return err
		}
		w.org = all[0].ID
		w.admin, err = tx.UserByEmail("admin@example.com")
		return err
	})
	return w
}

// bearers knows the login session of a test beside real keys.
type bearers struct {
	*auth.Authenticator
	world *world
}

func (b *bearers) Bearer(ctx context.Context, key string) (*auth.Principal, error) {
	if key == "session" && b.world.session != nil {
		return b.world.session, nil
	}
	return b.Authenticator.Bearer(ctx, key)
}

func (w *world) view(fn func(store.ReadTx) error) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) edit(fn func(store.Tx) error) {
	w.t.Helper()
	if _, err := w.store.Edit(w.t.Context(), store.Author{Reason: "test"}, fn); err != nil {
		w.t.Fatal(err)
	}
}

// key makes a personal key of the administrator.
func (w *world) key(change func(*store.PersonalKey), scopes ...string) string {
	w.t.Helper()
	value := auth.NewPersonalKey()
	k := store.PersonalKey{
		ID: auth.NewKeyID(), UserID: w.admin.ID, Label: "test", Hash: auth.Hash(value), Mask: auth.Mask(value), Scopes: scopes,
		CreatedAt: w.clock.Now(),
	}
	if change != nil {
		change(&k)
	}
	w.edit(func(tx store.Tx) error { return tx.InsertPersonalKey(k) })
	return value
}

// stranger makes a user of an organization and a project of their own, with a
// key that has all scopes.
func (w *world) stranger() (key string, project int64) {
	w.t.Helper()
	var u store.User
	w.edit(func(tx store.Tx) error {
		org := store.Organization{ID: uuid.NewString(), Name: "Other", Slug: "other-" + uuid.NewString(), CreatedAt: w.clock.Now()}
		if err := tx.InsertOrganization(org); err != nil {
			return err
		}
		p, err := tx.InsertProject(store.Project{
			UUID: uuid.NewString(), OrganizationID: org.ID, Name: "Other", Token: auth.NewToken(), TimeZone: "UTC",
			MatchingVersion: 2, Settings: []byte(`{}`), CreatedAt: w.clock.Now(),
		})
		if err != nil {
			return err
		}
		project = p.ID
		u, err = tx.InsertUser(store.User{UUID: uuid.NewString(), DistinctID: uuid.NewString(), Email: uuid.NewString() + "@example.com", Active: true})
		if err != nil {
			return err
		}
		return tx.PutMembership(store.Membership{OrganizationID: org.ID, UserID: u.ID, Level: manage.LevelOwner, JoinedAt: w.clock.Now()})
	})
	return w.key(func(k *store.PersonalKey) { k.UserID = u.ID }, "*"), project
}

// project makes an empty project of the first organization.
func (w *world) project() store.Project {
	w.t.Helper()
	v, err := w.m.Projects.Create(w.t.Context(), manage.Caller{User: w.admin, Via: "test"}, w.org,
		manage.ProjectChange{Name: manage.Given("Case")})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Project
}

// request is a request with its defaults: the boot key, JSON.
type request struct {
	method, path string
	key          string // empty: bootKey; "none": no credential
	header       map[string]string
	body         []byte
}

func (w *world) do(r request) *httptest.ResponseRecorder {
	req := httptest.NewRequest(r.method, r.path, bytes.NewReader(r.body))
	switch r.key {
	case "":
		req.Header.Set("Authorization", "Bearer "+bootKey)
	case "none":
	default:
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, req)
	return rec
}

// send sends a body that is encoded as JSON, and decodes the answer.
func (w *world) send(method, path string, body any) (status int, answer map[string]any) {
	w.t.Helper()
	r := request{method: method, path: path}
	if body != nil {
		var err error
		if r.body, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	rec := w.do(r)
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			w.t.Fatalf("%s %s: answer %q: %v", method, path, rec.Body, err)
		}
	}
	return rec.Code, answer
}

// flags is the path of a project's flags.
func flags(project int64) string { return fmt.Sprintf("/api/projects/%d/feature_flags/", project) }

// subset reports where got differs from want: objects may have more members
// than wanted; lists and everything else must be equal.
func subset(path string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", path, got)
		}
		for name, v := range want {
			value, present := g[name]
			if absent, ok := v.(string); ok && absent == "<absent>" {
				if present {
					return fmt.Sprintf("%s.%s is %v, want none", path, name, value)
				}
				continue
			}
			if absent, ok := v.(string); ok && absent == "<any>" && present {
				continue
			}
			if !present {
				return fmt.Sprintf("%s.%s is missing", path, name)
			}
			if diff := subset(path+"."+name, v, value); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return fmt.Sprintf("%s is %v, want %d items", path, got, len(want))
		}
		for i := range want {
			if diff := subset(fmt.Sprintf("%s[%d]", path, i), want[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if part, ok := strings.CutPrefix(want, "<contains>"); ok {
			if s, isText := got.(string); isText && strings.Contains(s, part) {
				return ""
			}
		}
	}
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) || fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Sprintf("%s is %v (%T), want %v (%T)", path, got, got, want, want)
	}
	return ""
}
