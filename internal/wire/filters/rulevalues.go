package filters

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/semver"
)

const (
	maxObjectDepth = 20        // levels of objects and lists, the object itself is the first
	maxSafeNumber  = 1<<53 - 1 // the integers that every client can hold
)

// readResult reads a value of the return type rt (10.2).
func readResult(n node, path string, rt feature.ReturnType) (feature.Value, error) {
	var ok bool
	var want string
	switch rt {
	case feature.ReturnBoolean:
		ok, want = n.isBool(), "a boolean"
	case feature.ReturnString:
		ok, want = n.text() != "", "a non-empty text"
	case feature.ReturnNumber:
		ok, want = isSafeNumber(n), "a number within ±(2^53−1)"
	case feature.ReturnObject:
		ok = n.kind == kindObject && isSafeJSON(n, 1)
		want = fmt.Sprintf("an object of at most %d levels with numbers within ±(2^53−1)", maxObjectDepth)
	}
	if !ok {
		return feature.Value{}, malformed(path, "is not %s", want)
	}
	v, err := n.value()
	if err != nil {
		return v, malformed(path, "is %v", err)
	}
	return v, nil
}

func isSafeNumber(n node) bool {
	f, ok := n.float()
	return ok && f >= -maxSafeNumber && f <= maxSafeNumber
}

// isSafeJSON reports whether n, which stands at the level given, and all below
// it may be part of an object value.
func isSafeJSON(n node, level int) bool {
	switch n.kind {
	case kindNumber:
		return isSafeNumber(n)
	case kindObject, kindList:
		if level > maxObjectDepth {
			return false
		}
	}
	for _, item := range n.items {
		if !isSafeJSON(item, level+1) {
			return false
		}
	}
	for _, m := range n.members {
		if !isSafeJSON(m.value, level+1) {
			return false
		}
	}
	return true
}

// readTargetingV2 reads the predicates of a rule.
func readTargetingV2(n node, path string) ([]feature.Property, error) {
	if n.kind != kindObject {
		return nil, malformed(path, "is not an object")
	}
	if err := closed(n, path, "properties"); err != nil {
		return nil, err
	}
	list, path := n.get("properties"), join(path, "properties")
	if list.kind != kindList {
		return nil, malformed(path, "is not a list")
	}
	if len(list.items) > maxPredicates {
		return nil, &RulesError{LimitExceeded, path, fmt.Sprintf("holds more than %d predicates", maxPredicates)}
	}
	var properties []feature.Property
	for i, item := range list.items {
		p, err := readPredicate(item, index(path, i))
		if err != nil {
			return nil, err
		}
		properties = append(properties, p)
	}
	return properties, nil
}

func readPredicate(n node, path string) (feature.Property, error) {
	p := feature.Property{Type: feature.PersonProperty, Operator: feature.Exact, GroupType: feature.NoGroup}
	if n.kind != kindObject {
		return p, malformed(path, "is not an object")
	}
	if err := closed(n, path, "key", "type", "value", "operator", "negation", "group_type_index",
		"cohort_name", "label", "group_key_names"); err != nil {
		return p, err
	}
	switch n.get("type").text() {
	case "person":
	case "cohort", "group", "flag":
		return p, &RulesError{Unsupported, join(path, "type"), "is not person; other types are reserved"}
	default:
		return p, malformed(join(path, "type"), "is not a type of predicate")
	}
	if p.Key = n.get("key").text(); p.Key == "" {
		return p, malformed(join(path, "key"), "is not a non-empty text")
	}
	if op := n.get("operator"); !op.unset() {
		p.Operator = feature.Operator(op.text())
		if _, ok := admits[p.Operator]; !ok {
			return p, malformed(join(path, "operator"), "is not an operator of rules")
		}
	}
	switch neg := n.get("negation"); {
	case neg.isBool():
		p.Negation = neg.kind == kindTrue
	case !neg.unset():
		return p, malformed(join(path, "negation"), "is not a boolean")
	}
	if !n.get("group_type_index").unset() {
		return p, malformed(join(path, "group_type_index"), "is not null")
	}
	if err := checkPresentation(n, path); err != nil {
		return p, err
	}
	v := n.get("value")
	if admit := admits[p.Operator]; admit != nil && !admit(v) {
		return p, malformed(join(path, "value"), "does not suit the operator %s", p.Operator)
	}
	if v.unset() {
		return p, nil
	}
	var err error
	if p.Value, err = v.value(); err != nil {
		return p, malformed(join(path, "value"), "is %v", err)
	}
	return p, nil
}

