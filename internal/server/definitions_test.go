package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/guidon-flags/guidon/internal/store"
)

func (n *node) do(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, r)
	return rec
}

// definitionRoutes are the paths that hand out definitions.
var definitionRoutes = []string{
	"/flags/definitions", "/flags/definitions/",
	"/api/feature_flag/local_evaluation", "/api/feature_flag/local_evaluation/",
}

// remoteConfigRoutes are the paths that hand out the payload of a flag.
var remoteConfigRoutes = []string{
	"/api/projects/@current/feature_flags/limits/remote_config", "/api/projects/1/feature_flags/limits/remote_config/",
	"/api/environments/@current/feature_flags/limits/remote_config", "/api/environments/1/feature_flags/limits/remote_config/",
}

// Every route that needs a key refuses a request without one, with a wrong one
// and with one that lacks the scope, whatever the method. To the secrets of
// another project remote configurations say 403 instead of 401 (12).
func TestRoutesNeedKeys(t *testing.T) {
	n := newNode(t, nodeOptions{seed: seedRemoteConfigs})
	tests := []struct {
		name, key string
		want      int
	}{
		{"no key", "", 401},
		{"project token", "phc_a", 401},
		{"unknown secret", "phs_wrong", 401},
		{"unknown personal key", "phx_wrong", 401},
		{"secret of another project", "phs_b", 401},
		{"key of another project", "phs_b_key", 401},
		{"key of another organization", "phx_stranger", 401},
		{"key limited to another project", "phx_elsewhere", 401},
		{"personal key without scope", "phx_noscope", 403},
		{"project key without scope", "phs_a_noscope", 403},
		{"secret token", "phs_a", 200},
		{"project key", "phs_a_key", 200},
		{"personal key", "phx_a", 200},
		{"personal key that reads", "phx_read", 200},
	}
	for _, path := range append(remoteConfigRoutes, definitionRoutes...) {
		for _, method := range []string{"GET", "HEAD"} {
			for _, test := range tests {
				if strings.HasPrefix(test.key, "phs_b") && slices.Contains(remoteConfigRoutes, path) {
					test.want = 403
				}
				var headers []string
				if test.key != "" {
					headers = []string{"Authorization", "Bearer " + test.key}
				}
				if got := n.do(method, path+"?token=phc_a&send_cohorts", headers...).Code; got != test.want {
					t.Errorf("%s %s with %s: %d, want %d", method, path, test.name, got, test.want)
				}
			}
		}
	}
}

func TestDefinitionsNameTheirProject(t *testing.T) {
	n := newNode(t, nodeOptions{})
	tests := []struct {
		name, path string
		headers    []string
		want       int
	}{
		{"by the query", "?token=phc_a", []string{"Authorization", "Bearer phx_a"}, 200},
		{"by the header", "?send_cohorts", []string{"Authorization", "Bearer phx_a", "X-PostHog-Project-Api-Key", "phc_a"}, 200},
		{"by the secret", "", []string{"Authorization", "Bearer phs_a"}, 200},
		{"by the project key", "?token=", []string{"Authorization", "Bearer phs_a_key"}, 200},
		{"not at all", "", []string{"Authorization", "Bearer phx_a"}, 400},
	}
	for _, test := range tests {
		if got := n.do("GET", "/flags/definitions"+test.path, test.headers...).Code; got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestDefinitionsBodyAndTags(t *testing.T) {
	n := newNode(t, nodeOptions{})
	get := func(headers ...string) *httptest.ResponseRecorder {
		return n.do("GET", "/flags/definitions?token=phc_a", append(headers, "Authorization", "Bearer phs_a")...)
	}
	first := get()
	var body struct {
		Flags            []struct{ Key string } `json:"flags"`
		GroupTypeMapping map[string]string      `json:"group_type_mapping"`
		Cohorts          map[string]any         `json:"cohorts"`
	}
	if err := json.Unmarshal(first.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Flags) != 4 || body.GroupTypeMapping == nil || body.Cohorts == nil {
		t.Errorf("definitions %s", first.Body)
	}
	tag := first.Header().Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || first.Header().Get("Cache-Control") != "private, must-revalidate" {
		t.Errorf("ETag %q, Cache-Control %q", tag, first.Header().Get("Cache-Control"))
	}

	inner := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	for _, match := range []string{tag, `"` + inner + `"`, inner, `"x", ` + tag, "*"} {
		rec := get("If-None-Match", match)
		if rec.Code != http.StatusNotModified || rec.Body.Len() != 0 || rec.Header().Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d with %d bytes, tag %q", match, rec.Code, rec.Body.Len(), rec.Header().Get("ETag"))
		}
	}
	if rec := get("If-None-Match", `W/"0000000000000000"`); rec.Code != http.StatusOK {
		t.Errorf("another tag: %d, want 200", rec.Code)
	}

	n.edit(t, func(tx store.Tx) error {
		return insertFlag(tx, store.Flag{Key: "new", Active: true, Filters: []byte(`{"groups":[]}`)})
	})
	second := get("If-None-Match", tag)
	if second.Code != http.StatusOK || second.Header().Get("ETag") == tag || !strings.Contains(second.Body.String(), `"new"`) {
		t.Errorf("after an edit: %d with tag %q", second.Code, second.Header().Get("ETag"))
	}
}

func TestDefinitionsAreCompressedAlike(t *testing.T) {
	n := newNode(t, nodeOptions{})
	const path = "/flags/definitions?token=phc_a"
	plain := n.do("GET", path, "Authorization", "Bearer phs_a")
	packed := n.do("GET", path, "Authorization", "Bearer phs_a", "Accept-Encoding", "br, gzip;q=0.8")
	if got := packed.Header().Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip", got)
	}
	if packed.Body.Len() >= plain.Body.Len() {
		t.Errorf("%d bytes packed, %d plain", packed.Body.Len(), plain.Body.Len())
	}
	z, err := gzip.NewReader(bytes.NewReader(packed.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain.Body.String(), string(unpacked)); diff != "" {
		t.Errorf("bodies differ (-plain +gzip):\n%s", diff)
	}
	if a, b := plain.Header().Get("ETag"), packed.Header().Get("ETag"); a != b {
		t.Errorf("tags %q and %q differ", a, b)
	}
	for _, accept := range []string{"br", "gzip;q=0", "gzip; q=0.0", "identity", "xgzip"} {
		rec := n.do("GET", path, "Authorization", "Bearer phs_a", "Accept-Encoding", accept)
		if got := rec.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("Accept-Encoding %s: Content-Encoding %q, want none", accept, got)
		}
	}
	head := n.do("HEAD", path, "Authorization", "Bearer phs_a")
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != plain.Header().Get("Content-Length") ||
		head.Header().Get("ETag") != plain.Header().Get("ETag") {
		t.Errorf("HEAD: %d bytes, headers %v", head.Body.Len(), head.Header())
	}
}

