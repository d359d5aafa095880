package filters

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
)

// How many of each a rules v2 document may hold (10.3).
const (
	maxRules      = 100
	maxPredicates = 100
	maxVariants   = 20
	maxSeed       = 400 // Unicode scalar values
)

// RulesKind says in which way a rules v2 document cannot be used (10.3).
type RulesKind uint8

// The kinds.
const (
	Malformed     RulesKind = iota // it breaks a rule of the format
	Unsupported                    // it uses what is reserved and not evaluated yet
	LimitExceeded                  // it is too large
)

func (k RulesKind) String() string {
	return [...]string{"malformed", "unsupported", "limit_exceeded"}[k]
}

// RulesError is the first violation met in a rules v2 document.
type RulesError struct {
	Kind    RulesKind
	Path    string // for example "rules[0].seed"; empty: the document itself
	Problem string // a phrase, for example "is missing"
}

func (e *RulesError) Error() string {
	if e.Path == "" {
		return e.Kind.String() + ": the document " + e.Problem
	}
	return e.Kind.String() + ": " + e.Path + " " + e.Problem
}

func malformed(path, format string, args ...any) error {
	return &RulesError{Kind: Malformed, Path: path, Problem: fmt.Sprintf(format, args...)}
}

// ReadRules reads a rules v2 document (10.1 to 10.3). The error is a
// *RulesError.
func ReadRules(raw []byte, limits Limits) (*feature.Ruleset, error) {
	doc, err := parse(raw)
	if err != nil {
		return nil, malformed("", "is not valid JSON: %v", err)
	}
	return readRules(doc, limits)
}

func readRules(doc node, limits Limits) (*feature.Ruleset, error) {
	limit := limits.RulesBytes
	if limit == 0 {
		limit = DefaultRulesBytes
	}
	if len(doc.raw) > limit && compactLen(doc.raw) > limit {
		return nil, &RulesError{Kind: LimitExceeded, Problem: fmt.Sprintf("is larger than %d bytes", limit)}
	}
	if err := checkLexical(doc, ""); err != nil {
		return nil, err
	}
	if err := closed(doc, "", "version", "return_type", "default_value", "rules", "aggregation_group_type_index"); err != nil {
		return nil, err
	}
	if !isVersion(doc.get("version"), 2) {
		return nil, malformed("version", "is not 2")
	}
	rt, ok := returnTypes[doc.get("return_type").text()]
	if !ok {
		return nil, malformed("return_type", "is not one of boolean, string, number, object")
	}
	set := &feature.Ruleset{Return: rt, Default: feature.Null}
	if d := doc.get("default_value"); d.kind != kindNull {
		var err error
		if set.Default, err = readResult(d, "default_value", rt); err != nil {
			return nil, err
		}
	}
	if g := doc.get("aggregation_group_type_index"); g.kind != kindNone {
		if _, ok := g.integer(); !ok {
			return nil, malformed("aggregation_group_type_index", "is not an integer")
		}
		return nil, &RulesError{Unsupported, "aggregation_group_type_index", "is reserved"}
	}
	rules := doc.get("rules")
	if rules.kind != kindList {
		return nil, malformed("rules", "is not a list")
	}
	if len(rules.items) > maxRules {
		return nil, &RulesError{LimitExceeded, "rules", fmt.Sprintf("holds more than %d rules", maxRules)}
	}
	ids := make(map[string]bool, len(rules.items))
	for i, item := range rules.items {
		r, err := readRule(item, index("rules", i), rt)
		if err != nil {
			return nil, err
		}
		id := strings.ToLower(r.ID)
		if ids[id] {
			return nil, malformed(join(index("rules", i), "id"), "stands at another rule too")
		}
		ids[id] = true
		set.Rules = append(set.Rules, r)
	}
	return set, nil
}

var returnTypes = map[string]feature.ReturnType{
	"boolean": feature.ReturnBoolean,
	"string":  feature.ReturnString,
	"number":  feature.ReturnNumber,
	"object":  feature.ReturnObject,
}

var ruleTypes = map[string]feature.RuleType{
	"targeted_release":   feature.TargetedRelease,
	"percentage_rollout": feature.PercentageRollout,
	"experiment":         feature.Experiment,
}

