package filters

import "github.com/guidon-flags/guidon/internal/feature"

// propertyTypes are the types of property filters by name.
var propertyTypes = map[string]feature.PropertyType{
	"person":          feature.PersonProperty,
	"person_metadata": feature.PersonMetadata,
	"group":           feature.GroupProperty,
	"cohort":          feature.CohortMembership,
	"flag":            feature.FlagDependency,
}

// operators are the operators by name, with the two older names that stored
// documents may hold (4.13, M6.1).
var operators = func() map[string]feature.Operator {
	m := map[string]feature.Operator{"min": feature.GTE, "max": feature.LTE}
	for _, op := range feature.Operators() {
		m[string(op)] = op
	}
	return m
}()

// readProperty reads a property filter (1.4).
func readProperty(n node) (feature.Property, error) {
	if n.kind != kindObject {
		return feature.Property{}, undecodable("", "is not an object")
	}
	t := n.get("type")
	if t.kind == kindNone {
		return feature.Property{}, undecodable("type", "is missing")
	}
	typ, ok := propertyTypes[t.text()]
	if !ok {
		return feature.Property{}, undecodable("type", "is not a type of property filter")
	}
	return readPropertyOf(n, typ)
}

// readPropertyOf reads a property filter whose type is known.
func readPropertyOf(n node, typ feature.PropertyType) (feature.Property, error) {
	p := feature.Property{Type: typ, Operator: feature.Exact, GroupType: feature.NoGroup}
	switch key := n.get("key"); key.kind {
	case kindText:
		p.Key = key.text()
	case kindNone:
		return p, undecodable("key", "is missing")
	default:
		return p, undecodable("key", "is not a text")
	}
	if typ == feature.CohortMembership {
		p.Operator = feature.In
	}
	if op := n.get("operator"); !op.unset() {
		var ok bool
		if p.Operator, ok = operators[op.text()]; !ok {
			return p, undecodable("operator", "is not a known operator")
		}
	}
	group, err := readGroupIndex(n, "group_type_index", feature.NoGroup)
	if err != nil {
		return p, err
	}
	if typ == feature.GroupProperty {
		p.GroupType = group
	}
	if p.Negation, err = readBool(n, "negation"); err != nil {
		return p, err
	}
	if v := n.get("value"); !v.unset() {
		if p.Value, err = v.value(); err != nil {
			return p, undecodable("value", "%v", err)
		}
	}
	return p, nil
}
