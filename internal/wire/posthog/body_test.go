package posthog

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// loadCases reads a file of protocol cases.
func loadCases[T any](t testing.TB, name string) []T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../../conformance/http", name))
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

// bodyCase is a case of flags_body.json.
type bodyCase struct {
	ID, Rule, Note  string
	Query           string
	ContentType     string          `json:"content_type"`
	ContentEncoding string          `json:"content_encoding"`
	Body            *string         `json:"body"`
	JSON            json.RawMessage `json:"json"`
	Base64          []byte          `json:"base64"`
	Gzip            bool
	Repeat          struct {
		Text  string
		Count int
	}
	Refused *struct {
		Status int
		Code   string
	}
	Decoded map[string]json.RawMessage
}

// bytes returns the body that the case describes.
func (c *bodyCase) bytes(t testing.TB) []byte {
	t.Helper()
	var b []byte
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
	default:
		b = c.Base64
	}
	if c.Gzip {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b = buf.Bytes()
	}
	return b
}

func (c *bodyCase) hints() BodyHints {
	return BodyHints{
		ContentType:     c.ContentType,
		ContentEncoding: c.ContentEncoding,
		Compression:     ParseFlagsQuery(c.Query).Compression,
	}
}

func TestDecodeCases(t *testing.T) {
	var reused FlagsRequest // must not remember earlier cases
	for _, c := range loadCases[bodyCase](t, "flags_body.json") {
		t.Run(c.ID, func(t *testing.T) {
			body := c.bytes(t)
			var r FlagsRequest
			err := r.Decode(body, c.hints())
			checkDecoded(t, &c, &r, err)
			checkDecoded(t, &c, &reused, reused.Decode(body, c.hints()))
		})
	}
}