// checkPresentation looks at the members of a predicate that are for display.
func checkPresentation(n node, path string) error {
	for _, name := range []string{"cohort_name", "label"} {
		if t := n.get(name); !t.unset() && t.kind != kindText {
			return malformed(join(path, name), "is not a text")
		}
	}
	names := n.get("group_key_names")
	if !names.unset() && names.kind != kindObject {
		return malformed(join(path, "group_key_names"), "is not an object")
	}
	for _, m := range names.members {
		if m.value.kind != kindText {
			return malformed(join(join(path, "group_key_names"), string(m.name)), "is not a text")
		}
	}
	return nil
}

// admits says for each operator of rules which values suit it; nil: all (10.3).
var admits = map[feature.Operator]func(node) bool{
	feature.Exact: nil, feature.IsNot: nil, feature.IsSet: nil, feature.IsNotSet: nil,
	feature.Regex: isText, feature.NotRegex: isText,
	feature.IContains: isText, feature.NotIContains: isText,
	feature.StartsWith: isText, feature.NotStartsWith: isText,
	feature.EndsWith: isText, feature.NotEndsWith: isText,
	feature.IContainsMulti: isList, feature.NotIContainsMulti: isList,
	feature.GT: isTextOrNumber, feature.GTE: isTextOrNumber, feature.LT: isTextOrNumber, feature.LTE: isTextOrNumber,
	feature.SemverEQ: isPlainVersion, feature.SemverNEQ: isPlainVersion,
	feature.SemverGT: isPlainVersion, feature.SemverGTE: isPlainVersion,
	feature.SemverLT: isPlainVersion, feature.SemverLTE: isPlainVersion,
	feature.SemverTilde: isPlainVersion, feature.SemverCaret: isPlainVersion,
	feature.SemverWildcard: isPlainWildcard,
	feature.IsDateExact:    isDate, feature.IsDateBefore: isDate, feature.IsDateAfter: isDate,
}

func isText(n node) bool         { return n.kind == kindText }
func isList(n node) bool         { return n.kind == kindList }
func isTextOrNumber(n node) bool { return n.kind == kindText || n.kind == kindNumber }

// isDate admits what can be a date in some time zone. Times that a zone skips
// are not noticed, since the zone is the project's.
func isDate(n node) bool {
	_, ok := dates.Parse(n.text()) // no other kind has a text
	return ok
}

// isPlainVersion admits a version whose numbers are written without anything
// before them.
func isPlainVersion(n node) bool {
	return n.kind == kindText && isPlainVersionText(n.text())
}

func isPlainWildcard(n node) bool {
	return n.kind == kindText && isPlainVersionText(strings.TrimRight(n.text(), ".*"))
}

func isPlainVersionText(s string) bool {
	core, _, _ := strings.Cut(s, "-")
	for i, part := range strings.Split(core, ".") {
		if i < 3 && !isDigits(part) {
			return false
		}
	}
	_, ok := semver.Parse(s)
	return ok
}

// parseHundredths reads a JSON number as a whole count of hundredths. It fails
// for numbers with more decimal places and for those far beyond a percentage.
func parseHundredths(raw []byte) (int, bool) {
	s, negative := strings.CutPrefix(string(raw), "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	scale := len(fraction) // the number is digits · 10^-scale
	for strings.HasSuffix(digits, "0") {
		digits = digits[:len(digits)-1]
		scale--
	}
	if digits == "" {
		return 0, true
	}
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return 0, false
		}
		scale -= e
	}
	const most = 5 // digits of 100.00 without the point
	if scale > 2 || len(digits)+2-scale > most {
		return 0, false
	}
	n, err := strconv.Atoi(digits + strings.Repeat("0", 2-scale))
	if negative {
		n = -n
	}
	return n, err == nil
}
