package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

// caseBody is the body of a case, in any of its forms.
type caseBody struct {
	Body   *string         `json:"body"`
	JSON   json.RawMessage `json:"json"`
	Base64 []byte          `json:"base64"`
	Gzip   bool            `json:"gzip"`
	Repeat struct {
		Text  string `json:"text"`
		Count int    `json:"count"`
	} `json:"repeat"`
	Chunked    bool `json:"chunked"`
	BrokenBody bool `json:"broken_body"`
}

func (c *caseBody) bytes(t testing.TB) []byte {
	t.Helper()
	b := c.Base64
	switch {
	case c.Body != nil:
		b = []byte(*c.Body)
		if c.Repeat.Count > 0 {
			b = bytes.Replace(b, []byte("{}"), bytes.Repeat([]byte(c.Repeat.Text), c.Repeat.Count), 1)
		}
	case c.JSON != nil:
		var buf bytes.Buffer
		if err := json.Compact(&buf, c.JSON); err != nil {
			t.Fatal(err)
		}
		b = buf.Bytes()
	}
	if c.Gzip {
		b = zip(t, b)
	}
	return b
}

func zip(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// brokenReader fails in the middle of a body.
type brokenReader struct{ rest []byte }

func (r *brokenReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, errors.New("connection reset")
	}
	n := copy(p, r.rest[:1])
	r.rest = r.rest[1:]
	return n, nil
}

func (c *caseBody) request(t testing.TB, method, path string, headers map[string]string) *http.Request {
	t.Helper()
	b := c.bytes(t)
	var body io.Reader = bytes.NewReader(b)
	switch {
	case c.BrokenBody:
		body = &brokenReader{rest: b[:len(b)/2]}
	case c.Chunked:
		body = io.MultiReader(body) // hides the length
	}
	r := httptest.NewRequest(method, path, body)
	if c.BrokenBody {
		r.ContentLength = int64(len(b))
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

// exchangeCase is a case of errors.json or responses.json.
type exchangeCase struct {
	ID, Rule, Note string
	State          string            `json:"state"`
	Method         string            `json:"method"`
	Path           string            `json:"path"`
	Headers        map[string]string `json:"headers"`
	caseBody
	Status        int               `json:"status"`
	Answer        map[string]any    `json:"answer"`
	AnswerKeys    []string          `json:"answer_keys"`
	AnswerHeaders map[string]string `json:"answer_headers"`
	Text          string            `json:"text"`
}

func loadCases[T any](t testing.TB, name string) []T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../conformance/http", name))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var cases []T
	if err := dec.Decode(&cases); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return cases
}

func (c *exchangeCase) run(t *testing.T, n *node) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, c.request(t, c.Method, c.Path, c.Headers))
	if rec.Code != c.Status {
		t.Errorf("status %d, want %d; body %.200s", rec.Code, c.Status, rec.Body)
	}
	for name, want := range c.AnswerHeaders {
		got := strings.Join(rec.Header().Values(name), ", ")
		if want == "*" && got == "" || want != "*" && got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	return rec
}

func TestErrors(t *testing.T) {
	nodes := map[string]*node{
		"":               newNode(t, nodeOptions{}),
		"store_down":     newNode(t, nodeOptions{}),
		"nothing_loaded": newNode(t, nodeOptions{down: true}),
	}
	nodes["store_down"].cutOff()
	for _, c := range loadCases[exchangeCase](t, "errors.json") {
		t.Run(c.ID, func(t *testing.T) {
			n := nodes[c.State]
			if n == nil {
				t.Fatalf("unknown state %q", c.State)
			}
			rec := c.run(t, n)
			var got map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Fatalf("body %.200q: %v", rec.Body, err)
			}
			if c.Answer["detail"] == nil { // a sentence of the decoder
				if got["detail"] == "" || got["detail"] == nil {
					t.Error("detail is empty")
				}
				delete(got, "detail")
				delete(c.Answer, "detail")
			}
			if diff := cmp.Diff(c.Answer, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if ct := rec.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	n := newNode(t, nodeOptions{})
	for _, c := range loadCases[exchangeCase](t, "responses.json") {
		t.Run(c.ID, func(t *testing.T) {
			rec := c.run(t, n)
			if c.Text != "" && rec.Body.String() != c.Text {
				t.Errorf("text %q, want %q", rec.Body, c.Text)
			}
			if c.Answer == nil && c.AnswerKeys == nil {
				return
			}
			var got map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Fatalf("body %.200q: %v", rec.Body, err)
			}
			if keys := slices.Sorted(maps.Keys(got)); c.AnswerKeys != nil && !slices.Equal(keys, c.AnswerKeys) {
				t.Errorf("members %v, want %v", keys, c.AnswerKeys)
			}
			for name, want := range c.Answer {
				if diff := cmp.Diff(want, got[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// flagsBodyCase is a case of flags_body.json, which the decoder's own tests
// read too; here it goes through the whole server.
type flagsBodyCase struct {
	ID, Rule, Note  string
	Query           string `json:"query"`
	ContentType     string `json:"content_type"`
	ContentEncoding string `json:"content_encoding"`
	caseBody
	Refused *struct {
		Status int
		Code   string
	}
	Decoded map[string]json.RawMessage
}

// want is the status that the server gives.
func (c *flagsBodyCase) want() (status int, code string) {
	if c.Refused != nil {
		return c.Refused.Status, c.Refused.Code
	}
	token, hasToken := c.Decoded["token"]
	id, hasID := c.Decoded["distinct_id"]
	switch {
	case hasToken && string(token) == `""`:
		return http.StatusUnauthorized, "not_authenticated"
	case hasToken && string(token) != `"phc_a"`:
		return http.StatusUnauthorized, "authentication_failed"
	case hasID && string(id) == "null" && string(c.Decoded["disable_flags"]) != "true":
		return http.StatusBadRequest, "missing_distinct_id"
	}
	return http.StatusOK, ""
}

func TestBodiesThroughTheServer(t *testing.T) {
	n := newNode(t, nodeOptions{})
	for _, c := range loadCases[flagsBodyCase](t, "flags_body.json") {
		t.Run(c.ID, func(t *testing.T) {
			headers := map[string]string{}
			if c.ContentType != "" {
				headers["Content-Type"] = c.ContentType
			}
			if c.ContentEncoding != "" {
				headers["Content-Encoding"] = c.ContentEncoding
			}
			path := "/flags"
			if c.Query != "" {
				path += "?" + c.Query
			}
			rec := httptest.NewRecorder()
			n.handler.ServeHTTP(rec, c.request(t, "POST", path, headers))
			var got struct{ Code string }
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if status, code := c.want(); rec.Code != status || got.Code != code {
				t.Errorf("%d %q, want %d %q", rec.Code, got.Code, status, code)
			}
		})
	}
}
