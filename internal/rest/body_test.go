package rest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadBody(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		want                    map[string]string // fields as JSON
		refused                 string            // code
	}{
		{name: "nothing", want: map[string]string{}},
		{name: "white space", body: " \n", want: map[string]string{}},
		{name: "object", body: `{"a": 1, "b": null}`, want: map[string]string{"a": "1", "b": "null"}},
		{name: "the last of equal names counts", body: `{"a": 1, "a": 2}`, want: map[string]string{"a": "2"}},
		{name: "any content type", contentType: "text/plain", body: `{"a": "x"}`, want: map[string]string{"a": `"x"`}},
		{name: "form", contentType: "application/x-www-form-urlencoded", body: "a=1&a=2&b=%C3%A4", want: map[string]string{"a": `"2"`, "b": `"ä"`}},
		{name: "JSON sent as a form", contentType: "application/x-www-form-urlencoded", body: `{"a": 1}`, want: map[string]string{"a": "1"}},
		{name: "broken form", contentType: "application/x-www-form-urlencoded", body: "a=%zz", refused: "parse_error"},
		{name: "multipart without boundary", contentType: "multipart/form-data", body: "x", refused: "parse_error"},
		{name: "broken multipart", contentType: "multipart/form-data; boundary=b", body: "x", refused: "parse_error"},
		{name: "broken", body: `{`, refused: "parse_error"},
		{name: "no UTF-8", body: "{\"a\": \"\xff\"}", refused: "parse_error"},
		{name: "null character", body: `{"a": "\u0000"}`, refused: "parse_error"},
		{name: "escaped escape", body: `{"a": "\\u0000"}`, want: map[string]string{"a": `"\\u0000"`}},
		{name: "text", body: `"x"`, refused: "invalid"},
		{name: "number", body: `1`, refused: "invalid"},
		{
			name: "as deep as allowed", body: `{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`,
			want: map[string]string{"a": strings.Repeat("[", 127) + strings.Repeat("]", 127)},
		},
		{name: "too deep", body: `{"a":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, refused: "parse_error"},
		{name: "brackets in a text", body: `{"a":"` + strings.Repeat("[", 500) + `"}`, want: map[string]string{"a": `"` + strings.Repeat("[", 500) + `"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := readBody([]byte(tt.body), tt.contentType)
			if err != nil {
				p, _ := asProblem(err)
				if p.code != tt.refused {
					t.Errorf("refused with %s: %v, want %q", p.code, err, tt.refused)
				}
				return
			}
			got := make(map[string]string)
			for name, v := range f.values {
				got[name] = string(v)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzReadBody: no body makes it fail but with an answer, and what is accepted
// can be read field by field.
func FuzzReadBody(f *testing.F) {
	for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"} {
		f.Add([]byte(`{"key": "a", "tags": ["b"], "active": true, "n": 1.5, "filters": {"groups": [{}]}}`), contentType)
		f.Add([]byte(`key=a&active=1&filters=%7B%7D`), contentType)
		f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"f\"\r\n\r\na,b\r\n--b--"), contentType)
	}
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		body, err := readBody(raw, contentType)
		if err != nil {
			if _, known := asProblem(err); !known {
				t.Fatalf("not an answer: %v", err)
			}
			return
		}
		body.credential()
		for name, v := range body.values {
			if !json.Valid(v) {
				t.Fatalf("field %q is no JSON: %q", name, v)
			}
			body.text(name)
			body.boolean(name)
			body.integer(name)
			body.texts(name)
			body.integers(name)
			body.refs(name)
			if doc := body.document(name); !json.Valid(doc) {
				t.Fatalf("field %q holds no JSON: %q", name, doc)
			}
			body.contexts()
		}
	})
}

func TestRouter(t *testing.T) {
	r := newRouter([]Route{
		{Method: "GET", Pattern: "/api/things"},
		{Method: "POST", Pattern: "/api/things"},
		{Method: "GET", Pattern: "/api/things/{thing}"},
		{Method: "GET", Pattern: "/api/things/special"},
		{Method: "GET", Pattern: "/api/things/{thing}/parts/{part}"},
		{Method: "GET", Pattern: "/api/things/special/parts"},
	})
	tests := []struct {
		path, pattern string // pattern of GET; empty: not found
		params        map[string]string
	}{
		{"/api/things", "/api/things", map[string]string{}},
		{"/api/things/", "/api/things", map[string]string{}},
		{"/api/things/special", "/api/things/special", map[string]string{}},
		{"/api/things/a%2Fb/", "/api/things/{thing}", map[string]string{"thing": "a/b"}},
		{"/api/things/special/parts", "/api/things/special/parts", map[string]string{}},
		{"/api/things/special/parts/1", "/api/things/{thing}/parts/{part}", map[string]string{"thing": "special", "part": "1"}},
		{"/api/things/x/parts", "", nil},
		{"/api//things", "", nil},
		{"/api/things/%zz", "", nil},
		{"/", "", nil},
		{"", "", nil},
	}
	for _, tt := range tests {
		routes, path := r.find(tt.path)
		route := routes["GET"]
		if route == nil {
			if tt.pattern != "" {
				t.Errorf("%s: not found", tt.path)
			}
			continue
		}
		if route.Pattern != tt.pattern {
			t.Errorf("%s: %s, want %s", tt.path, route.Pattern, tt.pattern)
		}
		if diff := cmp.Diff(tt.params, route.parameters(path)); diff != "" {
			t.Errorf("%s: parameters (-want +got):\n%s", tt.path, diff)
		}
	}
}

// TestRoutesAreDistinct: no two entries of the table answer the same request.
func TestRoutesAreDistinct(t *testing.T) {
	seen := make(map[string]string)
	for _, r := range Routes() {
		parts := segments(r.Pattern)
		for i, p := range parts {
			if strings.HasPrefix(p, "{") {
				parts[i] = "{}"
			}
		}
		key := r.Method + " " + strings.Join(parts, "/")
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s are the same", r.Pattern, other)
		}
		seen[key] = r.Pattern
		if r.handle == nil {
			t.Errorf("%s %s has no handler", r.Method, r.Pattern)
		}
	}
}

func TestCheckJSONAgreesWithStandard(t *testing.T) {
	for _, s := range []string{`{}`, `[]`, `1`, `"\""`, `"\\"`, `{"a":"\\\""}`, `{"a":]}`, `nul`, `{"a":1}}`} {
		if got, want := checkJSON([]byte(s)) == nil, json.Valid(bytes.TrimSpace([]byte(s))); got != want {
			t.Errorf("%s: accepted %v, valid %v", s, got, want)
		}
	}
}
