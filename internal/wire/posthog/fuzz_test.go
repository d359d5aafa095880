package posthog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// FuzzDecode compares the decoder with encoding/json: bodies that are JSON
// objects for it are accepted and have the same fields, unless a field refuses
// the request; nothing panics; and a reused request remembers nothing.
func FuzzDecode(f *testing.F) {
	for _, c := range loadCases[bodyCase](f, "flags_body.json") {
		if body := c.bytes(f); len(body) < 1<<14 {
			f.Add(body, c.ContentType, c.ContentEncoding, c.Query)
		}
	}
	var reused FlagsRequest
	f.Fuzz(func(t *testing.T, body []byte, contentType, encoding, query string) {
		hints := BodyHints{ContentType: contentType, ContentEncoding: encoding, Compression: ParseFlagsQuery(query).Compression}
		var r FlagsRequest
		err := r.Decode(body, hints)
		again := reused.Decode(body, hints)
		if (err == nil) != (again == nil) {
			t.Fatalf("Decode: %v, with a used request: %v", err, again)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Kind != BadBody && e.Kind != TooLarge) {
			t.Fatalf("Decode error = %v", err)
		}
		if err == nil {
			if diff := cmp.Diff(decoded(&r), decoded(&reused)); diff != "" {
				t.Errorf("a used request differs:\n%s", diff)
			}
		}
		if mediaType(contentType) != "application/json" || encoding != "" || query != "" || isGzip(body) {
			return
		}
		compareWithStandard(t, body, &r, err)
	})
}

// compareWithStandard checks r against what encoding/json reads.
func compareWithStandard(t *testing.T, body []byte, r *FlagsRequest, err error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return // base64 and other tolerances have their own cases
	}
	if !utf8.Valid(body) {
		return // encoding/json replaces each bad byte, we each bad sequence (4.2)
	}
	if tooDeep(body, jsonval.MaxDepth) {
		if err == nil {
			t.Error("a body that nests too deep is accepted")
		}
		return
	}
	if err != nil {
		for _, name := range []string{"distinct_id", "$distinct_id"} {
			if raw := bytes.TrimSpace(fields[name]); len(raw) > 0 && bytes.IndexByte([]byte("tf[{"), raw[0]) >= 0 {
				return
			}
		}
		t.Fatalf("refused although it is a JSON object: %v", err)
	}
	for _, name := range []string{"person_properties", "$properties"} {
		var want map[string]json.RawMessage
		if json.Unmarshal(fields[name], &want) != nil || len(want) == 0 {
			continue
		}
		members := make([]feature.Member, 0, len(want))
		for k, raw := range want {
			v, err := jsonval.Parse(raw)
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			members = append(members, feature.Member{Name: k, Value: v})
		}
		if diff := cmp.Diff(string(feature.Object(members).AppendJSON(nil)), object(r, r.personProperties())); diff != "" {
			t.Errorf("properties (-encoding/json +got):\n%s", diff)
		}
		break
	}
	var anon string
	if json.Unmarshal(fields["$anon_distinct_id"], &anon) == nil && anon != "" {
		want := []rune(strings.ReplaceAll(anon, "\x00", ""))
		if want := string(want[:min(len(want), maxDistinctID)]); want != "" && r.AnonID != want {
			t.Errorf("AnonID = %q, want %q", r.AnonID, want)
		}
	}
}

// FuzzDefinitions: whatever documents are stored, the feed is JSON.
func FuzzDefinitions(f *testing.F) {
	for _, c := range loadCases[definitionCase](f, "definitions.json") {
		in := c.input()
		for _, fl := range in.Flags {
			f.Add(fl.Filters, []byte(`{"properties":{"type":"OR","values":[]}}`), []byte(`[]`))
		}
		for _, co := range in.Cohorts {
			f.Add([]byte(`{"groups":[{"properties":[{"type":"cohort","key":"id","value":1}]}]}`), co.Filters, co.Groups)
		}
	}
	f.Fuzz(func(t *testing.T, filters, cohort, groups []byte) {
		d := NewDefinitions(DefinitionInput{
			Flags: []DefinitionFlag{
				{ID: 1, Key: "a", Filters: filters, DependencyChain: func(int64) []string { return []string{"b"} }},
				{ID: 2, Key: "b", Filters: []byte(`{"groups":[{"properties":[{"type":"cohort","value":1}]}]}`)},
			},
			Cohorts: []DefinitionCohort{{ID: 1, Filters: cohort, Groups: groups}},
		})
		if !json.Valid(d.Body) {
			t.Errorf("not JSON: %q", d.Body)
		}
	})
}
