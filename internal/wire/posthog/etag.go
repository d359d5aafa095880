package posthog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// etagOf returns the weak entity tag of body: W/"16 hex digits".
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// ETagMatches reports whether the header If-None-Match names etag, which is
// not empty. Tags are compared weakly, as the method is always a GET; clients
// also send them without quotes. Lists and * are understood.
func ETagMatches(header, etag string) bool {
	want := opaque(etag)
	for rest := strings.Trim(header, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		if rest[0] == '*' {
			return true
		}
		var tag string
		tag, rest = cutTag(rest)
		if tag == want {
			return true
		}
	}
	return false
}

// cutTag splits the first entity tag of a list off, without its quotes.
func cutTag(list string) (tag, rest string) {
	list = strings.TrimPrefix(list, "W/")
	if quoted, ok := strings.CutPrefix(list, `"`); ok {
		tag, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "" // not closed: no tag at all
		}
		return tag, rest
	}
	tag, rest, _ = strings.Cut(list, ",")
	return strings.TrimRight(tag, " \t"), rest
}

// opaque returns the text within an entity tag.
func opaque(etag string) string {
	tag, _ := cutTag(etag)
	return tag
}
