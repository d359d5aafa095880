package filters

import (
	"slices"

	"github.com/guidon-flags/guidon/internal/feature"
)

// References is what a v1 document names of its project, in the order in which
// it stands there.
type References struct {
	Cohorts  []Reference // values of cohort filters
	Flags    []Reference // keys of flag filters: flags that this one depends on
	Patterns []Pattern   // of regex and not_regex

	// GroupTypes are the group types that conditions are about, ascending,
	// each once.
	GroupTypes []int

	// AllGroups: there are conditions, and all are about groups. Flag
	// dependencies are then not looked at (M6.3).
	AllGroups bool
}

// Reference is one place that names another definition by its id.
type Reference struct {
	Path string // for example "groups[0].properties[1].value"
	Text string // as it is written, for messages
	ID   int64  // 0 if it is not an integer
	OK   bool   // it is an integer
}

// Pattern is a regular expression and its place.
type Pattern struct {
	Path   string
	Source string
}

// ReadReferences collects what the v1 filters raw name. It is tolerant: what is
// not of the expected form names nothing. Documents of another version name
// nothing.
func ReadReferences(raw []byte) References {
	var refs References
	doc, err := parse(raw)
	if v := doc.get("version"); err != nil || v.kind != kindNone && !isVersion(v, 1) {
		return refs
	}
	conds := conditions(doc)
	refs.AllGroups = len(conds) > 0
	for _, cond := range conds {
		i, ok := cond.group.integer()
		if !ok {
			refs.AllGroups = false
		} else if !slices.Contains(refs.GroupTypes, int(i)) {
			refs.GroupTypes = append(refs.GroupTypes, int(i))
		}
	}
	slices.Sort(refs.GroupTypes)
	eachFilter(doc, func(f filter) {
		switch f.typ() {
		case "cohort":
			refs.Cohorts = append(refs.Cohorts, reference(join(f.path, "value"), f.get("value"), false))
		case "flag":
			refs.Flags = append(refs.Flags, reference(join(f.path, "key"), f.get("key"), true))
		default:
			refs.Patterns = appendPattern(refs.Patterns, f.path, f.node)
		}
	})
	return refs
}

// reference reads an id; those of flags are texts, those of cohorts are not.
func reference(path string, n node, inText bool) Reference {
	r := Reference{Path: path, Text: shown(n)}
	if inText && n.kind == kindText {
		n = node{kind: kindNumber, raw: []byte(n.text())}
		if !isDigits(string(n.raw)) {
			return r
		}
	}
	r.ID, r.OK = n.integer()
	return r
}

func appendPattern(patterns []Pattern, path string, n node) []Pattern {
	op := operators[n.get("operator").text()]
	if v := n.get("value"); v.kind == kindText && (op == feature.Regex || op == feature.NotRegex) {
		return append(patterns, Pattern{Path: join(path, "value"), Source: v.text()})
	}
	return patterns
}

// CohortReferences is what the definition of a cohort names.
type CohortReferences struct {
	Cohorts  []int64   // each once, in the order in which they stand there
	Patterns []Pattern // of regex and not_regex

	// Events are the criteria that need event history, which flags cannot
	// evaluate.
	Events []EventCriterion
}

// EventCriterion is a criterion about what a person did.
type EventCriterion struct {
	Key  string // the event or action
	What string // the kind of criterion, for example "performed_event"
}

// ReadCohortReferences collects what a cohort's definition names; filters and
// groups are as for ReadCohort. It is tolerant: what cannot be read names
// nothing.
func ReadCohortReferences(filters, groups []byte) CohortReferences {
	var refs CohortReferences
	doc, _ := parseOptional(filters)
	if doc.kind != kindNone {
		refs.collect("properties", doc.get("properties"))
		return refs
	}
	legacy, _ := parseOptional(groups)
	for i, entry := range legacy.items {
		path := index("groups", i)
		switch path = join(path, "properties"); legacyFormOf(entry) {
		case legacyLeaves:
			for j, leaf := range entry.get("properties").items {
				refs.collect(index(path, j), leaf)
			}
		case legacyGroup:
			refs.collect(path, entry.get("properties"))
		case legacyEvents:
			refs.Events = append(refs.Events, legacyEvent(entry))
		}
	}
	return refs
}

// legacyEvent describes an entry of the older form that is about an event.
func legacyEvent(entry node) EventCriterion {
	key := entry.get("event_id")
	if key.kind == kindNone {
		key = entry.get("action_id")
	}
	return EventCriterion{Key: shown(key), What: "performed_event"}
}

// collect adds what n, a group or a leaf, names.
func (refs *CohortReferences) collect(path string, n node) {
	if values := n.get("values"); values.kind == kindList {
		for i, v := range values.items {
			refs.collect(index(join(path, "values"), i), v)
		}
		return
	}
	switch typ := n.get("type").text(); typ {
	case "", "event", "AND", "OR", "property", "person", "person_metadata", "group", "flag":
		refs.Patterns = appendPattern(refs.Patterns, path, n)
	case "cohort":
		if id, ok := n.get("value").integer(); ok && !slices.Contains(refs.Cohorts, id) {
			refs.Cohorts = append(refs.Cohorts, id)
		}
	default:
		what := n.get("value")
		if what.kind != kindText {
			what = n.get("type")
		}
		refs.Events = append(refs.Events, EventCriterion{Key: shown(n.get("key")), What: shown(what)})
	}
}
