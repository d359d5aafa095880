package posthog

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// name is a name that a field of a flags body goes by.
type name uint8

// The names of all fields, those of one field in order of precedence.
const (
	nameNone name = iota
	nameToken
	nameAPIKey
	nameDollarToken
	nameDistinctID
	nameDollarDistinctID
	nameDollarAnonDistinctID
	nameAnonDistinctID
	nameDollarDeviceID
	nameDeviceID
	nameGeoIPDisable
	nameDisableGeoIP
	nameDisableFlags
	nameFlagKeys
	nameFlagKeysToEvaluate
	nameEvaluationContexts
	nameEvaluationEnvironments
	nameEvaluationRuntime
	namePersonProperties // from here on: fields that are objects
	nameDollarProperties
	nameGroups
	nameDollarGroups
	nameGroupProperties
	nameDollarGroupProperties
	names
)

func nameOf(b []byte) name {
	switch string(b) {
	case "token":
		return nameToken
	case "api_key":
		return nameAPIKey
	case "$token":
		return nameDollarToken
	case "distinct_id":
		return nameDistinctID
	case "$distinct_id":
		return nameDollarDistinctID
	case "$anon_distinct_id":
		return nameDollarAnonDistinctID
	case "anon_distinct_id":
		return nameAnonDistinctID
	case "$device_id":
		return nameDollarDeviceID
	case "device_id":
		return nameDeviceID
	case "geoip_disable":
		return nameGeoIPDisable
	case "disable_geoip": // posthog-rs
		return nameDisableGeoIP
	case "disable_flags":
		return nameDisableFlags
	case "flag_keys":
		return nameFlagKeys
	case "flag_keys_to_evaluate":
		return nameFlagKeysToEvaluate
	case "evaluation_contexts":
		return nameEvaluationContexts
	case "evaluation_environments":
		return nameEvaluationEnvironments
	case "evaluation_runtime":
		return nameEvaluationRuntime
	case "person_properties":
		return namePersonProperties
	case "$properties":
		return nameDollarProperties
	case "groups":
		return nameGroups
	case "$groups":
		return nameDollarGroups
	case "group_properties":
		return nameGroupProperties
	case "$group_properties":
		return nameDollarGroupProperties
	}
	return nameNone
}

// fields is a flags body in which the place of everything of interest is
// known. Text is read once; places are offsets into it, so that a reused
// fields holds no pointers into old bodies.
type fields struct {
	text    []byte
	scratch []byte // for unescaping

	// Of several values of one name the last one counts.
	raw     [names]span    // the value; zero: not there, or an object whose members are known
	objects [names]members // the members of the value

	all   []member // of all objects that were walked
	inner []group  // of group_properties

	oddGroup bool // a value in group_properties was neither object nor null

	dec jsontext.Decoder
	src bytes.Buffer
}

// span is a part of the text.
type span struct{ from, to uint32 }

// members is a part of fields.all, or of fields.inner for group_properties.
type members struct{ from, to int }

// member is a name and a value, as they stand in the text.
type member struct{ name, value span }

// group is the properties of one group type.
type group struct {
	name    span
	members members
}

var decodeOptions = []jsontext.Options{
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true), // lone surrogates; the bytes are mended before
}

var errNotObject = errors.New("not a JSON object")

// walk reads text, which must be one JSON object and nothing else, and keeps
// it.
func (f *fields) walk(text []byte) error {
	f.reset(text)
	f.src = *bytes.NewBuffer(text) // the decoder reads a bytes.Buffer in place
	f.dec.Reset(&f.src, decodeOptions...)
	if f.dec.PeekKind() != '{' {
		return errNotObject
	}
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	for f.dec.PeekKind() != '}' {
		key, err := f.next()
		if err != nil {
			return err
		}
		if err := f.field(nameOf(f.unquoted(key))); err != nil {
			return err
		}
	}
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := f.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errNotObject // there is more
	}
	return nil
}

// release forgets what was read, and lets go of the text.
func (f *fields) release() {
	f.reset(nil)
	f.src = bytes.Buffer{}
	f.dec.Reset(&f.src)
}

// reset forgets what was read, and buffers that have grown large.
func (f *fields) reset(text []byte) {
	f.text = text
	f.raw = [names]span{}
	f.objects = [names]members{}
	f.all = f.all[:0]
	f.inner = f.inner[:0]
	f.oddGroup = false
	if cap(f.all) > maxKept/16 {
		f.all = nil
	}
	if cap(f.inner) > maxKept/32 {
		f.inner = nil
	}
	if cap(f.scratch) > maxKept {
		f.scratch = nil
	}
}

// field reads the value of the field n.
func (f *fields) field(n name) error {
	f.objects[n] = members{}
	switch {
	case n < namePersonProperties || f.dec.PeekKind() != '{':
		value, err := f.next()
		f.raw[n] = value
		return err
	case n >= nameGroupProperties:
		return f.groups(n)
	}
	ms, err := f.object()
	f.raw[n], f.objects[n] = span{}, ms
	return err
}

// groups reads the value of group_properties, an object of objects. Inner
// values that are no objects are left out.
func (f *fields) groups(n name) error {
	start := len(f.inner)
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	for f.dec.PeekKind() != '}' {
		key, err := f.next()
		if err != nil {
			return err
		}
		if f.dec.PeekKind() != '{' {
			value, err := f.next()
			if err != nil {
				return err
			}
			f.oddGroup = f.oddGroup || f.text[value.from] != 'n'
			continue
		}
		ms, err := f.object()
		if err != nil {
			return err
		}
		f.inner = append(f.inner, group{name: key, members: ms})
	}
	_, err := f.dec.ReadToken()
	f.raw[n], f.objects[n] = span{}, members{start, len(f.inner)}
	return err
}

// object reads an object whose members are to be known.
func (f *fields) object() (members, error) {
	start := len(f.all)
	if _, err := f.dec.ReadToken(); err != nil {
		return members{}, err
	}
	for f.dec.PeekKind() != '}' {
		key, err := f.next()
		if err != nil {
			return members{}, err
		}
		value, err := f.next()
		if err != nil {
			return members{}, err
		}
		f.all = append(f.all, member{key, value})
	}
	_, err := f.dec.ReadToken()
	return members{start, len(f.all)}, err
}

// next reads a name or a value.
func (f *fields) next() (span, error) {
	v, err := f.dec.ReadValue()
	end := f.dec.InputOffset()
	return span{uint32(end) - uint32(len(v)), uint32(end)}, err
}

// bytes returns the text at s.
func (f *fields) bytes(s span) []byte { return f.text[s.from:s.to] }

// kind returns the first byte of the value at s: that of a literal, a string,
// a number, an array or an object; 'n' also where there is none.
func (f *fields) kind(s span) byte {
	if s == (span{}) {
		return 'n'
	}
	return f.text[s.from]
}

// unquoted returns the content of the string at s, valid until the next call.
func (f *fields) unquoted(s span) []byte {
	raw := f.bytes(s)
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	// Lone surrogates are replaced and reported; the text is valid otherwise.
	f.scratch, _ = jsontext.AppendUnquote(f.scratch[:0], raw)
	return f.scratch
}
