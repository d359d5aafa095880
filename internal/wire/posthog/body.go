package posthog

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// maxKept is how large a buffer may be to be kept for the next request.
const maxKept = 256 << 10

// Decode reads body (4.2), which must not be changed while r is in use. It
// returns an *Error of kind BadBody or TooLarge; r is then of no use but to be
// decoded into again.
//
// An object as a form body is read as JSON: it is what curl -d sends.
func (r *FlagsRequest) Decode(body []byte, hints BodyHints) error {
	r.Reset()
	r.limit = cmp.Or(hints.Limit, MaxUncompressed)
	if hints.Compression == CompressionUnsupported {
		return refuse(BadBody, "The compression is not supported. Use gzip, gzip-js or base64.")
	}
	switch mediaType(hints.ContentType) {
	case "application/json", "text/plain":
		return r.decodeText(body, hints)
	case "application/x-www-form-urlencoded":
		return r.decodeForm(body, hints)
	}
	return refuse(BadBody, "The content type is not supported. Use application/json, text/plain or application/x-www-form-urlencoded.")
}

// decodeText reads JSON, possibly compressed, or else base64 of JSON.
func (r *FlagsRequest) decodeText(body []byte, hints BodyHints) error {
	if hints.Compression == CompressionGzip || isGzip(body) || strings.Contains(strings.ToLower(hints.ContentEncoding), "gzip") {
		var err error
		if body, err = r.gunzip(body); err != nil {
			return err
		}
	}
	err := r.parse(body)
	if err == nil || isRefusal(err) {
		return err
	}
	if err := r.decodeBase64(body); err == nil || isRefusal(err) {
		return err
	}
	return refuse(BadBody, "The body is neither a JSON object nor base64 of one.")
}

// decodeForm reads base64 of JSON from the field data, or from all of the body.
func (r *FlagsRequest) decodeForm(body []byte, hints BodyHints) error {
	switch {
	case hints.Compression == CompressionGzip:
		return refuse(BadBody, "A form body cannot be compressed as a whole.")
	case !utf8.Valid(body):
		return refuse(BadBody, "The form body is not UTF-8.")
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '{' {
		if err := r.parse(trimmed); err == nil || isRefusal(err) {
			return err
		}
	}
	r.spare = appendUnescaped(r.spare[:0], formData(body), false)
	if err := r.decodeBase64(r.spare); err == nil || isRefusal(err) {
		return err
	}
	return refuse(BadBody, "The form field data is not base64 of a JSON object.")
}

// decodeBase64 reads base64 of JSON, which may be compressed.
func (r *FlagsRequest) decodeBase64(text []byte) error {
	decoded, err := appendUnbase64(nil, text)
	if err != nil {
		return err
	}
	if isGzip(decoded) {
		if decoded, err = r.gunzip(decoded); err != nil {
			return err
		}
	}
	return r.parse(decoded)
}

// gunzip returns the content of a gzip stream, in memory of r.
func (r *FlagsRequest) gunzip(body []byte) ([]byte, error) {
	var err error
	r.unpacked, err = Gunzip(r.unpacked[:0], body, r.limit)
	return r.unpacked, err
}

// parse reads JSON with the tolerances of 4.3.
func (r *FlagsRequest) parse(text []byte) error {
	if !utf8.Valid(text) {
		text = appendUTF8(nil, text)
		r.Warnings |= WarnUTF8
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if tooDeep(text, jsonval.MaxDepth) {
		return refuse(BadBody, "The body nests deeper than 128 levels.")
	}
	err := r.fields.walk(text)
	if err != nil {
		mended, found := appendFinite(r.spare[:0], text)
		if !found {
			return err
		}
		r.spare = mended
		if err := r.fields.walk(mended); err != nil {
			return err
		}
		r.Warnings |= WarnNonFinite
	}
	return r.resolve()
}

// isRefusal tells an error that ends decoding from one that says that the text
// is not what it was taken for.
func isRefusal(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
