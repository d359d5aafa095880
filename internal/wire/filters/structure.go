package filters

import (
	"fmt"
	"math"
	"slices"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// The sentences of refusals that stand at many members.
const (
	msgRequired = "This field is required."
	msgNull     = "This field may not be null."
	msgText     = "Not a valid string."
	msgBlank    = "This field may not be blank."
	msgInteger  = "A valid integer is required."
	msgNumber   = "A valid number is required."
	msgBool     = "Must be a valid boolean."
)

// maxVariantKey is the longest key of a variant.
const maxVariantKey = 400

// writableTypes are the property types that may be written when all rules are
// enforced.
var writableTypes = []string{"person", "cohort", "group", "flag"}

// structure checks the shape of a document, in the order of the table of M6.1:
// first the members of filters, then all conditions, all property filters, all
// variants.
func (c *checker) structure(doc node) {
	if doc.kind != kindObject {
		c.violate("structural.filters.not_a_dict", "", "Filters must be a dictionary, got "+typeName(doc)+".")
		return
	}
	if doc.get("version").kind != kindNone {
		c.violate("reserved_config_version", "version", "filters.version is reserved. Remove it from the request.")
		return
	}
	groups := doc.get("groups")
	c.list("groups", groups, false)
	if c.opt.Create && len(groups.items) == 0 {
		c.violate("structural.groups.empty", "groups", "Feature flags must have at least one condition set (group).")
	}
	c.multivariate(doc.get("multivariate"))
	c.integer("aggregation_group_type_index", doc.get("aggregation_group_type_index"), math.MinInt32, math.MaxInt32)
	c.payloads(doc.get("payloads"))
	c.boolean("feature_enrollment", doc.get("feature_enrollment"))
	c.boolean("early_exit", doc.get("early_exit"))
	c.holdout(doc.get("holdout"))
	for i, g := range groups.items {
		c.group(index("groups", i), g)
	}
	for i, g := range groups.items {
		for j, p := range g.get("properties").items {
			c.property(index(join(index("groups", i), "properties"), j), p)
		}
	}
	for i, v := range variants(doc) {
		c.variant(index("multivariate.variants", i), v)
	}
}

func (c *checker) multivariate(n node) {
	if n.unset() || !c.object("multivariate", n) {
		return
	}
	const path = "multivariate.variants"
	list := n.get("variants")
	switch list.kind {
	case kindNone:
		c.structural(path, "required", msgRequired)
	case kindNull:
		c.structural(path, "null", msgNull)
	default:
		c.list(path, list, false)
	}
	if len(list.items) == 0 && c.opt.Enforcement == EnforceAll {
		c.structural(path, "empty", "This list may not be empty.")
	}
}

func (c *checker) payloads(n node) {
	if n.unset() {
		return
	}
	if n.kind != kindObject {
		c.structural("payloads", "not_a_dict", fmt.Sprintf("Expected a dictionary of items but got type %q.", typeName(n)))
		return
	}
	for key, v := range n.all() {
		if v.kind == kindText && !c.opt.OpaquePayloads && !validJSON(v.text()) {
			c.structural("payloads", "invalid_payload_json", fmt.Sprintf("Payload for key '%s' is not valid JSON.", key))
			return
		}
	}
}

func validJSON(s string) bool {
	_, err := parse([]byte(s))
	return err == nil
}

func (c *checker) holdout(n node) {
	if n.unset() || !c.object("holdout", n) {
		return
	}
	if c.required("holdout.id", n.get("id")) {
		c.integer("holdout.id", n.get("id"), math.MinInt64, math.MaxInt64)
	}
	if c.required("holdout.exclusion_percentage", n.get("exclusion_percentage")) {
		c.percentage("holdout.exclusion_percentage", n.get("exclusion_percentage"))
	}
}

func (c *checker) group(path string, n node) {
	if !c.object(path, n) {
		return
	}
	c.list(join(path, "properties"), n.get("properties"), true)
	c.percentage(join(path, "rollout_percentage"), n.get("rollout_percentage"))
	c.text(join(path, "variant"), n.get("variant"))
	c.integer(join(path, "aggregation_group_type_index"), n.get("aggregation_group_type_index"), math.MinInt32, math.MaxInt32)
	if c.opt.Enforcement == EnforceAll {
		c.text(join(path, "description"), n.get("description"))
	}
	c.boolean(join(path, "exposure_frozen"), n.get("exposure_frozen"))
	c.integer(join(path, "exposure_frozen_cohort"), n.get("exposure_frozen_cohort"), math.MinInt64, math.MaxInt64)
}

func (c *checker) property(path string, n node) {
	if !c.object(path, n) {
		return
	}
	key, typ, op := n.get("key"), n.get("type"), n.get("operator")
	switch at := join(path, "key"); {
	case !c.required(at, key):
	case key.kind != kindText && key.kind != kindNumber:
		c.structural(at, "invalid", msgText)
	case key.kind == kindText && key.text() == "" && c.opt.Enforcement == EnforceAll:
		c.structural(at, "blank", msgBlank)
	}
	if at := join(path, "type"); c.required(at, typ) {
		_, known := propertyTypes[typ.text()]
		if !known || c.opt.Enforcement == EnforceAll && !slices.Contains(writableTypes, typ.text()) {
			c.structural(at, "invalid_choice", notAChoice(typ))
		}
	}
	if !op.unset() && !c.knownOperator(op) {
		if c.opt.Enforcement == EnforceSafety {
			c.violate("invalid_operator", join(path, "operator"), "Invalid operator: "+shown(op))
		}
		c.structural(join(path, "operator"), "invalid_choice", notAChoice(op))
	}
	if n.get("value").deeperThan(jsonval.MaxDepth) {
		c.structural(join(path, "value"), "invalid", fmt.Sprintf("Value is nested deeper than %d levels.", jsonval.MaxDepth))
	}
	c.integer(join(path, "group_type_index"), n.get("group_type_index"), math.MinInt32, math.MaxInt32)
	c.boolean(join(path, "negation"), n.get("negation"))
	if c.opt.Enforcement == EnforceAll {
		c.text(join(path, "label"), n.get("label"))
		c.text(join(path, "cohort_name"), n.get("cohort_name"))
	}
}

// knownOperator reports whether op may be written. The range operators can be
// evaluated but are not part of the management API.
func (c *checker) knownOperator(op node) bool {
	o, ok := operators[op.text()]
	if c.opt.Enforcement == EnforceAll && (o == feature.Between || o == feature.NotBetween) {
		return false
	}
	return ok
}

func (c *checker) variant(path string, n node) {
	if !c.object(path, n) {
		return
	}
	strict := c.opt.Enforcement == EnforceAll
	switch key, at := n.get("key"), join(path, "key"); {
	case !c.required(at, key):
	case key.kind != kindText:
		c.structural(at, "invalid", msgText)
	case strict && key.text() == "":
		c.structural(at, "blank", msgBlank)
	case strict && len([]rune(key.text())) > maxVariantKey:
		c.structural(at, "max_length", fmt.Sprintf("Ensure this field has no more than %d characters.", maxVariantKey))
	case strict && !isVariantKey(key.text()):
		c.structural(at, "invalid", "Only letters, numbers, hyphens (-), underscores (_), dots (.) & slashes (/) are allowed.")
	}
	if strict {
		c.text(join(path, "name"), n.get("name"))
		c.text(join(path, "description"), n.get("description"))
	}
	if at := join(path, "rollout_percentage"); c.required(at, n.get("rollout_percentage")) {
		c.percentage(at, n.get("rollout_percentage"))
	}
}

func isVariantKey(s string) bool {
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case isAlphanumeric(ch), ch == '_', ch == '.', ch == '/', ch == '-':
		default:
			return false
		}
	}
	return true
}

