package posthog

import (
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
)

// Document is an answer that is the same for everybody who may ask for it. It
// is immutable.
type Document struct {
	Body []byte
	ETag string // W/"16 hex digits", of Body
}

func newDocument(body []byte) Document { return Document{Body: body, ETag: etagOf(body)} }

// Document returns the configuration as clients load it before they ask for
// flags, a JSON object (13).
func (c *Config) Document() Document { return newDocument(c.object) }

// Script returns the configuration as a script for browsers. It adds
// {config, siteApps} under the project's token to the object that posthog-js
// looks into, and leaves what other projects put there. siteApps is empty: it
// would be code.
func (c *Config) Script() Document {
	const configs = "window._POSTHOG_REMOTE_CONFIG"
	b := append([]byte(nil), configs+"="+configs+"||{};"+configs+"["...)
	b = appendScript(b, feature.AppendQuoted(nil, c.token))
	b = append(b, `]={"config":`...)
	b = appendScript(b, c.object)
	b = append(b, `,"siteApps":[]};`...)
	return newDocument(b)
}

// appendScript appends compact JSON so that it is an expression of JavaScript,
// also of editions that end a line within a text at U+2028 and U+2029, and so
// that it cannot end a script element it is put into. All that is escaped can
// be in texts only.
func appendScript(b, json []byte) []byte {
	for len(json) > 0 {
		r, n := utf8.DecodeRune(json)
		switch r {
		case '<', '>', '&', '\u2028', '\u2029':
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = append(b, json[:n]...)
		}
		json = json[n:]
	}
	return b
}

// maxToken bounds a token in a path, in bytes.
const maxToken = 200

// CheckToken reports whether a text can be the project token of a path at all:
// letters, digits, _ and -. The error is an *Error of kind NoToken for the
// empty text and BadToken for others.
func CheckToken(token string) error {
	if token == "" {
		return &Error{Kind: NoToken}
	}
	if len(token) > maxToken {
		return &Error{Kind: BadToken}
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return &Error{Kind: BadToken}
		}
	}
	return nil
}
