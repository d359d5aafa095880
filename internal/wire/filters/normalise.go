package filters

import (
	"math"
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/feature"
)

// The members that are known at each level (M6.1); what is for display only is
// not stored.
var (
	filtersMembers = []string{
		"groups", "multivariate", "aggregation_group_type_index", "payloads", "feature_enrollment", "holdout", "early_exit",
	}
	legacyMembers = []string{"super_groups", "holdout_groups"}
	groupMembers  = []string{
		"properties", "rollout_percentage", "variant", "aggregation_group_type_index", "description", "sort_key",
		"exposure_frozen", "exposure_frozen_cohort",
	}
	propertyMembers     = []string{"key", "type", "operator", "value", "group_type_index", "negation", "label"}
	displayMembers      = []string{"cohort_name", "group_key_names"}
	multivariateMembers = []string{"variants"}
	variantMembers      = []string{"key", "name", "rollout_percentage", "description"}
	holdoutMembers      = []string{"id", "exclusion_percentage"}
)

// normalise writes the stored form of a valid document.
func (c *checker) normalise(doc node) []byte {
	conds := conditions(doc)
	common := doc.get("aggregation_group_type_index")
	if len(conds) > 0 {
		common = commonGroup(conds)
	}
	w := objectWriter{checker: c, known: filtersMembers, dropped: legacyMembers}
	b := w.write(nil, doc, func(b []byte, name string, v node) []byte {
		switch {
		case name == "groups" && v.kind == kindList:
			return appendList(b, v, func(b []byte, i int, _ node) []byte { return c.appendGroup(b, conds[i]) })
		case name == "multivariate" && v.kind == kindObject:
			return c.appendMultivariate(b, v)
		case name == "payloads" && v.kind == kindObject:
			return appendPayloads(b, v)
		case name == "holdout" && v.kind == kindObject:
			w := objectWriter{checker: c, path: "holdout", known: holdoutMembers}
			return w.write(b, v, appendPercentages)
		case name == "aggregation_group_type_index":
			return appendNode(b, common)
		}
		return appendCompact(b, v.raw)
	})
	if len(conds) > 0 && doc.get("aggregation_group_type_index").kind == kindNone {
		b = appendMember(b, "aggregation_group_type_index", appendNode(nil, common))
	}
	return b
}

// commonGroup is the group type of all conditions, null if they differ.
func commonGroup(conds []condition) node {
	null := node{kind: kindNull, raw: []byte("null")}
	for _, cond := range conds {
		if cond.group.unset() || string(cond.group.raw) != string(conds[0].group.raw) {
			return null
		}
	}
	return conds[0].group
}

func (c *checker) appendGroup(b []byte, cond condition) []byte {
	w := objectWriter{checker: c, path: cond.path, known: groupMembers}
	b = w.write(b, cond.node, func(b []byte, name string, v node) []byte {
		switch name {
		case "properties":
			return appendList(b, v, func(b []byte, i int, p node) []byte {
				return c.appendProperty(b, index(join(cond.path, "properties"), i), p)
			})
		case "rollout_percentage":
			return appendPercentages(b, name, v)
		}
		return appendCompact(b, v.raw)
	})
	if cond.get("aggregation_group_type_index").kind == kindNone {
		b = appendMember(b, "aggregation_group_type_index", appendNode(nil, cond.group))
	}
	return b
}

func (c *checker) appendProperty(b []byte, path string, n node) []byte {
	w := objectWriter{checker: c, path: path, known: propertyMembers, dropped: displayMembers}
	return w.write(b, n, func(b []byte, name string, v node) []byte {
		switch {
		case name == "key" && v.kind == kindNumber:
			return feature.AppendQuoted(b, string(v.raw))
		case name == "operator" && v.kind == kindText:
			return feature.AppendQuoted(b, string(operators[v.text()]))
		}
		return appendCompact(b, v.raw)
	})
}

func (c *checker) appendMultivariate(b []byte, n node) []byte {
	w := objectWriter{checker: c, path: "multivariate", known: multivariateMembers}
	return w.write(b, n, func(b []byte, name string, v node) []byte {
		if name != "variants" {
			return appendCompact(b, v.raw)
		}
		return appendList(b, v, func(b []byte, i int, variant node) []byte {
			w := objectWriter{checker: c, path: index("multivariate.variants", i), known: variantMembers}
			return w.write(b, variant, appendPercentages)
		})
	})
}

// appendPayloads writes each payload as a text that holds its JSON. Texts are
// in that form already.
func appendPayloads(b []byte, n node) []byte {
	out := append(b, "{}"...)
	for key, v := range n.all() {
		text := v.raw
		if v.kind != kindText {
			text = feature.AppendQuoted(nil, string(appendSpaced(nil, v)))
		}
		out = appendMember(out, key, text)
	}
	return out
}

// appendSpaced writes n with a space after each colon and comma, the form that
// readers of payload texts are used to.
func appendSpaced(b []byte, n node) []byte {
	switch n.kind {
	case kindList:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendSpaced(b, item)
		}
		return append(b, ']')
	case kindObject:
		b = append(b, '{')
		first := true
		for name, v := range n.all() {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = append(feature.AppendQuoted(b, name), ": "...)
			b = appendSpaced(b, v)
		}
		return append(b, '}')
	}
	return append(b, n.raw...)
}

// appendPercentages writes the member called name; percentages that are whole
// are written as integers, since some clients read nothing else.
func appendPercentages(b []byte, name string, v node) []byte {
	if f, ok := v.float(); ok && (name == "rollout_percentage" || name == "exclusion_percentage") && f == math.Trunc(f) {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return appendCompact(b, v.raw)
}

// objectWriter writes an object member by member, leaving out what is not to
// be stored.
type objectWriter struct {
	checker *checker
	path    string
	known   []string
	dropped []string // known, but not to be stored
}

// write appends n; value appends the value of each member that stays.
func (w objectWriter) write(b []byte, n node, value func(b []byte, name string, v node) []byte) []byte {
	b = append(b, '{')
	first := true
	for name, v := range n.all() {
		if slices.Contains(w.dropped, name) {
			continue
		}
		if !slices.Contains(w.known, name) && w.checker.opt.Enforcement == EnforceAll {
			path := join(w.path, name)
			w.checker.warn("structural.unknown_key", path, path+": This key is not known and was dropped.")
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(feature.AppendQuoted(b, name), ':')
		b = value(b, name, v)
	}
	return append(b, '}')
}

// appendList writes a list whose items are written by item; null becomes an
// empty list.
func appendList(b []byte, n node, item func(b []byte, i int, v node) []byte) []byte {
	b = append(b, '[')
	for i, v := range n.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, i, v)
	}
	return append(b, ']')
}

// appendNode writes n, a missing node as null.
func appendNode(b []byte, n node) []byte {
	if n.unset() {
		return append(b, "null"...)
	}
	return appendCompact(b, n.raw)
}

// appendMember adds a member to the object at the end of b.
func appendMember(b []byte, name string, value []byte) []byte {
	b = b[:len(b)-1]
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(feature.AppendQuoted(b, name), ':')
	return append(append(b, value...), '}')
}
