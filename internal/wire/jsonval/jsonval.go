package jsonval

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
)

// MaxDepth is how deep objects and arrays may nest in any JSON text that
// Guidon reads.
const MaxDepth = 128

// ErrDepth is returned for text that nests deeper than MaxDepth.
var ErrDepth = fmt.Errorf("nested deeper than %d levels", MaxDepth)

var errType = errors.New("not of the expected JSON type")

// reader is a decoder that is reused.
type reader struct {
	dec jsontext.Decoder
	buf bytes.Buffer
}

var options = jsontext.AllowDuplicateNames(true)

var readers = sync.Pool{New: func() any { return new(reader) }}

// open returns a reader of raw, to be given back by done.
func open(raw []byte) *reader {
	r := readers.Get().(*reader)
	r.buf = *bytes.NewBuffer(raw) // the decoder reads a bytes.Buffer in place
	r.dec.Reset(&r.buf, options, jsontext.AllowInvalidUTF8(true))
	return r
}

func (r *reader) done() {
	r.buf = bytes.Buffer{}
	r.dec.Reset(&r.buf)
	readers.Put(r)
}

// end fails unless nothing but white space is left.
func (r *reader) end() error {
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("text after the JSON value")
		}
		return err
	}
	return nil
}

// Parse reads raw, which must be one JSON value and nothing else. The result
// does not alias raw.
func Parse(raw []byte) (feature.Value, error) {
	r := open(raw)
	defer r.done()
	v, err := r.value(0)
	if err == nil {
		err = r.end()
	}
	return v, err
}

func (r *reader) value(depth int) (feature.Value, error) {
	tok, err := r.dec.ReadToken()
	if err != nil {
		return feature.Value{}, err
	}
	switch tok.Kind() {
	case 'n':
		return feature.Null, nil
	case 't', 'f':
		return feature.Bool(tok.Bool()), nil
	case '"':
		return feature.Text(tok.String()), nil
	case '0':
		return feature.Number(tok.String()), nil
	}
	if depth >= MaxDepth {
		return feature.Value{}, ErrDepth
	}
	if tok.Kind() == '[' {
		var items []feature.Value
		for r.dec.PeekKind() != ']' {
			v, err := r.value(depth + 1)
			if err != nil {
				return feature.Value{}, err
			}
			items = append(items, v)
		}
		_, err = r.dec.ReadToken()
		return feature.Array(items), err
	}
	var members []feature.Member
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return feature.Value{}, err
		}
		m := feature.Member{Name: name.String()}
		if m.Value, err = r.value(depth + 1); err != nil {
			return feature.Value{}, err
		}
		members = append(members, m)
	}
	_, err = r.dec.ReadToken()
	return feature.Object(members), err
}

// Members calls fn for each member of the object raw, in order, duplicates
// included. value aliases raw; name is valid during the call only. It stops at
// the first error. What follows the object is not looked at.
func Members(raw []byte, fn func(name, value []byte) error) error {
	r := open(raw)
	defer r.done()
	return r.each('{', '}', func() error {
		tok, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		name, err := jsontext.AppendUnquote(nil, tok)
		if err != nil && !isUTF8(err) {
			return err
		}
		value, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		return fn(name, value)
	})
}

// Elements calls fn for each element of the array raw, in order. value aliases
// raw. It stops at the first error.
func Elements(raw []byte, fn func(value []byte) error) error {
	r := open(raw)
	defer r.done()
	return r.each('[', ']', func() error {
		value, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		return fn(value)
	})
}

func (r *reader) each(open, end jsontext.Kind, item func() error) error {
	tok, err := r.dec.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != open {
		return errType
	}
	for r.dec.PeekKind() != end {
		if err := item(); err != nil {
			return err
		}
	}
	_, err = r.dec.ReadToken()
	return err
}

// AppendUnquote appends the content of the JSON string raw to dst.
func AppendUnquote(dst, raw []byte) ([]byte, error) {
	dst, err := jsontext.AppendUnquote(dst, raw)
	if isUTF8(err) {
		err = nil // replaced by U+FFFD
	}
	return dst, err
}

// isUTF8 tells the errors by which jsontext reports that it had to mend the
// text: bytes that are no UTF-8, and escapes of half a surrogate pair.
func isUTF8(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "invalid UTF-8") || strings.Contains(text, "invalid surrogate pair")
}
