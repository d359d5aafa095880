package identity

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/guidon-flags/guidon/internal/feature"
)

func TestAppendCompact(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`1.50`, `1.50`},
		{` { "a" : [ 1 , "b c" ] } `, `{"a":[1,"b c"]}`},
		{`"\u0041\/\"\\"`, `"A/\"\\"`},
		{`"\u0000é"`, `"` + "\uFFFDé" + `"`},
		{"\"\xff\"", `"` + "\uFFFD" + `"`},
		{`"\ud83d\ude00\ud800"`, `"😀` + "\uFFFD" + `"`},
	} {
		if got := string(appendCompact(nil, []byte(c.src))); got != c.want {
			t.Errorf("appendCompact(%s) = %s, want %s", c.src, got, c.want)
		}
	}
}

func TestTruthy(t *testing.T) {
	for src, want := range map[string]bool{
		"": false, "null": false, "false": false, `""`: false, "0": false, "-0": false, "0.0": false, "0e5": false, "-0.0E-7": false,
		"true": true, `"0"`: true, `"false"`: true, "1": true, "-1": true, "0.001": true, "1e-9": true, "10": true, "{}": true, "[]": true,
	} {
		if got := truthy([]byte(src)); got != want {
			t.Errorf("truthy(%s) = %t", src, got)
		}
	}
}

func TestIllegal(t *testing.T) {
	for id, want := range map[string]bool{
		"": true, "  \t": true, "anonymous": true, "Anonymous": true, "GUEST": true, "email": true, "0": true, "null": true, "None": true, "none": true,
		"[object Object]": true, "NaN": true, "undefined": true, `"undefined"`: true, "'NaN'": true, `'Distinct_ID'`: true,
		"nan": false, "NULL": false, "NONE": false, "[object object]": false, " anonymous": false, `"anonymous'`: false, "00": false,
		"a": false, "true1": false, `""guest""`: false, "'": false,
	} {
		if got := illegal(id); got != want {
			t.Errorf("illegal(%q) = %t, want %t", id, got, want)
		}
	}
}

// TestPropertiesRoundTrip: a document that was stored is read as it was.
func TestPropertiesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := properties{}
		for name, text := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "members") {
			p[withoutNUL(name)] = string(feature.AppendQuoted(nil, withoutNUL(text)))
		}
		doc := p.appendJSON(nil)
		again, err := parseProperties(doc, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatalf("after a round trip of %s (-want +got):\n%s", doc, diff)
		}
	})
}

// FuzzPrepare: no document panics, whatever comes of it is JSON and bounded,
// and preparing does not change the event.
func FuzzPrepare(f *testing.F) {
	for _, name := range []string{eventIdentify, eventAlias, eventGroupIdentify, eventGroupUnset, eventFlagCalled, eventSurveyShown, eventSet} {
		f.Add(name, []byte(`{"$set":{"a":1,"b":[{}]},"$set_once":{"\u0000":null},"$unset":["a",1],"$anon_distinct_id":[1],"alias":{},`+
			`"$groups":{"t":"k"},"$group_type":"t","$group_key":4.20,"$group_set":{"x":"y"},"$os_name":"o","$browser":"b","$feature_flag":"f"}`), []byte(`{"z":"\ud800"}`))
	}
	f.Fuzz(func(t *testing.T, name string, props, set []byte) {
		e := Event{UUID: "u", Name: name, DistinctID: "d", Time: time.Unix(0, 0), Properties: props, Set: set, SetOnce: set}
		before := [2][]byte{bytes.Clone(props), bytes.Clone(set)}
		st, _ := prepare(&e, false)
		if !bytes.Equal(before[0], props) || !bytes.Equal(before[1], set) {
			t.Fatal("the event was changed")
		}
		if json.Valid(props) && json.Valid(set) {
			for _, p := range []properties{st.set, st.once} {
				if doc := p.appendJSON(nil); !json.Valid(doc) || bytes.IndexByte(doc, 0) >= 0 {
					t.Errorf("not JSON, or with U+0000: %q", doc)
				}
			}
		}
		if len([]rune(st.other)) > maxDistinctID {
			t.Errorf("an id of %d bytes", len(st.other))
		}
	})
}
