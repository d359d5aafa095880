package filters

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/semver"
)

// crossFieldRules are the rules of M6.2 in their order. They get documents
// whose structure is sound; each records at most its first violation.
var crossFieldRules = []func(*checker, node){
	checkWeights,
	checkVariantKeys,
	checkPayloadKeys,
	checkPinnedVariants,
	checkPersonConditions,
	checkGroupConditions,
	checkGroupIndices,
	checkFlagOperators,
	checkCohortOperators,
	checkDates,
	checkTexts,
	checkLists,
	checkVersions,
	checkGroupTypes,
}

func checkWeights(c *checker, doc node) {
	list := variants(doc)
	if len(list) == 0 {
		return
	}
	sum := 0.0
	for _, v := range list {
		weight, _ := v.get("rollout_percentage").float()
		sum += weight
	}
	const tolerance = 1e-9
	if math.Abs(sum-100) > tolerance {
		shown := strconv.FormatFloat(math.Round(sum/tolerance)*tolerance, 'g', 12, 64)
		c.crossField("variant_rollout_sum_not_100", "multivariate.variants",
			"Variant rollout percentages must sum to 100, got %s.", shown)
	}
}

func checkVariantKeys(c *checker, doc node) {
	seen := map[string]bool{}
	for _, v := range variants(doc) {
		key := v.get("key").text()
		if seen[key] {
			c.crossField("variant_keys_not_unique", "multivariate.variants", "Variant keys must be unique, duplicated: %s.", key)
		}
		seen[key] = true
	}
}

// variantKeys is the set of a flag's variants.
func variantKeys(doc node) map[string]bool {
	keys := map[string]bool{}
	for _, v := range variants(doc) {
		keys[v.get("key").text()] = true
	}
	return keys
}

func checkPayloadKeys(c *checker, doc node) {
	keys := variantKeys(doc)
	for key := range doc.get("payloads").all() {
		switch path := join("payloads", key); {
		case len(keys) == 0 && key != "true":
			c.crossField("payload_key_not_true", path, "Payload key '%s' is invalid: boolean flags only support the 'true' key.", key)
		case len(keys) > 0 && !keys[key]:
			c.crossField("payload_key_not_a_variant", path, "Payload key '%s' does not match any variant key.", key)
		}
	}
}

func checkPinnedVariants(c *checker, doc node) {
	keys := variantKeys(doc)
	for _, cond := range conditions(doc) {
		if v := cond.get("variant").text(); v != "" && !keys[v] {
			c.crossField("group_variant_not_a_variant", join(cond.path, "variant"), "Variant override '%s' does not match any variant key.", v)
		}
	}
}

func checkPersonConditions(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if f.cond.group.unset() && f.typ() == "group" {
			c.crossField("person_aggregation_property_type", f.path, "Person-aggregated conditions can only use person, cohort, and flag properties.")
		}
	})
}

func checkGroupConditions(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if !f.cond.group.unset() && f.typ() != "group" {
			c.crossField("group_aggregation_property_type", f.path, "Group-aggregated conditions can only use group properties.")
		}
	})
}

func checkGroupIndices(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if f.cond.group.unset() {
			return
		}
		want, _ := f.cond.group.integer()
		if got, ok := f.get("group_type_index").integer(); !ok || got != want {
			c.crossField("group_property_type_index_mismatch", f.path, "Group properties must match the condition set's group type.")
		}
	})
}

func checkFlagOperators(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if f.typ() == "flag" && f.operator() != feature.FlagEvaluatesTo {
			c.crossField("flag_property_requires_flag_evaluates_to", join(f.path, "operator"),
				"Flag properties must use the 'flag_evaluates_to' operator.")
		}
	})
}

func checkCohortOperators(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if op := f.operator(); (op == feature.In || op == feature.NotIn) && f.typ() != "cohort" {
			c.crossField("in_not_in_requires_cohort", join(f.path, "operator"),
				"The '%s' operator is only valid for cohort properties, not '%s' properties.", op, f.typ())
		}
	})
}

func checkDates(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		switch f.operator() {
		case feature.IsDateExact, feature.IsDateBefore, feature.IsDateAfter:
			if v := f.get("value"); !isDate(v) {
				c.crossField("date_value_not_parseable", join(f.path, "value"), "Invalid date value: %s.", shown(v))
			}
		}
	})
}

// textOperators are those that want a text.
var textOperators = []feature.Operator{
	feature.Regex, feature.NotRegex, feature.IContains, feature.NotIContains,
	feature.StartsWith, feature.NotStartsWith, feature.EndsWith, feature.NotEndsWith,
	feature.GT, feature.GTE, feature.LT, feature.LTE,
}

func checkTexts(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		if op := f.operator(); slices.Contains(textOperators, op) && f.get("value").kind != kindText {
			c.crossField("operator_requires_string_value", join(f.path, "value"), "Operator %s requires a string value.", op)
		}
	})
}

func checkLists(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		op := f.operator()
		if (op == feature.IContainsMulti || op == feature.NotIContainsMulti) && f.get("value").kind != kindList {
			c.crossField("operator_requires_list_value", join(f.path, "value"), "Operator %s requires a list of values.", op)
		}
	})
}

func checkVersions(c *checker, doc node) {
	eachFilter(doc, func(f filter) {
		op, v := f.operator(), f.get("value")
		if !strings.HasPrefix(string(op), "semver_") {
			return
		}
		text := v.text()
		if op == feature.SemverWildcard {
			text = strings.TrimRight(text, ".*")
		}
		_, ok := semver.Parse(text)
		switch path := join(f.path, "value"); {
		case v.kind != kindText:
			c.crossField("semver_value_invalid", path, "Invalid value for operator %s: expected a semver string.", op)
		case !ok:
			c.crossField("semver_value_invalid", path, "Invalid semver value for operator %s: %s.", op, shown(v))
		}
	})
}

func checkGroupTypes(c *checker, doc node) {
	for _, cond := range conditions(doc) {
		i, ok := cond.group.integer()
		if !ok || slices.Contains(c.opt.GroupTypes, int(i)) {
			continue
		}
		path, message := join(cond.path, "aggregation_group_type_index"), fmt.Sprintf("Group type %d does not exist in this project.", i)
		if len(c.opt.GroupTypes) == 0 {
			c.warn("cross_field.unknown_group_type", path, path+": "+message)
			continue
		}
		c.crossField("unknown_group_type", path, "%s", message)
	}
}
