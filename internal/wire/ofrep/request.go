package ofrep

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Names that a context reserves. Every other attribute is a person property.
const (
	nameTargetingKey    = "targetingKey"
	nameGroups          = "groups"          // group type → key
	nameGroupProperties = "groupProperties" // group type → properties
	nameDeviceID        = "$device_id"      // a person property too
)

// maxTargetingKey is how many characters of a targeting key count, as of a
// distinct id.
const maxTargetingKey = 200

// maxKept is how many members may be kept in memory for the next request.
const maxKept = 16 << 10

// Request is the body of a request. The zero value is ready for Decode; a decoded
// one can be decoded into again, which keeps its memory. It is for one goroutine.
type Request struct {
	TargetingKey string // the distinct id, cut to 200 characters; never empty
	DeviceID     string // attribute $device_id if it is a text; empty: none

	text       []byte
	attributes []member
	groups     []member
	properties []group
	inner      []member // of properties
	scratch    []byte   // for unescaping

	dec jsontext.Decoder
	src bytes.Buffer
}

// span is a part of the text.
type span struct{ from, to int64 }

// member is a name and a value, as they stand in the text.
type member struct{ name, value span }

// group is the properties of one group type, a part of Request.inner.
type group struct {
	name     span
	from, to int
}

var (
	errDepth  = &Error{ParseError, "The body nests deeper than 128 levels."}
	errObject = &Error{ParseError, "The body is not a JSON object."}
	errUTF8   = &Error{ParseError, "The body is not UTF-8."}
	errKey    = &Error{TargetingKeyMissing, "The context has no targetingKey, which is the distinct id."}
	errType   = &Error{InvalidContext, "The targetingKey must be a string."}
	errShape  = &Error{InvalidContext, "The context must be an object."}
	errGroups = &Error{InvalidContext, "The attribute groups must be an object with a string or a number for each group type."}
	errInner  = &Error{InvalidContext, "The attribute groupProperties must be an object with an object for each group type."}
)

// Decode reads text, a JSON object {"context": {…}}, which must not be changed
// while r is in use. Other members are ignored; of members with one name the last
// one counts. It returns an *Error; r is then of no use but to be decoded into
// again.
func (r *Request) Decode(text []byte) error {
	r.Reset()
	if !utf8.Valid(text) {
		return errUTF8
	}
	r.text = text
	r.src = *bytes.NewBuffer(text) // the decoder reads a bytes.Buffer in place
	// Escapes of half a surrogate pair are replaced by U+FFFD.
	r.dec.Reset(&r.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	err := r.body()
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case err != nil:
		return errObject
	case r.TargetingKey == "":
		return errKey
	}
	return nil
}

// Reset forgets the request and lets go of its text.
func (r *Request) Reset() {
	r.forget()
	r.text, r.src = nil, bytes.Buffer{}
	r.dec.Reset(&r.src)
	if cap(r.attributes)+cap(r.inner)+cap(r.groups)+cap(r.properties) > maxKept {
		r.attributes, r.inner, r.groups, r.properties = nil, nil, nil, nil
	}
	if cap(r.scratch) > maxKept {
		r.scratch = nil
	}
}

// forget empties the context.
func (r *Request) forget() {
	r.TargetingKey, r.DeviceID = "", ""
	r.attributes, r.groups = r.attributes[:0], r.groups[:0]
	r.properties, r.inner = r.properties[:0], r.inner[:0]
}

// body reads the whole text.
func (r *Request) body() error {
	if r.dec.PeekKind() != '{' {
		return errObject
	}
	err := r.members(func(name span) error {
		if string(r.unquoted(name)) != "context" {
			_, err := r.value()
			return err
		}
		r.forget()
		switch r.dec.PeekKind() {
		case '{':
			return r.members(r.attribute)
		case 'n':
			_, err := r.value()
			return err
		}
		return r.wrong(errShape)
	})
	if err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errObject // there is more
	}
	return nil
}

