package filters

import "github.com/guidon-flags/guidon/internal/feature"

// Merge applies the filters of an update to those that are stored: each
// top-level key that patch gives replaces the stored one, all others stay
// (management API, 5.4). The result is to be validated as a whole. Missing or
// null stored filters count as empty.
//
// It refuses a patch that is no object or names a version, and stored filters
// of another version than 1 (code "unsupported_config_version").
func Merge(stored, patch []byte) ([]byte, *Violation) {
	c := &checker{}
	changes, err := parse(patch)
	switch {
	case err != nil:
		c.violate("structural.filters.invalid", "", "Filters must be valid JSON.")
	case changes.kind != kindObject:
		c.structure(changes)
	case changes.get("version").kind != kindNone:
		c.structure(changes)
	}
	old, ok := parseOptional(stored)
	v := old.get("version")
	if !ok || old.kind != kindNone && old.kind != kindObject || v.kind != kindNone && !isVersion(v, 1) {
		c.violate("unsupported_config_version", "version", "The flag's stored filters are of a version that cannot be changed here.")
	}
	if !c.ok() {
		return nil, c.first
	}
	out := []byte("{}")
	for name, v := range old.all() {
		if name == "version" {
			continue
		}
		if change := changes.get(name); change.kind != kindNone {
			v = change
		}
		out = appendMember(out, name, appendCompact(nil, v.raw))
	}
	for name, v := range changes.all() {
		if old.get(name).kind == kindNone {
			out = appendMember(out, name, appendCompact(nil, v.raw))
		}
	}
	return out, nil
}

// Display names what stands in definitions by its id.
type Display struct {
	// Cohort returns the name of a cohort, empty if there is none. nil: none.
	Cohort func(id int64) string

	// Group returns the display name of a group, empty if there is none. nil:
	// none.
	Group func(groupType int, key string) string
}

// Decorate returns v1 filters as the management API shows them: cohort filters
// get cohort_name, and filters of groups by $group_key get group_key_names,
// which maps each key to a name. What stood there before is replaced. Filters
// that cannot be read and those of another version are returned as they are,
// in memory of their own.
func Decorate(raw []byte, names Display) []byte {
	doc, err := parse(raw)
	groups := doc.get("groups")
	if err != nil || groups.kind != kindList || doc.get("version").kind != kindNone {
		return append([]byte(nil), raw...)
	}
	return appendMembers(nil, doc, "groups", func(b []byte, groups node) []byte {
		return appendList(b, groups, func(b []byte, _ int, g node) []byte {
			return appendMembers(b, g, "properties", func(b []byte, properties node) []byte {
				return appendList(b, properties, func(b []byte, _ int, p node) []byte {
					return appendDecorated(b, p, names)
				})
			})
		})
	})
}

// appendMembers writes the object n with the list called name written by list.
// What is no object and lists that are none stay as they are.
func appendMembers(b []byte, n node, name string, list func([]byte, node) []byte) []byte {
	if n.kind != kindObject {
		return appendCompact(b, n.raw)
	}
	b = append(b, "{}"...)
	for member, v := range n.all() {
		value := appendCompact(nil, v.raw)
		if member == name && v.kind == kindList {
			value = list(nil, v)
		}
		b = appendMember(b, member, value)
	}
	return b
}

func appendDecorated(b []byte, p node, names Display) []byte {
	if p.kind != kindObject {
		return appendCompact(b, p.raw)
	}
	b = append(b, "{}"...)
	for name, v := range p.all() {
		if name != "cohort_name" && name != "group_key_names" {
			b = appendMember(b, name, appendCompact(nil, v.raw))
		}
	}
	switch p.get("type").text() {
	case "cohort":
		id, ok := p.get("value").integer()
		if !ok || names.Cohort == nil {
			break
		}
		if name := names.Cohort(id); name != "" {
			b = appendMember(b, "cohort_name", feature.AppendQuoted(nil, name))
		}
	case "group":
		index, ok := p.get("group_type_index").integer()
		if !ok || names.Group == nil || p.get("key").text() != "$group_key" {
			break
		}
		b = appendMember(b, "group_key_names", appendGroupNames(nil, p.get("value"), int(index), names))
	}
	return b
}

// appendGroupNames writes the names of the groups whose keys are in value, a
// text or a list.
func appendGroupNames(b []byte, value node, groupType int, names Display) []byte {
	keys := value.items
	if value.kind == kindText {
		keys = []node{value}
	}
	b = append(b, "{}"...)
	seen := map[string]bool{}
	for _, k := range keys {
		key := k.text()
		if k.kind != kindText || seen[key] {
			continue
		}
		seen[key] = true
		if name := names.Group(groupType, key); name != "" {
			b = appendMember(b, key, feature.AppendQuoted(nil, name))
		}
	}
	return b
}
