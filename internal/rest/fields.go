package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/manage"
)

// fields are the fields of a body. Readers tell absent from null, and keep the
// first error, which the caller asks for when it has read all.
type fields struct {
	raw    []byte // of a JSON body
	values map[string]json.RawMessage
	form   bool   // values are texts, whatever their type
	csv    []byte // an uploaded file; nil: none
	err    error
}

func (f *fields) fail(err *problem) {
	if f.err == nil {
		f.err = err
	}
}

// credential is a personal key among the fields, empty if there is none.
func (f *fields) credential() string {
	var key string
	if json.Unmarshal(f.values["personal_api_key"], &key) != nil {
		return ""
	}
	return key
}

// has reports whether a field is there, null or not.
func (f *fields) has(name string) bool {
	_, ok := f.values[name]
	return ok
}

func (f *fields) null(name string) bool { return string(f.values[name]) == "null" }

// present reports whether a field is there; null is an error.
func (f *fields) present(name string) bool {
	if f.null(name) {
		f.fail(invalid(name, "null", "This field may not be null."))
		return false
	}
	return f.has(name)
}

// text reads a text that may be empty. Numbers count as their digits.
func (f *fields) text(name string) (o manage.Optional[string]) {
	if !f.present(name) {
		return o
	}
	raw := f.values[name]
	switch {
	case raw[0] == '"':
		if json.Unmarshal(raw, &o.Value) == nil {
			if strings.ContainsRune(o.Value, 0) { // only a form can hold one
				f.fail(invalid(name, "null_characters_not_allowed", "Null characters are not allowed."))
			}
			o.Set = true
			return o
		}
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return manage.Given(string(raw))
	}
	f.fail(invalid(name, "invalid", "Not a valid string."))
	return o
}

// nullableText reads a text for which null is the empty one.
func (f *fields) nullableText(name string) manage.Optional[string] {
	if f.null(name) {
		return manage.Given("")
	}
	return f.text(name)
}

// filled reads a text that may not be blank.
func (f *fields) filled(name string) manage.Optional[string] {
	o := f.text(name)
	if o.Set && strings.TrimSpace(o.Value) == "" {
		f.fail(invalid(name, "blank", "This field may not be blank."))
	}
	return o
}

// choice reads one of some texts; null is the empty text.
func (f *fields) choice(name string, choices ...string) manage.Optional[string] {
	o := f.nullableText(name)
	if o.Set && o.Value != "" && !slices.Contains(choices, o.Value) {
		f.fail(invalid(name, "invalid_choice", "\"%s\" is not a valid choice.", o.Value))
	}
	return o
}

// boolean reads true or false; in a form also "1" and "0".
func (f *fields) boolean(name string) (o manage.Optional[bool]) {
	if !f.present(name) {
		return o
	}
	s := string(f.values[name])
	if f.form {
		s = strings.ToLower(strings.Trim(s, `"`))
	}
	switch {
	case s == "true" || f.form && s == "1":
		return manage.Given(true)
	case s == "false" || f.form && s == "0":
		return manage.Given(false)
	}
	f.fail(invalid(name, "invalid", "Must be a valid boolean."))
	return o
}

// nullableBoolean reads true, false or null.
func (f *fields) nullableBoolean(name string) (o manage.Optional[*bool]) {
	if f.null(name) {
		return manage.Given[*bool](nil)
	}
	if b := f.boolean(name); b.Set {
		return manage.Given(&b.Value)
	}
	return o
}

// integer reads a whole number, also as its digits.
func (f *fields) integer(name string) (o manage.Optional[int64]) {
	if !f.present(name) {
		return o
	}
	n, err := strconv.ParseInt(strings.Trim(string(f.values[name]), `"`), 10, 64)
	if err != nil {
		f.fail(invalid(name, "invalid", "A valid integer is required."))
		return o
	}
	return manage.Given(n)
}

// small reads a whole number that fits an int32.
func (f *fields) small(name string) (o manage.Optional[int]) {
	n := f.integer(name)
	if n.Set && (n.Value < math.MinInt32 || n.Value > math.MaxInt32) {
		f.fail(invalid(name, "invalid", "A valid integer is required."))
	}
	return manage.Optional[int]{Value: int(n.Value), Set: n.Set}
}

// items reads a list.
func (f *fields) items(name string) (items []json.RawMessage, ok bool) {
	if !f.present(name) {
		return nil, false
	}
	if err := json.Unmarshal(f.document(name), &items); err != nil {
		f.fail(invalid(name, "not_a_list", "Expected a list of items but got type \"%s\".", typeName(f.values[name])))
		return nil, false
	}
	return items, true
}

// texts reads a list of texts.
func (f *fields) texts(name string) (o manage.Optional[[]string]) {
	items, ok := f.items(name)
	if !ok {
		return o
	}
	o = manage.Given(make([]string, 0, len(items)))
	for _, raw := range items {
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			f.fail(invalid(name, "invalid", "Not a valid string."))
			return o
		}
		o.Value = append(o.Value, s)
	}
	return o
}

// integers reads a list of whole numbers.
func (f *fields) integers(name string) (o manage.Optional[[]int64]) {
	items, ok := f.items(name)
	if !ok {
		return o
	}
	o = manage.Given(make([]int64, 0, len(items)))
	for _, raw := range items {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			f.fail(invalid(name, "invalid", "A valid integer is required."))
			return o
		}
		o.Value = append(o.Value, n)
	}
	return o
}

// document returns a field that is JSON of any type. In a form it is the JSON
// in the text, if there is any.
func (f *fields) document(name string) json.RawMessage {
	raw := f.values[name]
	if !f.form || len(raw) == 0 {
		return raw
	}
	var s string
	if json.Unmarshal(raw, &s) == nil && checkJSON(bytes.TrimSpace([]byte(s))) == nil {
		return bytes.TrimSpace([]byte(s))
	}
	return raw
}

// json reads a field of any type but null.
func (f *fields) json(name string) (o manage.Optional[[]byte]) {
	if !f.present(name) {
		return o
	}
	return manage.Given([]byte(f.document(name)))
}

// typeName is what the messages of old call the type of a JSON value.
func typeName(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "str"
	case '{':
		return "dict"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}
