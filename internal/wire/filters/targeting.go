package filters

import (
	"math"

	"github.com/guidon-flags/guidon/internal/feature"
)

// readTargeting reads a v1 document (1.2). Members it does not know, among them
// the legacy super_groups and holdout_groups, are ignored; a list that is null
// counts as empty.
func readTargeting(doc node) (*feature.Targeting, error) {
	t := &feature.Targeting{GroupType: feature.NoGroup}
	var err error
	if t.GroupType, err = readGroupIndex(doc, "aggregation_group_type_index", feature.NoGroup); err != nil {
		return nil, err
	}
	if t.Enrollment, err = readBool(doc, "feature_enrollment"); err != nil {
		return nil, err
	}
	if t.EarlyExit, err = readBool(doc, "early_exit"); err != nil {
		return nil, err
	}
	if t.Holdout, err = readHoldout(doc.get("holdout")); err != nil {
		return nil, within("holdout", err)
	}
	if t.Variants, err = readVariants(doc.get("multivariate")); err != nil {
		return nil, within("multivariate", err)
	}
	groups, err := readList(doc, "groups")
	if err != nil {
		return nil, err
	}
	t.Conditions = make([]feature.Condition, len(groups))
	for i, g := range groups {
		if t.Conditions[i], err = readCondition(g, t.GroupType); err != nil {
			return nil, within(index("groups", i), err)
		}
	}
	t.Payloads = readPayloads(doc.get("payloads"))
	return t, nil
}

// readCondition reads a condition set (1.3). flagLevel is the group type of
// conditions that name none.
func readCondition(n node, flagLevel feature.GroupIndex) (feature.Condition, error) {
	c := feature.Condition{Rollout: 100}
	if n.kind != kindObject {
		return c, undecodable("", "is not an object")
	}
	var err error
	if c.GroupType, err = readGroupIndex(n, "aggregation_group_type_index", flagLevel); err != nil {
		return c, err
	}
	if r := n.get("rollout_percentage"); !r.unset() {
		var ok bool
		if c.Rollout, ok = r.float(); !ok {
			return c, undecodable("rollout_percentage", "is not a number")
		}
	}
	switch v := n.get("variant"); v.kind {
	case kindNone, kindNull:
	case kindText:
		c.Variant = v.text()
	default:
		return c, undecodable("variant", "is not a text")
	}
	properties, err := readList(n, "properties")
	if err != nil {
		return c, err
	}
	if len(properties) > 0 {
		c.Properties = make([]feature.Property, len(properties))
	}
	for i, p := range properties {
		if c.Properties[i], err = readProperty(p); err != nil {
			return c, within(index("properties", i), err)
		}
	}
	return c, nil
}

func readVariants(multivariate node) ([]feature.Variant, error) {
	if multivariate.unset() {
		return nil, nil
	}
	if multivariate.kind != kindObject {
		return nil, undecodable("", "is not an object")
	}
	items, err := readList(multivariate, "variants")
	if err != nil || len(items) == 0 {
		return nil, err
	}
	variants := make([]feature.Variant, len(items))
	for i, item := range items {
		path := index("variants", i)
		if item.kind != kindObject {
			return nil, undecodable(path, "is not an object")
		}
		key := item.get("key")
		if key.kind != kindText {
			return nil, undecodable(join(path, "key"), "is not a text")
		}
		weight, ok := item.get("rollout_percentage").float()
		if !ok {
			return nil, undecodable(join(path, "rollout_percentage"), "is not a number")
		}
		variants[i] = feature.Variant{Key: key.text(), Weight: weight}
	}
	return variants, nil
}

// readPayloads keeps each payload as it is stored, less white space. A null
// payload is none; what is not an object holds no payloads.
func readPayloads(n node) []feature.Payload {
	var payloads []feature.Payload
	for key, v := range n.all() {
		if !v.unset() {
			payloads = append(payloads, feature.Payload{Key: key, JSON: string(appendCompact(nil, v.raw))})
		}
	}
	return payloads
}

func readHoldout(n node) (*feature.Holdout, error) {
	if n.unset() {
		return nil, nil
	}
	if n.kind != kindObject {
		return nil, undecodable("", "is not an object")
	}
	id, ok := n.get("id").integer()
	if !ok {
		return nil, undecodable("id", "is not an integer")
	}
	exclusion, ok := n.get("exclusion_percentage").float()
	if !ok {
		return nil, undecodable("exclusion_percentage", "is not a number")
	}
	return &feature.Holdout{ID: id, Exclusion: exclusion}, nil
}

// readList returns the items of the list n[name]; missing and null are empty.
func readList(n node, name string) ([]node, error) {
	l := n.get(name)
	if l.unset() || l.kind == kindList {
		return l.items, nil
	}
	return nil, undecodable(name, "is not a list")
}

// readBool reads n[name]; missing and null are false.
func readBool(n node, name string) (bool, error) {
	b := n.get(name)
	if b.unset() || b.isBool() {
		return b.kind == kindTrue, nil
	}
	return false, undecodable(name, "is not a boolean")
}

// readGroupIndex reads the group type index n[name]: absent if it is missing,
// NoGroup if it is null. Indices that no project can have become
// feature.MaxGroupTypes, so that they name no group type rather than none at
// all.
func readGroupIndex(n node, name string, absent feature.GroupIndex) (feature.GroupIndex, error) {
	g := n.get(name)
	switch g.kind {
	case kindNone:
		return absent, nil
	case kindNull:
		return feature.NoGroup, nil
	}
	i, ok := g.integer()
	switch {
	case !ok || i < math.MinInt32 || i > math.MaxInt32:
		return 0, undecodable(name, "is not a group type index")
	case i < 0 || i >= feature.MaxGroupTypes:
		return feature.MaxGroupTypes, nil
	}
	return feature.GroupIndex(i), nil
}
