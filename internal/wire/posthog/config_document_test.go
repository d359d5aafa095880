package posthog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A token or setting that was written to break out of the script stays a text,
// and the same text.
func TestScriptKeepsTextsAsTheyAre(t *testing.T) {
	hostile := []string{
		`"]={};alert(1);//`, `</script><script>alert(1)</script>`, `<!--<script>`, `]]>`, "\u2028alert(1)\u2029",
		`\`, `\u003c`, "`${alert(1)}`", "\x00\n\r", "ü𐍈",
	}
	const before = "window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};window._POSTHOG_REMOTE_CONFIG["
	for _, text := range hostile {
		setting, err := json.Marshal(map[string]string{text: text})
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewConfig(ConfigOptions{Token: text, Object: setting})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		script := string(c.Script().Body)
		if i := strings.IndexAny(script, "<>&\u2028\u2029\n\r"); i >= 0 {
			t.Errorf("%q: the script has %q", text, script[i:])
		}
		head, object, _ := strings.Cut(script, `]={"config":`) // quotes within texts are escaped
		var token string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(head, before)), &token); err != nil || token != text {
			t.Errorf("token %q in the script is %q, %v", text, token, err)
		}
		var got struct {
			Config   map[string]any `json:"config"`
			SiteApps []any          `json:"siteApps"`
		}
		if err := json.Unmarshal([]byte(`{"config":`+strings.TrimSuffix(object, ";")), &got); err != nil {
			t.Errorf("%q: %v in %s", text, err, object)
		}
		if got.Config[text] != text || got.Config["token"] != text || got.SiteApps == nil || len(got.SiteApps) != 0 {
			t.Errorf("%q became %v", text, got)
		}
	}
}

func TestDocumentTagsFollowTheirBodies(t *testing.T) {
	a, _ := NewConfig(ConfigOptions{Token: "phc_a", HasFlags: true})
	b, _ := NewConfig(ConfigOptions{Token: "phc_a"})
	tags := []string{a.Document().ETag, a.Script().ETag, b.Document().ETag, b.Script().ETag}
	for i, tag := range tags {
		for _, other := range tags[:i] {
			if tag == other {
				t.Errorf("two documents have the tag %s", tag)
			}
		}
	}
	if diff := cmp.Diff(a.Document(), a.Document()); diff != "" {
		t.Errorf("the same document twice:\n%s", diff)
	}
}

func TestCheckToken(t *testing.T) {
	const fine = Kind(255)
	tests := []struct {
		token string
		want  Kind
	}{
		{"phc_aZ09-_", fine},
		{"x", fine},
		{strings.Repeat("x", 200), fine},
		{"", NoToken},
		{strings.Repeat("x", 201), BadToken},
		{"a b", BadToken},
		{"a.b", BadToken},
		{"a/b", BadToken},
		{"a\x00", BadToken},
		{"ä", BadToken},
		{`a"`, BadToken},
	}
	for _, test := range tests {
		got := fine
		if e, ok := errors.AsType[*Error](CheckToken(test.token)); ok {
			got = e.Kind
		}
		if got != test.want {
			t.Errorf("CheckToken(%.20q): %d, want %d", test.token, got, test.want)
		}
	}
}