func checkDecoded(t *testing.T, c *bodyCase, r *FlagsRequest, err error) {
	t.Helper()
	if c.Refused != nil {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("Decode error = %v, want one with status %d", err, c.Refused.Status)
		}
		if e.Kind.Status() != c.Refused.Status || e.Kind.Code() != c.Refused.Code {
			t.Errorf("refused with %d %s, want %d %s", e.Kind.Status(), e.Kind.Code(), c.Refused.Status, c.Refused.Code)
		}
		return
	}
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	got := decoded(r)
	want := make(map[string]string)
	for name, raw := range c.Decoded {
		want[name] = canonical(t, raw)
	}
	if _, ok := want["warnings"]; !ok {
		want["warnings"] = "[]"
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// canonical returns JSON text in the one form in which equal values are equal.
func canonical(t testing.TB, raw []byte) string {
	t.Helper()
	v, err := jsonval.Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return string(v.AppendJSON(nil))
}

// decoded returns what is in r as canonical JSON by the names that cases use.
func decoded(r *FlagsRequest) map[string]string {
	text := func(s string) string { return string(feature.AppendQuoted(nil, s)) }
	list := func(ss []string) string {
		var vs []feature.Value
		for _, s := range ss {
			vs = append(vs, feature.Text(s))
		}
		return string(feature.Array(vs).AppendJSON(nil))
	}
	boolean := func(b bool) string { return string(feature.Bool(b).AppendJSON(nil)) }
	m := map[string]string{
		"token":               text(r.Token),
		"distinct_id":         "null",
		"anon_distinct_id":    text(r.AnonID),
		"device_id":           text(r.DeviceID),
		"flag_keys":           "null",
		"evaluation_contexts": list(r.Contexts),
		"evaluation_runtime":  "null",
		"geoip_disable":       boolean(r.GeoIPDisable),
		"disable_flags":       boolean(r.DisableFlags),
	}
	if r.HasDistinctID {
		m["distinct_id"] = text(r.DistinctID)
	}
	if !r.AllKeys {
		m["flag_keys"] = list(r.Keys)
	}
	if r.HasRuntime {
		m["evaluation_runtime"] = text(map[feature.RuntimeSet]string{0: "all", runtimeClient: "client", runtimeServer: "server"}[r.Runtimes])
	}
	m["person_properties"] = object(r, r.personProperties())
	var groups, props []feature.Member
	for _, g := range r.groupMembers() {
		key := r.groupKey(g.value)
		switch key.Kind() {
		case feature.KindText, feature.KindNumber: // the usable ones
			key = feature.Text(key.Text())
		default:
			key = feature.Text("")
		}
		groups = append(groups, feature.Member{Name: string(r.fields.unquoted(g.name)), Value: key})
	}
	m["groups"] = string(feature.Object(groups).AppendJSON(nil))
	for _, g := range r.groupProperties() {
		v, _ := jsonval.Parse([]byte(object(r, r.fields.all[g.members.from:g.members.to])))
		props = append(props, feature.Member{Name: string(r.fields.unquoted(g.name)), Value: v})
	}
	m["group_properties"] = string(feature.Object(props).AppendJSON(nil))
	names := []string{}
	r.Warnings.Each(func(name string) { names = append(names, name) })
	slices.Sort(names)
	m["warnings"] = list(names)
	return m
}

func object(r *FlagsRequest, ms []member) string {
	var out []feature.Member
	for _, m := range ms {
		name := string(r.fields.unquoted(m.name))
		out = append(out, feature.Member{Name: name, Value: r.value(m.value)})
	}
	return string(feature.Object(out).AppendJSON(nil))
}

func TestManyKeys(t *testing.T) {
	var r FlagsRequest
	body := `{"distinct_id":"u","flag_keys":["a"` + strings.Repeat(`,"a"`, 2*maxList) + `]}`
	if err := r.Decode([]byte(body), BodyHints{}); err != nil {
		t.Fatal(err)
	}
	if len(r.Keys) != maxList || r.Warnings != WarnKeys {
		t.Errorf("%d keys, warnings %b", len(r.Keys), r.Warnings)
	}
}

func TestDecodeKeepsLittle(t *testing.T) {
	var r FlagsRequest
	big := `{"token":"phc_a","distinct_id":"u","person_properties":{` + strings.Repeat(`"\u0061":1,`, 60000) + `"a":NaN}}`
	if err := r.Decode([]byte(big), BodyHints{}); err != nil {
		t.Fatal(err)
	}
	r.Reset()
	if r.Token != "" {
		t.Errorf("Token = %q after Reset", r.Token)
	}
	if n := cap(r.spare) + cap(r.unpacked) + 16*cap(r.fields.all) + cap(r.fields.scratch); n > 4*maxKept {
		t.Errorf("%d bytes are kept after a large request", n)
	}
}

// TestRefusedBodyHasNoToken: the token of an earlier request must not stand for
// one that could not be read.
func TestRefusedBodyHasNoToken(t *testing.T) {
	var r FlagsRequest
	if err := r.Decode([]byte(`{"token":"phc_a","distinct_id":"u"}`), BodyHints{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Decode([]byte(`{"token":`), BodyHints{}); err == nil {
		t.Fatal("accepted")
	}
	if r.Token != "" {
		t.Errorf("Token = %q", r.Token)
	}
}

func TestErrorEnvelope(t *testing.T) {
	for k := range kinds {
		e := &Error{Kind: Kind(k)}
		var got map[string]any
		if err := json.Unmarshal(e.AppendJSON(nil), &got); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		attr, ok := got["attr"]
		if len(got) != 4 || !ok || attr != nil || got["code"] != e.Kind.Code() || got["type"] == "" || got["detail"] == "" {
			t.Errorf("%s: envelope %v", e, got)
		}
		if s := e.Kind.Status(); s < 400 || s > 503 || s == 502 {
			t.Errorf("%s: status %d", e, s)
		}
	}
	want := `{"type":"validation_error","code":"missing_distinct_id","detail":"say \"who\"","attr":null}`
	if got := string((&Error{Kind: NoDistinctID, Detail: `say "who"`}).AppendJSON(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