// The members of a rule by its type.
var ruleMembers = func() [3][]string {
	all := []string{"id", "rule_type", "targeting", "description", "metadata"}
	rollout := append(slices.Clone(all),
		"rollout_percentage", "on_rollout_miss", "assignment_algorithm", "seed", "assign_by")
	return [3][]string{
		feature.TargetedRelease:   append(slices.Clone(all), "value"),
		feature.PercentageRollout: append(slices.Clone(rollout), "value"),
		feature.Experiment:        append(rollout, "experiment_id", "paused", "variants", "holdout"),
	}
}()

func readRule(n node, path string, rt feature.ReturnType) (feature.Rule, error) {
	r := feature.Rule{Rollout: 100}
	if n.kind != kindObject {
		return r, malformed(path, "is not an object")
	}
	var ok bool
	if r.Type, ok = ruleTypes[n.get("rule_type").text()]; !ok {
		return r, malformed(join(path, "rule_type"), "is not a type of rule")
	}
	if _, linked := n.get("experiment_id").integer(); linked && r.Type == feature.Experiment {
		return r, &RulesError{Unsupported, join(path, "experiment_id"), "links an experiment, which is reserved"}
	}
	if err := closed(n, path, ruleMembers[r.Type]...); err != nil {
		return r, err
	}
	if r.ID = n.get("id").text(); !isUUID(r.ID) {
		return r, malformed(join(path, "id"), "is not a UUID in its hyphenated form")
	}
	if d := n.get("description"); d.kind != kindNone && d.kind != kindText {
		return r, malformed(join(path, "description"), "is not a text")
	}
	if m := n.get("metadata"); m.kind != kindNone && m.kind != kindObject {
		return r, malformed(join(path, "metadata"), "is not an object")
	}
	var err error
	if r.Properties, err = readTargetingV2(n.get("targeting"), join(path, "targeting")); err != nil {
		return r, err
	}
	if r.Type != feature.Experiment {
		if r.Value, err = readResult(n.get("value"), join(path, "value"), rt); err != nil {
			return r, err
		}
	}
	if r.Type != feature.TargetedRelease {
		if err := readAllocation(&r, n, path); err != nil {
			return r, err
		}
	}
	if r.Type == feature.Experiment {
		err = readExperiment(&r, n, path, rt)
	}
	return r, err
}

// readAllocation reads what rollouts and experiments have in common.
func readAllocation(r *feature.Rule, n node, path string) error {
	var err error
	if r.Rollout, _, err = readPercentage(n, path, "rollout_percentage"); err != nil {
		return err
	}
	switch n.get("on_rollout_miss").text() {
	case "continue":
	case "return_default":
		r.ReturnDefault = true
	default:
		return malformed(join(path, "on_rollout_miss"), "is neither continue nor return_default")
	}
	if n.get("assignment_algorithm").text() != "sha1_60_v1" {
		return malformed(join(path, "assignment_algorithm"), "is not sha1_60_v1")
	}
	if r.Seed, err = readSeed(n, path); err != nil {
		return err
	}
	if a := n.get("assign_by"); a.kind != kindNone && a.text() != "person" {
		return malformed(join(path, "assign_by"), "is not person")
	}
	return nil
}

func readExperiment(r *feature.Rule, n node, path string, rt feature.ReturnType) error {
	if n.get("experiment_id").kind != kindNull {
		return malformed(join(path, "experiment_id"), "is neither null nor an integer")
	}
	paused := n.get("paused")
	if !paused.isBool() {
		return malformed(join(path, "paused"), "is not a boolean")
	}
	r.Paused = paused.kind == kindTrue
	var err error
	if r.Variants, err = readRuleVariants(n.get("variants"), join(path, "variants"), rt); err != nil {
		return err
	}
	if h := n.get("holdout"); h.kind != kindNone {
		r.Holdout, err = readRuleHoldout(h, join(path, "holdout"))
	}
	return err
}

