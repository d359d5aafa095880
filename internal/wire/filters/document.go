package filters

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// maxDepth is how deep a document may nest. A cohort may hold groups 64 levels
// below its root's entries (6.4), each of which is an object and a list.
const maxDepth = 512

// The kinds of a node, spelled as jsontext does. kindNone is that of the zero
// node, which stands for a member that is not there.
const (
	kindNone   jsontext.Kind = 0
	kindNull   jsontext.Kind = 'n'
	kindFalse  jsontext.Kind = 'f'
	kindTrue   jsontext.Kind = 't'
	kindText   jsontext.Kind = '"'
	kindNumber jsontext.Kind = '0'
	kindObject jsontext.Kind = '{'
	kindList   jsontext.Kind = '['
)

// node is a value of a parsed document. It aliases the text it was parsed from.
type node struct {
	kind    jsontext.Kind
	raw     []byte // as written, without surrounding white space
	members []member
	items   []node
}

// member is a member of an object, in the order of the text. Names may repeat;
// the last one counts.
type member struct {
	name  []byte // unquoted
	value node
}

// parse reads raw, which must be one JSON value and nothing else.
func parse(raw []byte) (node, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	n, err := parseValue(dec, raw, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("text after the JSON value")
		}
		return node{}, err
	}
	return n, nil
}

func parseValue(dec *jsontext.Decoder, src []byte, depth int) (node, error) {
	k := dec.PeekKind()
	if k != kindObject && k != kindList {
		raw, err := dec.ReadValue()
		return node{kind: k, raw: raw}, err
	}
	if depth >= maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	if _, err := dec.ReadToken(); err != nil {
		return node{}, err
	}
	n, start := node{kind: k}, dec.InputOffset()-1
	for {
		switch dec.PeekKind() {
		case '}', ']':
			if _, err := dec.ReadToken(); err != nil {
				return node{}, err
			}
			n.raw = src[start:dec.InputOffset()]
			return n, nil
		}
		var m member
		if k == kindObject {
			quoted, err := dec.ReadValue()
			if err != nil {
				return node{}, err
			}
			if m.name, err = unquote(quoted); err != nil {
				return node{}, err
			}
		}
		var err error
		if m.value, err = parseValue(dec, src, depth+1); err != nil {
			return node{}, err
		}
		if k == kindObject {
			n.members = append(n.members, m)
		} else {
			n.items = append(n.items, m.value)
		}
	}
}

// unquote returns the content of the JSON string raw, in place if nothing in
// it is escaped.
func unquote(raw []byte) ([]byte, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, errors.New("not a JSON string")
	}
	if body := raw[1 : len(raw)-1]; bytes.IndexByte(body, '\\') < 0 && utf8.Valid(body) {
		return body, nil
	}
	return jsonval.AppendUnquote(nil, raw)
}

// get returns the last member called name, the zero node if there is none.
func (n node) get(name string) node {
	for i := len(n.members) - 1; i >= 0; i-- {
		if string(n.members[i].name) == name {
			return n.members[i].value
		}
	}
	return node{}
}

// all yields the members of n in the order of the text; of members with the
// same name the last.
func (n node) all() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		last := make(map[string]int, len(n.members))
		for i, m := range n.members {
			last[string(m.name)] = i
		}
		for i, m := range n.members {
			if last[string(m.name)] == i && !yield(string(m.name), m.value) {
				return
			}
		}
	}
}

// unset reports whether n is missing or null, which most rules treat alike.
func (n node) unset() bool { return n.kind == kindNone || n.kind == kindNull }

func (n node) isBool() bool { return n.kind == kindTrue || n.kind == kindFalse }

// text returns the content of a JSON string, empty for other kinds.
func (n node) text() string {
	if n.kind != kindText {
		return ""
	}
	b, _ := unquote(n.raw)
	return string(b)
}

// integer returns the value of a number written as an integer.
func (n node) integer() (int64, bool) {
	if n.kind != kindNumber {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n.raw), 10, 64)
	return i, err == nil
}

// float returns the value of a number that is finite in binary64.
func (n node) float() (float64, bool) {
	if n.kind != kindNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n.raw), 64)
	return f, err == nil
}

// value returns n as a feature.Value; a missing node gives the zero Value.
func (n node) value() (feature.Value, error) { return n.valueAt(0) }

func (n node) valueAt(depth int) (feature.Value, error) {
	switch n.kind {
	case kindNone:
		return feature.Value{}, nil
	case kindNull:
		return feature.Null, nil
	case kindTrue, kindFalse:
		return feature.Bool(n.kind == kindTrue), nil
	case kindText:
		return feature.Text(n.text()), nil
	case kindNumber:
		return feature.Number(string(n.raw)), nil
	}
	if depth >= jsonval.MaxDepth {
		return feature.Value{}, jsonval.ErrDepth
	}
	if n.kind == kindList {
		items := make([]feature.Value, len(n.items))
		for i, item := range n.items {
			v, err := item.valueAt(depth + 1)
			if err != nil {
				return feature.Value{}, err
			}
			items[i] = v
		}
		return feature.Array(items), nil
	}
	members := make([]feature.Member, len(n.members))
	for i, m := range n.members {
		v, err := m.value.valueAt(depth + 1)
		if err != nil {
			return feature.Value{}, err
		}
		members[i] = feature.Member{Name: string(m.name), Value: v}
	}
	return feature.Object(members), nil
}

// deeperThan reports whether objects and lists nest more than levels deep in n.
func (n node) deeperThan(levels int) bool {
	if n.kind != kindList && n.kind != kindObject {
		return false
	}
	if levels == 0 {
		return true
	}
	for _, item := range n.items {
		if item.deeperThan(levels - 1) {
			return true
		}
	}
	for _, m := range n.members {
		if m.value.deeperThan(levels - 1) {
			return true
		}
	}
	return false
}

// appendCompact appends the JSON text raw without insignificant white space.
// Numbers and strings stay as they are written.
func appendCompact(b, raw []byte) []byte {
	scanCompact(raw, func(piece []byte) { b = append(b, piece...) })
	return b
}

// compactLen is the length of the JSON text raw without insignificant white
// space.
func compactLen(raw []byte) int {
	n := 0
	scanCompact(raw, func(piece []byte) { n += len(piece) })
	return n
}

// scanCompact calls keep for the stretches of the valid JSON text raw between
// insignificant white space.
func scanCompact(raw []byte, keep func([]byte)) {
	from, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText:
			switch c {
			case '\\':
				i++
			case '"':
				inText = false
			}
		case c == '"':
			inText = true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if from < i {
				keep(raw[from:i])
			}
			from = i + 1
		}
	}
	if from < len(raw) {
		keep(raw[from:])
	}
}
