package posthog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
)

// errTooLarge: more came out of a decompression than was allowed.
var errTooLarge = errors.New("too large after decompression")

// Gunzip appends the content of the gzip stream src to b, at most limit bytes. It
// returns an *Error of kind TooLarge or BadBody; b may have grown all the same.
func Gunzip(b, src []byte, limit int) ([]byte, error) {
	b, err := appendGunzipped(b, src, limit)
	switch {
	case errors.Is(err, errTooLarge):
		return b, refuse(TooLarge, "The body is too large after decompression.")
	case err != nil:
		return b, refuse(BadBody, "The body is not valid gzip.")
	}
	return b, nil
}

// gunzipper is a gzip reader that is reused, with the bytes it reads from.
type gunzipper struct {
	src bytes.Reader
	gz  gzip.Reader
}

var gunzippers = sync.Pool{New: func() any { return new(gunzipper) }}

// appendGunzipped appends the content of the gzip stream src to b, at most
// limit bytes; more is errTooLarge. What follows the stream is ignored.
func appendGunzipped(b, src []byte, limit int) ([]byte, error) {
	g := gunzippers.Get().(*gunzipper)
	defer func() {
		g.src.Reset(nil)
		gunzippers.Put(g)
	}()
	g.src.Reset(src)
	if err := g.gz.Reset(&g.src); err != nil {
		return b, err
	}
	g.gz.Multistream(false)
	start := len(b)
	for {
		b = slices.Grow(b, 512)
		n, err := g.gz.Read(b[len(b):min(cap(b), start+limit+1)])
		b = b[:len(b)+n]
		switch {
		case len(b)-start > limit:
			return b, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// isGzip reports whether b begins as a gzip stream does.
func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// appendUnbase64 appends what text stands for in base64: percent-escapes are
// undone first, white space and padding are ignored, and the alphabet for URLs
// is understood as well (4.4).
func appendUnbase64(b, text []byte) ([]byte, error) {
	text = appendUnescaped(nil, text, false)
	n := 0
	for _, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		text[n] = c
		n++
	}
	text = bytes.TrimRight(text[:n], "=")
	return base64.RawStdEncoding.AppendDecode(b, text)
}

// mediaType returns the part of a Content-Type header that names the type, in
// lower case; an absent header means JSON.
func mediaType(header string) string {
	t, _, _ := strings.Cut(header, ";")
	t = strings.TrimSpace(t)
	if t == "" {
		return "application/json"
	}
	return strings.ToLower(t)
}

// formData returns the field data of a form body, or the whole body when it
// has no such field. Percent-escapes are left as they are.
func formData(body []byte) []byte {
	for rest := body; len(rest) > 0; {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte("&"))
		if value, ok := bytes.CutPrefix(field, []byte("data=")); ok {
			return value
		}
	}
	return body
}

// appendUTF8 appends text with each sequence that is not UTF-8 replaced by
// U+FFFD: one for each longest start of a valid sequence, one for each other
// byte.
func appendUTF8(b, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			b = append(b, "\uFFFD"...)
			n = brokenLen(text)
		} else {
			b = append(b, text[:n]...)
		}
		text = text[n:]
	}
	return b
}

// brokenLen returns how many bytes at the start of text, which is not valid
// there, belong to one broken sequence.
func brokenLen(text []byte) int {
	lo, hi, more := byte(0x80), byte(0xBF), 0
	switch c := text[0]; {
	case c < 0xC2 || c > 0xF4:
		return 1
	case c < 0xE0:
		more = 1
	case c < 0xF0:
		more = 2
		switch c {
		case 0xE0:
			lo = 0xA0
		case 0xED:
			hi = 0x9F
		}
	default:
		more = 3
		switch c {
		case 0xF0:
			lo = 0x90
		case 0xF4:
			hi = 0x8F
		}
	}
	n := 1
	for n < len(text) && n <= more && lo <= text[n] && text[n] <= hi {
		lo, hi = 0x80, 0xBF
		n++
	}
	return n
}

// appendFinite appends the JSON text with NaN, Infinity and -Infinity, where
// they stand outside of strings, replaced by null, and reports whether there
// were any.
func appendFinite(b, text []byte) ([]byte, bool) {
	found := false
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"':
			n := stringLen(text[i:])
			b = append(b, text[i:i+n]...)
			i += n
			continue
		case 'N', 'I', '-':
			if n := nonFiniteLen(text[i:]); n > 0 {
				b = append(b, "null"...)
				i += n
				found = true
				continue
			}
		}
		b = append(b, text[i])
		i++
	}
	return b, found
}

func nonFiniteLen(text []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if len(text) >= len(word) && string(text[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

// stringLen returns the length of the JSON string at the start of text, quotes
// included; all of text if the string has no end.
func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// tooDeep reports whether objects and arrays nest deeper than limit in the
// JSON text. Brackets within strings do not count. The text need not be valid.
func tooDeep(text []byte, limit int) bool {
	if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= limit {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringLen(text[i:]) - 1
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