// object reports whether n is an object, and records a violation if not.
func (c *checker) object(path string, n node) bool {
	if n.kind != kindObject {
		c.structural(path, "invalid", "Invalid data. Expected a dictionary, but got "+typeName(n)+".")
	}
	return n.kind == kindObject
}

// required reports whether n is there and not null.
func (c *checker) required(path string, n node) bool {
	switch n.kind {
	case kindNone:
		c.structural(path, "required", msgRequired)
	case kindNull:
		c.structural(path, "null", msgNull)
	}
	return !n.unset()
}

func (c *checker) list(path string, n node, nullable bool) {
	switch {
	case n.kind == kindNone, n.kind == kindList, n.kind == kindNull && nullable:
	case n.kind == kindNull:
		c.structural(path, "null", msgNull)
	default:
		c.structural(path, "not_a_list", fmt.Sprintf("Expected a list of items but got type %q.", typeName(n)))
	}
}

func (c *checker) text(path string, n node) {
	if !n.unset() && n.kind != kindText {
		c.structural(path, "invalid", msgText)
	}
}

func (c *checker) boolean(path string, n node) {
	if !n.unset() && !n.isBool() {
		c.structural(path, "invalid", msgBool)
	}
}

// integer checks a number that must be written as an integer between least and
// most.
func (c *checker) integer(path string, n node, least, most int64) {
	if n.unset() {
		return
	}
	i, ok := n.integer()
	f, isNumber := n.float()
	switch {
	case ok && i < least, !ok && isNumber && f < float64(least) && isInteger(n):
		c.structural(path, "min_value", fmt.Sprintf("Ensure this value is greater than or equal to %d.", least))
	case ok && i > most, !ok && isNumber && f > 0 && isInteger(n):
		c.structural(path, "max_value", fmt.Sprintf("Ensure this value is less than or equal to %d.", most))
	case !ok:
		c.structural(path, "invalid", msgInteger)
	}
}

// isInteger reports whether the number n is written without point and exponent.
func isInteger(n node) bool {
	return !slices.ContainsFunc(n.raw, func(b byte) bool { return b == '.' || b == 'e' || b == 'E' })
}

func (c *checker) percentage(path string, n node) {
	if n.unset() {
		return
	}
	f, ok := n.float()
	if ok && f >= 0 && f <= 100 {
		return
	}
	switch {
	case ok && c.opt.Enforcement == EnforceSafety:
		c.violate("invalid", path, fmt.Sprintf("%s must be between 0 and 100, got %s", path, n.raw))
	case !ok:
		c.structural(path, "invalid", msgNumber)
	case f < 0:
		c.structural(path, "min_value", "Ensure this value is greater than or equal to 0.")
	default:
		c.structural(path, "max_value", "Ensure this value is less than or equal to 100.")
	}
}

func notAChoice(n node) string { return fmt.Sprintf("%q is not a valid choice.", shown(n)) }

// shown is n as a sentence shows it: texts without quotes, everything cut to a
// sensible length.
func shown(n node) string {
	s := string(n.raw)
	if n.kind == kindText {
		s = n.text()
	}
	const most = 100
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// typeName is what clients of the API call the type of n.
func typeName(n node) string {
	switch n.kind {
	case kindNone, kindNull:
		return "NoneType"
	case kindTrue, kindFalse:
		return "bool"
	case kindText:
		return "str"
	case kindList:
		return "list"
	case kindObject:
		return "dict"
	}
	if isInteger(n) {
		return "int"
	}
	return "float"
}