func TestDependencyChains(t *testing.T) {
	condition := func(ids ...string) []byte {
		var properties []string
		for _, id := range ids {
			properties = append(properties, `{"key":"`+id+`","type":"flag","operator":"flag_evaluates_to","value":true}`)
		}
		return []byte(`{"groups":[{"properties":[` + strings.Join(properties, ",") + `],"rollout_percentage":100}]}`)
	}
	// The fixture has flags 1 to 4.
	n := newNode(t, nodeOptions{seed: func(tx store.Tx) error {
		for _, f := range []store.Flag{
			{Key: "five", Filters: condition("1")},       // 5 → 1
			{Key: "six", Filters: condition("5", "2")},   // 6 → 5 → 1, 2
			{Key: "seven", Filters: condition("6", "5")}, // 7 → 6, 5
			{Key: "eight", Filters: condition("9")},      // 8 ⇄ 9
			{Key: "nine", Filters: condition("8")},
			{Key: "ten", Filters: condition("8")}, // behind a cycle
			{Key: "eleven", Filters: condition("99")},
			{Key: "twelve", Filters: condition("12")},
			{Key: "thirteen", Filters: condition("9", "11", "12", "7")},
		} {
			f.Active = true
			if err := insertFlag(tx, f); err != nil {
				return err
			}
		}
		return nil
	}})
	rec := n.do("GET", "/flags/definitions", "Authorization", "Bearer phs_a")
	var body struct {
		Flags []struct {
			Key     string
			Filters struct {
				Groups []struct {
					Properties []struct {
						Key   string
						Chain []string `json:"dependency_chain"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string][]string{}
	for _, f := range body.Flags {
		for _, g := range f.Filters.Groups {
			for _, p := range g.Properties {
				if got[f.Key] == nil {
					got[f.Key] = map[string][]string{}
				}
				got[f.Key][p.Key] = p.Chain
			}
		}
	}
	none := []string{}
	want := map[string]map[string][]string{
		"five":     {"on": {"on"}},
		"six":      {"five": {"on", "five"}, "off": {"off"}},
		"seven":    {"six": {"on", "five", "off", "six"}, "five": {"on", "five"}},
		"eight":    {"nine": none},
		"nine":     {"eight": none},
		"ten":      {"eight": none},
		"eleven":   {"99": none},
		"twelve":   {"twelve": none},
		"thirteen": {"nine": none, "eleven": none, "twelve": none, "seven": {"on", "five", "off", "six", "seven"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
}
