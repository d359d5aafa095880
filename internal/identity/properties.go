package identity

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Size limits of a stored properties document in bytes (5.3).
const (
	propertiesLimit  = 655_360
	propertiesTarget = 524_288 // what a document over the limit is cut to
)

// properties is a JSON object: the text of each value by its name. Values are
// compact and keep their numbers as they were written; U+0000 and what is not
// UTF-8 has become U+FFFD.
type properties map[string]string

// errTooBig: a document of an event is larger than any that can be stored.
var errTooBig = errors.New("properties are too big")

// parseProperties reads an object. It stops with errTooBig once names and
// values take more than limit bytes; 0 means no limit.
func parseProperties(raw []byte, limit int) (properties, error) {
	p := properties{}
	size := 0
	var buf []byte
	err := jsonval.Members(raw, func(name, value []byte) error {
		buf = appendCompact(buf[:0], value)
		size += len(name) + len(buf)
		if limit > 0 && size > limit {
			return errTooBig
		}
		p[withoutNUL(string(name))] = string(buf)
		return nil
	})
	return p, err
}

// appendJSON appends the document with its names sorted.
func (p properties) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(p)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = feature.AppendQuoted(b, name)
		b = append(b, ':')
		b = append(b, p[name]...)
	}
	return append(b, '}')
}

// over returns a copy of p with the members of top put over it. p and top may
// be nil.
func (p properties) over(top properties) properties {
	out := make(properties, len(p)+len(top))
	maps.Copy(out, p)
	maps.Copy(out, top)
	return out
}

// quoted returns s as the JSON text of a string.
func quoted(s string) string { return string(feature.AppendQuoted(nil, s)) }

// appendCompact appends raw, which is valid JSON, without white space and with
// strings in their shortest form.
func appendCompact(b, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			n := stringLen(raw[i:])
			b = appendString(b, raw[i:i+n])
			i += n
		default:
			b = append(b, c)
			i++
		}
	}
	return b
}

// stringLen returns the length of the JSON string at the start of raw.
func stringLen(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// appendString appends the JSON string raw.
func appendString(b, raw []byte) []byte {
	for _, c := range raw {
		if c == '\\' || c >= utf8.RuneSelf {
			return feature.AppendQuoted(b, textOf(raw))
		}
	}
	return append(b, raw...)
}

// textOf returns the text of a JSON value as JavaScript's String gives it, but
// for arrays, which stay JSON. U+0000 is replaced.
func textOf(raw []byte) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		text, err := jsonval.AppendUnquote(nil, raw)
		if err != nil {
			return ""
		}
		return withoutNUL(string(text))
	case raw[0] == '{':
		return "[object Object]"
	case raw[0] == '[':
		return string(appendCompact(nil, raw))
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return feature.Number(string(raw)).Text()
	}
	return string(raw) // true, false, null
}

// truthy reports whether a JSON value counts as true in JavaScript.
func truthy(raw []byte) bool {
	switch {
	case len(raw) == 0 || raw[0] == 'n' || raw[0] == 'f':
		return false
	case raw[0] == '"':
		return len(raw) > len(`""`)
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		digits, _, _ := strings.Cut(strings.ToLower(string(raw)), "e")
		return strings.Trim(digits, "-0.") != ""
	}
	return true
}

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// withoutNUL replaces U+0000, which databases refuse in texts.
func withoutNUL(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", string(utf8.RuneError))
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// trim drops the properties that nobody needs most, in alphabetical order,
// until the document is not larger than the target, and returns it.
func (p properties) trim() []byte {
	doc := p.appendJSON(nil)
	size := len(doc)
	if size <= propertiesTarget {
		return doc
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if size <= propertiesTarget {
			break
		}
		if !protected(name) {
			size -= len(quoted(name)) + len(":,") + len(p[name])
			delete(p, name)
		}
	}
	return p.appendJSON(nil)
}
