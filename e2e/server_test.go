package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The keys that the server under test is started with.
const (
	projectToken = "phc_e2e0token0of0the0project0under0test00000000"
	secretKey    = "phs_e2eSecretOfTheProjectUnderTest00000000000000"
	personalKey  = "phx_e2ePersonalKeyOfTheAdministrator000000000000"
)

// server is the real binary.
type server struct {
	url  string
	t    *testing.T
	cmd  *exec.Cmd
	logs *lockedBuffer
}

// start runs the binary with fresh data and stops it at the end of the test.
func start(t *testing.T) *server {
	t.Helper()
	s := launch(t, t.TempDir())
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("the server did not stop cleanly: %v", err)
		}
		if t.Failed() {
			t.Logf("server log:\n%s", s.logs.String())
		}
	})
	return s
}

// launch runs the binary on a free port with its data in dir and waits until it
// is ready. The caller ends it.
func launch(t *testing.T, dir string) *server {
	t.Helper()
	binary := os.Getenv("GUIDON_BINARY")
	if binary == "" {
		binary = filepath.Join("..", "bin", "guidon")
	}
	// Not the test's context: that ends before the clean-up, which stops the
	// server in order.
	cmd := exec.CommandContext(context.Background(), binary, "serve",
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", dir, "--drain-delay", "0s")
	cmd.Env = append(os.Environ(),
		"GUIDON_BOOTSTRAP_PROJECT_TOKEN="+projectToken,
		"GUIDON_BOOTSTRAP_SECRET_KEY="+secretKey,
		"GUIDON_BOOTSTRAP_PERSONAL_KEY="+personalKey,
	)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	logs := new(lockedBuffer)
	cmd.Stderr = logs
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v (make build)", binary, err)
	}
	return &server{url: announcedURL(t, out, logs), t: t, cmd: cmd, logs: logs}
}

// announcedURL reads the address from what the server prints when it is ready
// and keeps draining its output.
func announcedURL(t *testing.T, out io.Reader, logs *lockedBuffer) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go func() {
				for lines.Scan() {
					logs.WriteString(lines.Text() + "\n")
				}
			}()
			return strings.TrimSpace(url)
		}
	}
	t.Fatalf("the server ended without saying where it listens: %s", logs.String())
	return ""
}

// manage calls the management API with the administrator's key and decodes the
// answer, failing the test on any status of 300 and above.
func (s *server) manage(method, path string, body any) map[string]any {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer, err := s.call(method, path, raw)
	if err != nil {
		s.t.Fatal(err)
	}
	if status >= 300 {
		s.t.Fatalf("%s %s: %d: %s", method, path, status, answer)
	}
	var decoded map[string]any
	if err := json.Unmarshal(answer, &decoded); err != nil {
		s.t.Fatalf("%s %s answered %q: %v", method, path, answer, err)
	}
	return decoded
}

// call sends one request with the administrator's key. It may be called from
// any goroutine.
func (s *server) call(method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+personalKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// createFlags makes the flags that every SDK suite asks for. Which variant a
// subject gets follows from the published bucketing vectors: distinct_id_7 has
// the variant hash 0.1947… under the key multivariate-flag.
func (s *server) createFlags() {
	s.t.Helper()
	// The first group makes the group type, so that definitions name it.
	s.manage("POST", "/batch/", map[string]any{"api_key": projectToken, "batch": []any{map[string]any{
		"event": "$groupidentify", "distinct_id": "setup",
		"properties": map[string]any{"$group_type": "company", "$group_key": "initech", "$group_set": map[string]any{"seats": 1}},
	}}})
	condition := func(properties []any, percent float64) map[string]any {
		return map[string]any{"properties": properties, "rollout_percentage": percent}
	}
	property := func(kind, key, operator string, value any) map[string]any {
		return map[string]any{"type": kind, "key": key, "operator": operator, "value": value}
	}
	company := property("group", "seats", "gt", "100")
	company["group_type_index"] = 0
	for key, filters := range map[string]map[string]any{
		"everyone": {
			"groups":   []any{condition(nil, 100)},
			"payloads": map[string]any{"true": `{"steps":2}`},
		},
		"nobody": {"groups": []any{condition(nil, 0)}},
		"multivariate-flag": {
			"groups": []any{condition(nil, 100)},
			"multivariate": map[string]any{"variants": []any{
				map[string]any{"key": "control", "rollout_percentage": 50},
				map[string]any{"key": "test", "rollout_percentage": 50},
			}},
			"payloads": map[string]any{"control": `"as before"`, "test": `"new"`},
		},
		"pro-plan":    {"groups": []any{condition([]any{property("person", "plan", "exact", []any{"pro"})}, 100)}},
		"germany":     {"groups": []any{condition([]any{property("person", "country", "exact", "DE")}, 100)}},
		"big-company": {"groups": []any{condition([]any{company}, 100)}, "aggregation_group_type_index": 0},
	} {
		s.manage("POST", "/api/projects/1/feature_flags/", map[string]any{"key": key, "name": key, "filters": filters})
	}
}

// createRemoteConfig makes the remote configuration that SDK suites ask for.
func (s *server) createRemoteConfig() {
	s.t.Helper()
	s.manage("POST", "/api/projects/1/feature_flags/", map[string]any{
		"key": "limits", "is_remote_configuration": true, "filters": map[string]any{
			"groups":   []any{map[string]any{"properties": []any{}, "rollout_percentage": 100}},
			"payloads": map[string]any{"true": `{"max":5}`},
		},
	})
}

// recorder is a transport that remembers what passed through it.
type recorder struct {
	mu    sync.Mutex
	seen  []string // "METHOD /path status"
	extra chan string
}

func newRecorder() *recorder { return &recorder{extra: make(chan string, 1024)} }

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	line := fmt.Sprintf("%s %s error", req.Method, req.URL.Path)
	if err == nil {
		line = fmt.Sprintf("%s %s %d", req.Method, req.URL.Path, resp.StatusCode)
	}
	r.mu.Lock()
	r.seen = append(r.seen, line)
	r.mu.Unlock()
	select {
	case r.extra <- line:
	default:
	}
	return resp, err
}

// all returns what was seen so far.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.seen...)
}

// wait blocks until a call that has not been waited for matches.
func (r *recorder) wait(t *testing.T, line string) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case got := <-r.extra:
			if got == line {
				return
			}
		case <-timeout:
			t.Fatalf("%q was not seen; seen: %q", line, r.all())
		}
	}
}

// eventually polls for an effect that an SDK brings about in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// lockedBuffer collects a process's output.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// WriteString appends s.
func (b *lockedBuffer) WriteString(s string) { _, _ = b.Write([]byte(s)) }

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
