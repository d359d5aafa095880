package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/node"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(code int) { http.DefaultClient.CloseIdleConnections(); os.Exit(code) }))
}

var keys = manage.BootstrapOptions{
	ProjectToken: "phc_node0test000000000000000000000000000000000", SecretKey: "phs_nodeTest", PersonalKey: "phx_nodeTest",
	AdminEmail: "admin@example.com", AdminPassword: "correct horse",
}

func options(dir string) node.Options {
	return node.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Data: dir, Sync: sqlite.SyncNormal, Bootstrap: keys}
}

// serve starts a node and returns it with a function that stops it.
func serve(t *testing.T, o node.Options) (*node.Node, func()) {
	t.Helper()
	n, err := node.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	}
	t.Cleanup(stop)
	return n, stop
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+keys.PersonalKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func createFlag(t *testing.T, n *node.Node) {
	t.Helper()
	status, answer := post(t, n.URL()+"/api/projects/1/feature_flags/",
		`{"key": "on", "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d %s", status, answer)
	}
}

func ask(t *testing.T, n *node.Node, token string) (int, bool) {
	t.Helper()
	status, answer := post(t, n.URL()+"/flags/?v=2", `{"token": "`+token+`", "distinct_id": "u"}`)
	var got struct {
		Flags map[string]struct {
			Enabled bool `json:"enabled"`
		} `json:"flags"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return status, got.Flags["on"].Enabled
}

// silent is a store that never hints at a change.
type silent struct{ store.Store }

func (silent) Hints() (<-chan struct{}, func()) { return nil, func() {} }

// A captured event is seen by the request that follows (I5), also if it brings
// a group type, which is part of what flags are compiled with.
func TestANewGroupTypeIsServedAtOnce(t *testing.T) {
	o := options(t.TempDir())
	o.PollInterval = time.Hour
	o.Open = func(ctx context.Context) (store.Store, error) {
		st, err := sqlite.Open(ctx, o.Data, sqlite.Options{Sync: o.Sync})
		return silent{st}, err
	}
	n, _ := serve(t, o)
	status, answer := post(t, n.URL()+"/api/projects/1/feature_flags/",
		`{"key": "on", "filters": {"aggregation_group_type_index": 0, "groups": [{"properties": [], "rollout_percentage": 100}]}}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d %s", status, answer)
	}
	if status, answer := post(t, n.URL()+"/e/", `{"token": "`+keys.ProjectToken+`", "event": "e", "distinct_id": "u",
		"properties": {"$groups": {"company": "acme"}}}`); status != http.StatusOK {
		t.Fatalf("capture: %d %s", status, answer)
	}
	_, answer = post(t, n.URL()+"/flags/?v=2", `{"token": "`+keys.ProjectToken+`", "distinct_id": "u", "groups": {"company": "acme"}}`)
	if !strings.Contains(answer, `"enabled":true`) {
		t.Errorf("the group type is not known: %s", answer)
	}
}

// A committed edit is served by the very next request, and survives a restart.
func TestEditIsServedAtOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	n, stop := serve(t, options(dir))
	if n.Made == nil || n.Made.Values != keys {
		t.Fatalf("a first start made %+v", n.Made)
	}
	if status, on := ask(t, n, keys.ProjectToken); status != http.StatusOK || on {
		t.Fatalf("before the edit: %d, %v", status, on)
	}
	createFlag(t, n)
	if status, on := ask(t, n, keys.ProjectToken); status != http.StatusOK || !on {
		t.Fatalf("after the edit: %d, %v", status, on)
	}
	stop()

	n, _ = serve(t, options(dir))
	if n.Made != nil {
		t.Error("a second start made something")
	}
	if status, on := ask(t, n, keys.ProjectToken); status != http.StatusOK || !on {
		t.Errorf("after the restart: %d, %v", status, on)
	}
}

// A node whose database is broken serves the last good definitions; an unknown
// token is then not refused for certain.
func TestServesWithItsDatabaseBroken(t *testing.T) {
	dir := t.TempDir()
	n, stop := serve(t, options(dir))
	createFlag(t, n)
	stop()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, sqlite.FileName+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, sqlite.FileName), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}

	n, _ = serve(t, options(dir))
	if n.StoreError == nil {
		t.Fatal("the store opened")
	}
	if status, on := ask(t, n, keys.ProjectToken); status != http.StatusOK || !on {
		t.Errorf("with a broken database: %d, %v", status, on)
	}
	if status, _ := ask(t, n, "phc_unknown"); status != http.StatusServiceUnavailable {
		t.Errorf("an unknown token is answered with %d, want 503", status)
	}
	if status, answer := post(t, n.URL()+"/batch/", `{"api_key": "`+keys.ProjectToken+`", "batch": [{"event": "e", "distinct_id": "u"}]}`); status != http.StatusServiceUnavailable {
		t.Errorf("an event that cannot be kept is answered with %d %s, want 503", status, answer)
	}
}

func TestTwoNodesDoNotShareADirectory(t *testing.T) {
	dir := t.TempDir()
	serve(t, options(dir))
	second, err := node.Start(t.Context(), options(dir))
	if !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("Start error = %v, want ErrInUse", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	n, _ := serve(t, options(t.TempDir()))
	o := options(t.TempDir())
	o.Listen = strings.TrimPrefix(n.URL(), "http://")
	if _, err := node.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "public address") {
		t.Errorf("Start error = %v, want one that names the public address", err)
	}
	if _, err := os.Stat(filepath.Join(o.Data, sqlite.FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a node that cannot listen touched its data: %v", err)
	}
}

func TestBadBootstrapKeysAreRefused(t *testing.T) {
	o := options(t.TempDir())
	o.Bootstrap.ProjectToken = "not a token"
	if _, err := node.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "phc_") {
		t.Errorf("Start error = %v, want one that says what a token looks like", err)
	}
}
