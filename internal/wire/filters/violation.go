package filters

import (
	"fmt"
	"strings"
)

// Violation is the first rule that a document breaks.
//
// A nil *Violation means that there is none. It has an Error method so that it
// can travel as an error; convert it only when it is not nil.
type Violation struct {
	Code   string // the rule's id, for example "cross_field.variant_keys_not_unique"
	Path   string // where, for example "groups[0].properties[1].value"; empty: the document itself
	Detail string // a sentence for the person who wrote the document
}

func (v *Violation) Error() string { return v.Detail }

// Enforcement says which rules make Validate refuse a document (M6).
type Enforcement uint8

// The enforcements.
const (
	EnforceAll    Enforcement = iota // all rules
	EnforceSafety                    // only those without which definitions cannot be read
)

// checker looks at a document and keeps the first violation.
type checker struct {
	opt   Options
	first *Violation
}

func (c *checker) ok() bool { return c.first == nil }

// violate records a violation unless there is one already.
func (c *checker) violate(code, path, detail string) {
	if c.first == nil {
		c.first = &Violation{Code: code, Path: path, Detail: detail}
	}
}

// structural records a violation of a rule of M6.1. Under EnforceSafety the
// codes are those that clients of old know.
func (c *checker) structural(path, code, message string) {
	if c.opt.Enforcement == EnforceSafety {
		c.violate("invalid", path, path+": "+message)
		return
	}
	c.violate("structural."+withoutIndices(path)+"."+code, path, path+": "+message)
}

// crossField records a violation of the rule of M6.2 called id.
func (c *checker) crossField(id, path, format string, args ...any) {
	c.violate("cross_field."+id, path, path+": "+fmt.Sprintf(format, args...))
}

// warn tells of something that is let through.
func (c *checker) warn(code, path, detail string) {
	if c.opt.Warn != nil && c.ok() {
		c.opt.Warn(Violation{Code: code, Path: path, Detail: detail})
	}
}

// withoutIndices empties the brackets of a path: "groups[0].variant" becomes
// "groups[].variant".
func withoutIndices(path string) string {
	var b strings.Builder
	inIndex := false
	for i := 0; i < len(path); i++ {
		if path[i] == ']' {
			inIndex = false
		}
		if !inIndex {
			b.WriteByte(path[i])
		}
		if path[i] == '[' {
			inIndex = true
		}
	}
	return b.String()
}
