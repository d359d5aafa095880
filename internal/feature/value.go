package feature

import (
	"slices"
	"strconv"
	"strings"
)

// Kind tells the JSON type of a Value.
type Kind uint8

// The kinds. KindNone is the zero Value: no value at all, which is not null.
const (
	KindNone Kind = iota
	KindNull
	KindFalse
	KindTrue
	KindNumber
	KindText
	KindArray
	KindObject
)

// Value is a JSON value that keeps what evaluation depends on: the way a
// number was written, and the text form that operators compare.
//
// Values are immutable; copying one shares its strings and items. The zero
// Value is "absent".
type Value struct {
	kind  Kind
	text  string  // the text form, see Text
	items []Value // of an array
}

// Null is the JSON null.
var Null = Value{kind: KindNull, text: "null"}

// Bool returns a JSON boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindTrue, text: "true"}
	}
	return Value{kind: KindFalse, text: "false"}
}

// Text returns a JSON string with the content s.
func Text(s string) Value { return Value{kind: KindText, text: s} }

// Number returns the number that src, a valid JSON number, denotes. Numbers
// beyond binary64 are taken as the largest finite one of their sign.
func Number(src string) Value { return Value{kind: KindNumber, text: numberText(src)} }

// Array returns a JSON array. It keeps items.
func Array(items []Value) Value {
	b := []byte{'['}
	for i, v := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.AppendJSON(b)
	}
	b = append(b, ']')
	return Value{kind: KindArray, text: string(b), items: items}
}

// Member is a name with its value in an object.
type Member struct {
	Name  string
	Value Value
}

// Object returns a JSON object. It sorts members in place by name; of members
// with the same name the last one counts.
func Object(members []Member) Value {
	slices.SortStableFunc(members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	b := []byte{'{'}
	for i, m := range members {
		if i+1 < len(members) && members[i+1].Name == m.Name {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = AppendQuoted(b, m.Name)
		b = append(b, ':')
		b = m.Value.AppendJSON(b)
	}
	b = append(b, '}')
	return Value{kind: KindObject, text: string(b)}
}

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// Absent reports whether v is no value at all.
func (v Value) Absent() bool { return v.kind == KindNone }

// IsBool reports whether v is true or false.
func (v Value) IsBool() bool { return v.kind == KindFalse || v.kind == KindTrue }

// Items returns the elements of an array, nil for other kinds. The caller
// must not change them.
func (v Value) Items() []Value { return v.items }

// Text returns the text form that operators work on: a text as it is, null as
// "null", booleans as "true" and "false", integers between −2^63 and 2^64−1 in
// decimal, other numbers in the shortest form that keeps a point or an
// exponent, arrays and objects as compact JSON with sorted names.
func (v Value) Text() string { return v.text }

// AppendJSON appends v as compact JSON; an absent value becomes null.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case KindText:
		return AppendQuoted(b, v.text)
	case KindNone:
		return append(b, "null"...)
	}
	return append(b, v.text...)
}

// Equal reports whether v and w are the same JSON value, numbers compared by
// their text form (so 1 and 1.0 differ).
func (v Value) Equal(w Value) bool { return v.kind == w.kind && v.text == w.text }

// numberText gives the text form of the JSON number src. Integers that fit
// are the common case and are returned as they are.
func numberText(src string) string {
	integer := true
	for i := 0; i < len(src); i++ {
		if c := src[i]; c != '-' && (c < '0' || c > '9') {
			integer = false
			break
		}
	}
	if integer && fitsInteger(src) {
		return src
	}
	f, _ := strconv.ParseFloat(src, 64) // out of range gives ±Inf
	return FloatText(f)
}

func fitsInteger(src string) bool {
	if src == "-0" {
		return false // the float −0.0
	}
	if len(src) < 19 {
		return true
	}
	if src[0] == '-' {
		_, err := strconv.ParseInt(src, 10, 64)
		return err == nil
	}
	_, err := strconv.ParseUint(src, 10, 64)
	return err == nil
}

const maxFloatText = "1.7976931348623157e308"

// FloatText returns the shortest decimal text that reads back as f, always with
// a point or an exponent; the exponent form starts at 1e16 and below 1e-5.
// Infinities become the largest finite number.
func FloatText(f float64) string {
	switch {
	case f > 1.7976931348623157e308:
		return maxFloatText
	case f < -1.7976931348623157e308:
		return "-" + maxFloatText
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if f != 0 && (e < -5 || e >= 16) {
		return mantissa + "e" + strconv.Itoa(e)
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends s as a JSON string, escaping only what JSON demands.
func AppendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
