package manage

import "fmt"

// Kind says what is wrong with a request, and so how it is answered.
type Kind uint8

// The kinds of Error.
const (
	Invalid            Kind = iota // a field or the object breaks a rule
	NotFound                       // there is no such thing, or the caller may not know of it
	Forbidden                      // the caller may not do this
	Conflict                       // somebody else changed the same fields
	PreconditionFailed             // If-Match names another version
)

// Error is a request refused for a reason that its sender can act on.
type Error struct {
	Kind   Kind
	Attr   string // the field; nested names joined by "__"; empty: the object as a whole
	Code   string
	Detail string // one or two sentences for people
}

func (e *Error) Error() string {
	if e.Attr == "" {
		return e.Detail
	}
	return e.Attr + ": " + e.Detail
}

// invalid refuses the value of a field.
func invalid(attr, code, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Attr: attr, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// refused refuses an object as a whole.
func refused(format string, args ...any) *Error { return invalid("", "invalid", format, args...) }

func notFound() *Error { return &Error{Kind: NotFound, Code: "not_found", Detail: "Not found."} }

func forbidden(format string, args ...any) *Error {
	return &Error{Kind: Forbidden, Code: "permission_denied", Detail: fmt.Sprintf(format, args...)}
}

func required(attr string) *Error { return invalid(attr, "required", "This field is required.") }

// tooLong checks a text's length in characters.
func tooLong(attr, s string, max int) error {
	n := 0
	for range s {
		n++
	}
	if n > max {
		return invalid(attr, "max_length", "Ensure this field has no more than %d characters.", max)
	}
	return nil
}
