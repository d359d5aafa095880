package rest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// conformanceCase is a dialogue; see conformance/management/http/README.md.
type conformanceCase struct {
	ID    string                     `json:"id"`
	Line  int                        `json:"line"`
	Note  string                     `json:"note"`
	Given map[string]json.RawMessage `json:"given"`
	Steps []conformanceStep          `json:"steps"`
}

type conformanceStep struct {
	Do       string            `json:"do"` // "METHOD path"
	Key      []string          `json:"key"`
	Header   map[string]string `json:"header"`
	Body     json.RawMessage   `json:"body"`
	Text     *string           `json:"text"` // a body that is sent as it is
	Generate struct {
		Char  string `json:"char"`
		Count int    `json:"count"`
	} `json:"generate"`
	Advance string            `json:"advance"` // moves the clock before the request
	Status  int               `json:"status"`
	Want    any               `json:"want"`
	Empty   bool              `json:"empty"`
	Save    map[string]string `json:"save"`
}

func TestConformance(t *testing.T) {
	dir := cmp.Or(os.Getenv("GUIDON_CONFORMANCE_DIR"), "../../conformance")
	files, err := filepath.Glob(filepath.Join(dir, "management/http/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("GUIDON_CONFORMANCE_DIR") != "" {
			t.Skipf("%s holds no dialogues with the management API", dir)
		}
		t.Fatalf("no cases in %s", dir)
	}
	total := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []conformanceCase
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		total += len(cases)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			w := newWorld(t)
			for _, c := range cases {
				t.Run(c.ID, func(t *testing.T) { runCase(t, w, c) })
			}
		})
	}
	t.Logf("%d cases", total)
}

// runCase runs the steps of a case in a project of its own.
func runCase(t *testing.T, w *world, c conformanceCase) {
	w.t = t
	p := w.project()
	vars := map[string]string{
		"project": fmt.Sprint(p.ID), "P": fmt.Sprintf("/api/projects/%d/feature_flags", p.ID),
		"A": fmt.Sprintf("/api/projects/%d", p.ID), "token": p.Token, "org": w.org, "me": w.admin.UUID,
	}
	givens(t, w, p, c.Given, vars)
	for i, s := range c.Steps {
		if s.Advance != "" {
			d, err := time.ParseDuration(s.Advance)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.advance(d)
		}
		runStep(t, w, i, s, vars)
		if t.Failed() {
			return
		}
	}
}

var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

// expand puts the values of variables into a text; in JSON a whole text that is
// a placeholder becomes the value itself.
func expand(t *testing.T, s string, vars map[string]string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		v, ok := vars[strings.Trim(m, "{}")]
		if !ok {
			t.Fatalf("no variable %s", m)
		}
		return v
	})
}

var wholeText = regexp.MustCompile(`"#\{\{(\w+)\}\}"`)

func expandJSON(t *testing.T, raw []byte, vars map[string]string) []byte {
	return []byte(expand(t, wholeText.ReplaceAllString(string(raw), "{{$1}}"), vars))
}

func runStep(t *testing.T, w *world, i int, s conformanceStep, vars map[string]string) {
	method, path, _ := strings.Cut(s.Do, " ")
	r := request{method: method, path: expand(t, path, vars), header: make(map[string]string)}
	for name, v := range s.Header {
		r.header[name] = expand(t, v, vars)
	}
	switch {
	case s.Key == nil:
	case len(s.Key) == 0:
		r.key = "none"
	case strings.HasPrefix(s.Key[0], "{{"):
		r.key = expand(t, s.Key[0], vars)
	default:
		r.key = w.key(nil, s.Key...)
	}
	switch {
	case s.Text != nil:
		r.body = []byte(expand(t, *s.Text, vars))
	case s.Body != nil:
		r.body = expandJSON(t, s.Body, vars)
	}
	if s.Generate.Count > 0 {
		r.body = bytes.ReplaceAll(r.body, []byte("@"), bytes.Repeat([]byte(s.Generate.Char), s.Generate.Count))
	}
	rec := w.do(r)
	if rec.Code != s.Status {
		t.Fatalf("step %d: %s: status %d, want %d\n%.2000s", i, s.Do, rec.Code, s.Status, rec.Body)
	}
	if s.Empty && rec.Body.Len() > 0 {
		t.Fatalf("step %d: %s: body %s, want none", i, s.Do, rec.Body)
	}
	if s.Want == nil && s.Save == nil {
		return
	}
	var got any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatalf("step %d: %s: %v: %s", i, s.Do, err, rec.Body)
	}
	if s.Want != nil {
		raw, err := json.Marshal(s.Want)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">"))
		if err := json.Unmarshal(expandJSON(t, raw, vars), &want); err != nil {
			t.Fatal(err)
		}
		if diff := subset("body", want, got); diff != "" {
			t.Fatalf("step %d: %s: %s\n%.2000s", i, s.Do, diff, rec.Body)
		}
	}
	for name, field := range s.Save {
		v := got
		for part := range strings.SplitSeq(field, ".") {
			switch at := v.(type) {
			case map[string]any:
				v = at[part]
			case []any:
				var n int
				if _, err := fmt.Sscan(part, &n); err != nil || n >= len(at) {
					t.Fatalf("step %d: nothing at %s to save", i, field)
				}
				v = at[n]
			}
		}
		if v == nil {
			t.Fatalf("step %d: nothing at %s to save", i, field)
		}
		vars[name] = strings.TrimSuffix(fmt.Sprintf("%v", v), ".0")
		if f, ok := v.(float64); ok {
			vars[name] = fmt.Sprintf("%.0f", f)
		}
	}
}

// givens puts into the store what cannot be made over HTTP.
func givens(t *testing.T, w *world, p store.Project, given map[string]json.RawMessage, vars map[string]string) {
	for name, raw := range given {
		switch name {
		case "persons":
			seedPersons(t, w, p.ID, raw, vars)
		case "group_types":
			seedGroupTypes(t, w, p.ID, raw)
		case "cohorts":
			seedCohorts(t, w, p.ID, raw, vars)
		case "flags":
			seedFlags(t, w, p.ID, raw, vars)
		case "settings":
			w.edit(func(tx store.Tx) error {
				p.Settings = raw
				return tx.UpdateProject(p)
			})
		case "stranger":
			key, project := w.stranger()
			vars["stranger"], vars["elsewhere"] = key, fmt.Sprint(project)
			vars["limited"] = w.key(func(k *store.PersonalKey) { k.ScopedProjects = []int64{project} }, "*")
		case "session":
			w.session = sessionOf(w, manage.LevelOwner)
			vars["session"] = "session"
		default:
			t.Fatalf("unknown given %q", name)
		}
	}
}
