package posthog

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// packing is a transfer form of a capture payload.
type packing uint8

const (
	packedNot packing = iota
	packedBase64
	packedLZString
)

// packingNamed reads a compression hint. gzip has no packing: its magic bytes
// tell it with and without a hint. Unknown names mean "none".
func packingNamed(s string) packing {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "lz64", "lz-string":
		return packedLZString
	case "base64", "b64":
		return packedBase64
	}
	return packedNot
}

// capturePayload undoes the transfer forms of a request and returns its JSON
// text (2.1, steps 1 to 4). The result may alias body.
func capturePayload(q CaptureQuery, h CaptureHints, body []byte) ([]byte, error) {
	data, err := captureSource(q, h, body)
	if err != nil {
		return nil, err
	}
	hint := packingNamed(h.ContentEncoding)
	if q.Compression != "" {
		hint = packingNamed(q.Compression)
	}
	if mediaType(h.ContentType) == "application/x-www-form-urlencoded" {
		if hint != packedLZString && looksBase64(data) {
			data = decodeBase64(data)
		}
		var compression string
		if data, compression, err = formPayload(data); err != nil {
			return nil, err
		}
		if compression != "" {
			hint = packingNamed(compression)
		}
	}
	if data, err = unpack(data, hint, h.Limit); err != nil {
		return nil, err
	}
	if len(data) > h.Limit {
		return nil, ErrCaptureTooBig
	}
	return data, nil
}

// captureSource returns the payload as it was sent, without the encoding that
// its transport added.
func captureSource(q CaptureQuery, h CaptureHints, body []byte) ([]byte, error) {
	if q.Data != "" {
		return restorePlus([]byte(q.Data)), nil
	}
	if len(body) == 0 {
		return nil, errNoPayload
	}
	c, known := codecNamed(h.ContentEncoding)
	switch {
	case known && (c != codecGzip || isGzip(body)):
		return inflateCapture(c, body, h.Limit)
	case strings.EqualFold(strings.TrimSpace(h.ContentEncoding), "br"):
		return nil, captureUndecodable("content encoding br is not supported")
	}
	return body, nil
}

// unpack undoes base64 and compression.
func unpack(data []byte, hint packing, limit int) ([]byte, error) {
	if hint == packedLZString { // its own base64 must not be taken for the other
		return decompressLZString(data, limit)
	}
	if looksBase64(data) {
		data = decodeBase64(data)
	}
	if isGzip(data) {
		var err error
		if data, err = inflateCapture(codecGzip, data, limit); err != nil {
			return nil, err
		}
	}
	if hint == packedBase64 && !looksJSON(data) || looksBase64(data) {
		if data = decodeBase64(data); data == nil {
			return nil, captureUndecodable("not base64")
		}
	}
	return data, nil
}

// formPayload takes the fields data and compression from an URL-encoded form;
// all others are ignored.
func formPayload(form []byte) (data []byte, compression string, err error) {
	for len(form) > 0 {
		var pair []byte
		pair, form, _ = bytes.Cut(form, []byte("&"))
		name, value, _ := bytes.Cut(pair, []byte("="))
		switch string(name) {
		case "data":
			data = restorePlus(appendUnescaped(nil, value, true))
		case "compression":
			compression = unescape(string(value), true)
		}
	}
	if len(data) == 0 {
		return nil, "", captureUndecodable("expected form data with the field data")
	}
	return data, compression, nil
}

// looksJSON reports whether b begins like an array or an object.
func looksJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// restorePlus gives base64 back the plus signs that an URL decoder took for
// spaces. It changes b.
func restorePlus(b []byte) []byte {
	if looksJSON(b) {
		return b
	}
	for i, c := range b {
		if c == ' ' {
			b[i] = '+'
		}
	}
	return b
}

// looksBase64 reports whether all of b is padded base64 of the standard
// alphabet.
func looksBase64(b []byte) bool {
	text := trimPadding(b)
	if len(text) == 0 || len(b)%4 != 0 || len(b)-len(text) > 2 {
		return false
	}
	for _, c := range text {
		if base64Value[c] < 0 {
			return false
		}
	}
	return true
}

// decodeBase64 decodes with or without padding. It returns nil if b is not
// base64 of the standard alphabet.
func decodeBase64(b []byte) []byte {
	text := trimPadding(b)
	out, err := base64.RawStdEncoding.AppendDecode(make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(text))), text)
	if err != nil {
		return nil
	}
	return out
}

func trimPadding(b []byte) []byte { return bytes.TrimRight(b, "=") }

// base64Value maps the characters of standard base64 to their six bits, all
// others to −1.
var base64Value = func() (values [256]int8) {
	for i := range values {
		values[i] = -1
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		values[c] = int8(i)
	}
	return values
}()
