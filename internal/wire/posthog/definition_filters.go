package posthog

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// errDocument: a stored document is not what it should be.
var errDocument = errors.New("the document cannot be read")

// appendName appends "name":.
func appendName(b []byte, name string) []byte { return append(feature.AppendQuoted(b, name), ':') }

// appendObject appends an object with the members of the object raw; value
// appends their values. Members for which it returns nil are left out.
func appendObject(b, raw []byte, value func(b []byte, name string, raw []byte) ([]byte, error)) ([]byte, error) {
	b = append(b, '{')
	start := len(b)
	err := jsonval.Members(raw, func(n, v []byte) error {
		end := len(b)
		if end > start {
			b = append(b, ',')
		}
		name := string(n)
		next, err := value(appendName(b, name), name, v)
		if next == nil {
			next = b[:end]
		}
		b = next
		return err
	})
	return append(b, '}'), err
}

// appendArray appends an array with the elements of the array raw; value
// appends each.
func appendArray(b, raw []byte, value func(b, raw []byte) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	start := len(b)
	err := jsonval.Elements(raw, func(v []byte) error {
		if len(b) > start {
			b = append(b, ',')
		}
		var err error
		b, err = value(b, v)
		return err
	})
	return append(b, ']'), err
}

// appendCompact appends a JSON value without white space.
func appendCompact(b, raw []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(raw))
	err := v.Compact(decodeOptions...)
	return append(b, v...), err
}

// appendFilters appends the filters of a flag as SDKs read them: payloads are
// texts, and dependencies name keys with their chain (docs/clients.md, 4.4).
func (e *definitionEncoder) appendFilters(b []byte, f *DefinitionFlag) ([]byte, error) {
	return appendObject(b, f.Filters, func(b []byte, name string, raw []byte) ([]byte, error) {
		switch {
		case name == "payloads" && raw[0] == '{':
			return appendObject(b, raw, appendPayload)
		case name == "groups" && raw[0] == '[':
			return appendArray(b, raw, func(b, raw []byte) ([]byte, error) { return e.appendCondition(b, f, raw) })
		}
		return appendCompact(b, raw)
	})
}

// appendPayload appends a payload: a text as it is, other values as JSON text.
func appendPayload(b []byte, _ string, raw []byte) ([]byte, error) {
	if raw[0] == '"' || raw[0] == 'n' {
		return append(b, raw...), nil
	}
	text, err := appendCompact(nil, raw)
	return feature.AppendQuoted(b, string(text)), err
}

func (e *definitionEncoder) appendCondition(b []byte, f *DefinitionFlag, raw []byte) ([]byte, error) {
	return appendObject(b, raw, func(b []byte, name string, raw []byte) ([]byte, error) {
		if name != "properties" || raw[0] != '[' {
			return appendCompact(b, raw)
		}
		return appendArray(b, raw, func(b, raw []byte) ([]byte, error) { return e.appendProperty(b, f, raw) })
	})
}

// appendProperty appends a property filter of a condition and notes the cohort
// that it names.
func (e *definitionEncoder) appendProperty(b []byte, f *DefinitionFlag, raw []byte) ([]byte, error) {
	p, err := readNode(raw)
	if err != nil {
		return nil, err
	}
	if p.typ == "cohort" {
		e.reached[p.cohort] = true
	}
	if p.typ != "flag" {
		return appendCompact(b, raw)
	}
	key, chain := e.dependency(f, p.key)
	b, err = appendObject(b, raw, func(b []byte, name string, raw []byte) ([]byte, error) {
		switch name {
		case "key":
			return feature.AppendQuoted(b, key), nil
		case "dependency_chain":
			return nil, nil
		}
		return appendCompact(b, raw)
	})
	if err != nil {
		return nil, err
	}
	b = append(b[:len(b)-1], `,"dependency_chain":`...)
	b = appendTexts(b, chain)
	return append(b, '}'), nil
}

// dependency returns the key of the flag that f names by id, and the order of
// evaluation up to it. The order is empty, which no SDK evaluates, if the flag
// or one behind it is missing, circular or not served.
func (e *definitionEncoder) dependency(f *DefinitionFlag, id string) (key string, chain []string) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return id, nil
	}
	key, ok := e.keys[n]
	if !ok || f.DependencyChain == nil {
		return id, nil
	}
	chain = f.DependencyChain(n)
	for _, k := range chain {
		if !e.serves[k] || k == f.Key {
			return key, nil
		}
	}
	return key, chain
}

// node is what a property filter, or a group of them in a cohort, looks like.
type node struct {
	typ    string
	key    string
	cohort int64  // value, if that is an integer
	values []byte // of a group; nil: none
}

func readNode(raw []byte) (node, error) {
	var n node
	err := jsonval.Members(raw, func(name, value []byte) error {
		switch string(name) {
		case "type":
			n.typ = textOf(value)
		case "key":
			n.key = textOf(value)
		case "value":
			n.cohort, _ = strconv.ParseInt(string(value), 10, 64) // 0: no cohort
		case "values":
			n.values = value
		}
		return nil
	})
	return n, err
}

// textOf returns the content of a JSON string, empty for other values.
func textOf(raw []byte) string {
	if raw[0] != '"' {
		return ""
	}
	text, _ := jsonval.AppendUnquote(nil, raw)
	return string(text)
}