func readRuleVariants(n node, path string, rt feature.ReturnType) ([]feature.RuleVariant, error) {
	switch {
	case n.kind != kindList:
		return nil, malformed(path, "is not a list")
	case len(n.items) < 2:
		return nil, malformed(path, "holds fewer than 2 variants")
	case len(n.items) > maxVariants:
		return nil, &RulesError{LimitExceeded, path, fmt.Sprintf("holds more than %d variants", maxVariants)}
	}
	variants := make([]feature.RuleVariant, len(n.items))
	sum := 0
	for i, item := range n.items {
		at, v := index(path, i), &variants[i]
		if item.kind != kindObject {
			return nil, malformed(at, "is not an object")
		}
		if err := closed(item, at, "key", "weight", "value"); err != nil {
			return nil, err
		}
		if v.Key = item.get("key").text(); !isVariantKeyV2(v.Key) {
			return nil, malformed(join(at, "key"), "is not a text of letters, digits, - and _")
		}
		if slices.ContainsFunc(variants[:i], func(w feature.RuleVariant) bool { return w.Key == v.Key }) {
			return nil, malformed(join(at, "key"), "stands at another variant too")
		}
		weight, hundredths, err := readPercentage(item, at, "weight")
		if err != nil {
			return nil, err
		}
		v.Weight, sum = weight, sum+hundredths
		if v.Value, err = readResult(item.get("value"), join(at, "value"), rt); err != nil {
			return nil, err
		}
	}
	if sum != 100*100 {
		return nil, malformed(path, "has weights that do not sum to 100")
	}
	return variants, nil
}

func readRuleHoldout(n node, path string) (*feature.RuleHoldout, error) {
	if n.kind != kindObject {
		return nil, malformed(path, "is not an object")
	}
	if err := closed(n, path, "id", "seed", "exclusion_percentage"); err != nil {
		return nil, err
	}
	if n.get("id").kind != kindNull {
		return nil, malformed(join(path, "id"), "is not null")
	}
	seed, err := readSeed(n, path)
	if err != nil {
		return nil, err
	}
	exclusion, _, err := readPercentage(n, path, "exclusion_percentage")
	return &feature.RuleHoldout{Seed: seed, Exclusion: exclusion}, err
}

func readSeed(n node, path string) (string, error) {
	s := n.get("seed")
	text := s.text()
	if count := utf8.RuneCountInString(text); s.kind != kindText || count < 1 || count > maxSeed {
		return "", malformed(join(path, "seed"), "is not a text of 1 to %d characters", maxSeed)
	}
	return text, nil
}

// readPercentage reads the percentage n[name], which has at most two decimal
// places as written, also in hundredths.
func readPercentage(n node, path, name string) (percent float64, hundredths int, err error) {
	p := n.get(name)
	if p.kind != kindNumber {
		return 0, 0, malformed(join(path, name), "is not a number")
	}
	hundredths, ok := parseHundredths(p.raw)
	if !ok || hundredths < 0 || hundredths > 100*100 {
		return 0, 0, malformed(join(path, name), "is not a percentage from 0 to 100 with at most two decimal places")
	}
	percent, _ = p.float()
	return percent, hundredths, nil
}

// closed fails if n has a member that is not among names.
func closed(n node, path string, names ...string) error {
	for _, m := range n.members {
		if !slices.Contains(names, string(m.name)) {
			return malformed(join(path, strconv.Quote(string(m.name))), "is not known")
		}
	}
	return nil
}

// checkLexical refuses what no place of a document may hold: names that repeat
// in an object, numbers beyond binary64 and those that round to zero.
func checkLexical(n node, path string) error {
	switch n.kind {
	case kindNumber:
		f, ok := n.float()
		if mantissa, _, _ := bytes.Cut(bytes.ToLower(n.raw), []byte("e")); !ok || f == 0 && bytes.ContainsAny(mantissa, "123456789") {
			return malformed(path, "is a number out of range")
		}
	case kindList:
		for i, item := range n.items {
			if err := checkLexical(item, index(path, i)); err != nil {
				return err
			}
		}
	case kindObject:
		seen := make(map[string]bool, len(n.members))
		for _, m := range n.members {
			name := string(m.name)
			if seen[name] {
				return malformed(join(path, name), "stands twice")
			}
			seen[name] = true
			if err := checkLexical(m.value, join(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isUUID reports whether s is a UUID in the form 8-4-4-4-12.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}

func isVariantKeyV2(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isDigits reports whether s is one or more ASCII digits.
func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