// attribute reads one member of the context.
func (r *Request) attribute(name span) error {
	switch string(r.unquoted(name)) {
	case nameTargetingKey:
		return r.targetingKey()
	case nameGroups:
		r.groups = r.groups[:0]
		return r.reserved(errGroups, r.groupKey)
	case nameGroupProperties:
		r.properties, r.inner = r.properties[:0], r.inner[:0]
		return r.reserved(errInner, r.group)
	case nameDeviceID:
		value, err := r.value()
		if err != nil {
			return err
		}
		r.DeviceID = ""
		if r.text[value.from] == '"' {
			r.DeviceID = r.id(value)
		}
		r.attributes = append(r.attributes, member{name, value})
		return nil
	}
	value, err := r.value()
	r.attributes = append(r.attributes, member{name, value})
	return err
}

// targetingKey reads the targeting key. Null is none.
func (r *Request) targetingKey() error {
	r.TargetingKey = ""
	switch r.dec.PeekKind() {
	case '"':
		value, err := r.value()
		if err == nil {
			r.TargetingKey = cut(r.id(value))
		}
		return err
	case 'n':
		_, err := r.value()
		return err
	}
	return r.wrong(errType)
}

// reserved reads an object by its members. Null is none; anything else is the
// error odd.
func (r *Request) reserved(odd *Error, fn func(name span) error) error {
	switch r.dec.PeekKind() {
	case '{':
		return r.members(fn)
	case 'n':
		_, err := r.value()
		return err
	}
	return r.wrong(odd)
}

// groupKey reads the key of a group.
func (r *Request) groupKey(name span) error {
	switch r.dec.PeekKind() {
	case '"', '0':
		value, err := r.value()
		r.groups = append(r.groups, member{name, value})
		return err
	case 'n':
		_, err := r.value()
		return err
	}
	return r.wrong(errGroups)
}

// group reads the properties of a group.
func (r *Request) group(name span) error {
	from := len(r.inner)
	err := r.reserved(errInner, func(name span) error {
		value, err := r.value()
		r.inner = append(r.inner, member{name, value})
		return err
	})
	r.properties = append(r.properties, group{name, from, len(r.inner)})
	return err
}

// members reads an object and calls fn with each name, to read the value.
func (r *Request) members(fn func(name span) error) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.value()
		if err != nil {
			return err
		}
		if err := fn(name); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// value reads a name or a value.
func (r *Request) value() (span, error) {
	switch r.dec.PeekKind() {
	case '{', '[':
	default:
		v, err := r.dec.ReadValue()
		end := r.dec.InputOffset()
		return span{end - int64(len(v)), end}, err
	}
	outside := r.dec.StackDepth()
	if _, err := r.dec.ReadToken(); err != nil {
		return span{}, err
	}
	from := r.dec.InputOffset() - 1
	for r.dec.StackDepth() > outside {
		if r.dec.StackDepth() > jsonval.MaxDepth {
			return span{}, errDepth
		}
		if _, err := r.dec.ReadToken(); err != nil {
			return span{}, err
		}
	}
	return span{from, r.dec.InputOffset()}, nil
}

// wrong reads a value of the wrong type. It returns odd, or what is wrong with
// the text itself.
func (r *Request) wrong(odd *Error) error {
	if _, err := r.value(); err != nil {
		return err
	}
	return odd
}

func (r *Request) bytes(s span) []byte { return r.text[s.from:s.to] }

// unquoted returns the content of the string at s, valid until the next call.
func (r *Request) unquoted(s span) []byte {
	raw := r.bytes(s)
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	r.scratch, _ = jsonval.AppendUnquote(r.scratch[:0], raw) // it was read before
	return r.scratch
}

// id returns the string at s as an identifier: without U+0000, which databases
// cannot hold.
func (r *Request) id(s span) string {
	return strings.ReplaceAll(string(r.unquoted(s)), "\x00", "")
}

// cut returns the first maxTargetingKey characters of s. They do not keep the
// rest of it in memory.
func cut(s string) string {
	if len(s) <= maxTargetingKey {
		return s
	}
	n := maxTargetingKey
	for i := range s {
		if n == 0 {
			return strings.Clone(s[:i])
		}
		n--
	}
	return s
}
