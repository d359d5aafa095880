package posthog

import "testing"

func TestRemoteConfigPayload(t *testing.T) {
	tests := []struct{ name, filters, want string }{
		{"text", `{"payloads":{"true":"{\"a\":1}"}}`, `"{\"a\":1}"`},
		{"object", `{"payloads":{"true": {"a" : [1, 2.0]}}}`, `{"a":[1,2.0]}`},
		{"number", `{"payloads":{"true":12}}`, `12`},
		{"number as text", `{"payloads":{"true":"0"}}`, `"0"`},
		{"true", `{"payloads":{"true":true}}`, `true`},
		{"rules v2", `{"version":2,"rules":[],"payloads":{"true":"1"}}`, `"1"`},
		{"last of two", `{"payloads":{"true":"1","true":"2"}}`, `"2"`},
		{"escaped name", `{"payloads":{"tru\u0065":"1"}}`, `"1"`},
		{"none", `{}`, ``},
		{"null payloads", `{"payloads":null}`, ``},
		{"a list of payloads", `{"payloads":["1"]}`, ``},
		{"of a variant", `{"payloads":{"control":"1"}}`, ``},
		{"null", `{"payloads":{"true":null}}`, ``},
		{"false", `{"payloads":{"true":false}}`, ``},
		{"zero", `{"payloads":{"true":0}}`, ``},
		{"zero in another form", `{"payloads":{"true":-0.00e5}}`, ``},
		{"empty text", `{"payloads":{"true":""}}`, ``},
		{"empty list", `{"payloads":{"true":[ ]}}`, ``},
		{"empty object", `{"payloads":{"true":{ }}}`, ``},
	}
	for _, test := range tests {
		got, err := RemoteConfigPayload([]byte(test.filters))
		if err != nil || string(got) != test.want || (got == nil) != (test.want == "") {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	for _, filters := range []string{``, `{`, `null`, `[]`, `{"payloads":{"true":"1"}} x`} {
		if got, err := RemoteConfigPayload([]byte(filters)); err == nil {
			t.Errorf("%q: %q, want an error", filters, got)
		}
	}
}
