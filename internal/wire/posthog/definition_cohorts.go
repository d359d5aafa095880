package posthog

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// appendCohorts appends the cohorts that flags name, and those that these name
// in turn, by id. Static ones and those that cannot be read are left out: SDKs
// then ask the server.
func (e *definitionEncoder) appendCohorts(b []byte) []byte {
	bodies := make(map[int64][]byte)
	next := slices.Sorted(maps.Keys(e.reached))
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		if _, seen := bodies[id]; seen {
			continue
		}
		bodies[id] = nil
		c := e.cohorts[id]
		if c == nil || c.Static {
			continue
		}
		if body, err := c.tree(); err == nil && len(body) > 0 {
			bodies[id] = body
			next = append(next, cohortsIn(body)...)
		}
	}
	start := len(b)
	for _, id := range slices.Sorted(maps.Keys(bodies)) {
		if bodies[id] == nil {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = appendName(b, strconv.FormatInt(id, 10))
		b = append(b, bodies[id]...)
	}
	return b
}

// tree returns the filters of a cohort as SDKs read them, {"type", "values"};
// nil if it has none.
func (c *DefinitionCohort) tree() ([]byte, error) {
	var tree []byte
	if len(c.Filters) > 0 && c.Filters[0] != 'n' {
		if !jsontext.Value(c.Filters).IsValid(decodeOptions...) {
			return nil, errDocument
		}
		err := jsonval.Members(c.Filters, func(name, value []byte) error {
			if string(name) == "properties" {
				tree = value
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if tree == nil {
		return c.legacyTree()
	}
	root, err := readNode(tree)
	if err != nil || root.typ != "AND" && root.typ != "OR" || root.values == nil {
		return nil, errDocument
	}
	return appendCompact(nil, tree)
}

// cohortsIn lists the cohorts that a tree names.
func cohortsIn(tree []byte) []int64 {
	n, err := readNode(tree)
	switch {
	case err != nil:
		return nil
	case n.values == nil && n.typ == "cohort":
		return []int64{n.cohort}
	}
	var ids []int64
	_ = jsonval.Elements(n.values, func(child []byte) error { // no list: no children
		ids = append(ids, cohortsIn(child)...)
		return nil
	})
	return ids
}

// unknowable is a leaf that no SDK can decide. It stands for what is false, and
// lets the server say so: some SDKs take an empty group for true.
const unknowable = `{"key":"event","type":"behavioral","value":"performed_event"}`

// legacyTree returns the older form of a cohort as a tree (6.6).
func (c *DefinitionCohort) legacyTree() ([]byte, error) {
	if len(c.Groups) == 0 || c.Groups[0] != '[' || !jsontext.Value(c.Groups).IsValid(decodeOptions...) {
		return nil, nil
	}
	b := append([]byte(nil), `{"type":"OR","values":`...)
	n := len(b)
	b, err := appendArray(b, c.Groups, appendLegacyGroup)
	if len(b) == n+len(`[]`) {
		return nil, err
	}
	return append(b, '}'), err
}

func appendLegacyGroup(b, raw []byte) ([]byte, error) {
	var properties []byte
	if raw[0] == '{' {
		if err := jsonval.Members(raw, func(name, value []byte) error {
			if string(name) == "properties" {
				properties = value
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	if len(properties) == 0 {
		return append(b, unknowable...), nil
	}
	switch properties[0] {
	case '[':
		return appendLegacyLeaves(b, properties)
	case '{':
		return appendLegacyObject(b, properties)
	}
	return append(b, unknowable...), nil
}

// appendLegacyLeaves appends a list of leaves, which may lack their type.
func appendLegacyLeaves(b, list []byte) ([]byte, error) {
	start := len(b)
	b = append(b, `{"type":"AND","values":`...)
	n := len(b)
	b, err := appendArray(b, list, func(b, raw []byte) ([]byte, error) {
		leaf, err := readNode(raw)
		if err != nil {
			return nil, err
		}
		if leaf.typ != "" && leaf.typ != "event" {
			return appendCompact(b, raw)
		}
		b, err = appendObject(b, raw, func(b []byte, name string, raw []byte) ([]byte, error) {
			if name == "type" {
				return nil, nil
			}
			return appendCompact(b, raw)
		})
		if err != nil {
			return nil, err
		}
		if b[len(b)-2] == '{' {
			return append(b[:len(b)-1], `"type":"person"}`...), nil
		}
		return append(b[:len(b)-1], `,"type":"person"}`...), nil
	})
	if len(b) == n+len(`[]`) {
		return append(b[:start], unknowable...), err
	}
	return append(b, '}'), err
}

// appendLegacyObject appends an object of properties: a tree as it is, names
// with values as leaves.
func appendLegacyObject(b, object []byte) ([]byte, error) {
	has := map[string]bool{}
	members := 0
	if err := jsonval.Members(object, func(name, _ []byte) error {
		has[string(name)] = true
		members++
		return nil
	}); err != nil {
		return nil, err
	}
	switch {
	case has["type"] && has["values"]:
		return appendCompact(b, object)
	case has["type"] || has["values"] || members == 0:
		return append(b, unknowable...), nil
	}
	b = append(b, `{"type":"AND","values":[`...)
	start := len(b)
	err := jsonval.Members(object, func(name, value []byte) error {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, `{"key":`...)
		b = feature.AppendQuoted(b, string(name))
		b = append(b, `,"type":"person","operator":"exact","value":`...)
		var err error
		if b, err = appendCompact(b, value); err == nil {
			b = append(b, '}')
		}
		return err
	})
	return append(b, `]}`...), err
}
