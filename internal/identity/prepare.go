package identity

import (
	"errors"
	"time"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// maxDistinctID is the length of a distinct id in characters; longer ones are
// cut, as those of events are.
const maxDistinctID = 200

// step is what an event asks for, once everything that depends on the event
// alone is decided. It shares no memory with the event and is not changed by
// being applied.
type step struct {
	uuid, event, id string
	at              time.Time

	warnings   []string // to raise in any case
	drop       bool     // nothing but the warnings
	personless bool
	// tentative steps are personless if their id has no person: flag calls,
	// which must not make persons of servers (section 3, rule 7).
	tentative bool

	other        string // the id to merge with that of the event; empty: no merge
	set, once    properties
	unset        []string
	tooBig       bool // set or once is larger than any document may be
	keepLastSeen bool // last_seen_at stays as it is

	groupTypes []string     // types that must be known afterwards, in order
	group      *groupChange // of a group event
	flag       string       // key of the flag that was called
}

// groupChange is what a group event asks for. An event without a usable type
// and key has one with an empty type, which changes nothing.
type groupChange struct {
	typ, key string
	set      properties
	unset    []string
	tooBig   bool
	remove   bool // only takes properties away; makes no group
}

// raw is what rules look at in the properties of an event: JSON texts, nil if
// there is none.
type raw struct {
	process, cookieless, updateLastSeen []byte
	set, once, unset                    []byte
	anonID, alias                       []byte
	groups, groupType, groupKey         []byte
	groupSet, groupUnset                []byte
	flag, lib, osName                   []byte
	mapped                              []member
	topSet, topOnce                     []byte
}

type member struct {
	name  string
	value []byte
}

// prepare decides what can be decided without the store (section 3, up to 6).
// ok is false if the event has no effect at all.
func prepare(e *Event, optOut bool) (st step, ok bool) {
	if ignored(e.Name) {
		return step{}, false
	}
	r := scan(e)
	st = step{
		uuid: e.UUID, event: e.Name, id: e.DistinctID,
		at: e.Time.UTC().Truncate(time.Microsecond),
	}
	explicit := st.decidePersonless(&r, optOut)
	if e.Name == eventFlagCalled {
		st.flag = textOf(r.flag)
		st.tentative = !explicit && !st.personless && !hasMembers(r.groups)
	}
	if st.personless {
		if needsPerson(e.Name) {
			st.warnings = append(st.warnings, warnNeedsPerson)
			st.drop = true
		}
		return st, true
	}
	st.readGroups(&r)
	if st.group != nil {
		return st, true
	}
	st.readProperties(&r)
	st.readMerge(&r)
	return st, true
}

// scan finds the documents that the rules look at.
func scan(e *Event) raw {
	r := raw{topSet: e.Set, topOnce: e.SetOnce}
	for _, document := range [][]byte{e.Properties, e.Lifted} {
		if isObject(document) {
			r.read(document)
		}
	}
	return r
}

// read takes from a document what rules look at, in place of what an earlier
// one had. The documents were checked when they were decoded; what could not
// be read here would have no effect.
func (r *raw) read(document []byte) {
	_ = jsonval.Members(document, func(name, value []byte) error {
		if field := r.field(string(name)); field != nil {
			*field = value
		}
		if mapped[string(name)] {
			r.mapped = append(r.mapped, member{string(name), value})
		}
		return nil
	})
}

// field returns where the value of a property is kept, nil if no rule needs it.
func (r *raw) field(name string) *[]byte {
	switch name {
	case "$process_person_profile":
		return &r.process
	case "$cookieless_mode":
		return &r.cookieless
	case "$update_person_last_seen_at":
		return &r.updateLastSeen
	case "$set":
		return &r.set
	case "$set_once":
		return &r.once
	case "$unset":
		return &r.unset
	case "$anon_distinct_id":
		return &r.anonID
	case "alias":
		return &r.alias
	case "$groups":
		return &r.groups
	case "$group_type":
		return &r.groupType
	case "$group_key":
		return &r.groupKey
	case "$group_set":
		return &r.groupSet
	case "$group_unset":
		return &r.groupUnset
	case "$feature_flag":
		return &r.flag
	case "$lib":
		return &r.lib
	case "$os_name":
		return &r.osName
	}
	return nil
}

// decidePersonless applies rules 1 and 2. explicit says that the event asks
// for person processing.
func (st *step) decidePersonless(r *raw, optOut bool) (explicit bool) {
	switch string(r.process) {
	case "", "false":
	case "true":
		explicit = true
	default:
		st.warnings = append(st.warnings, warnProcessProfile)
	}
	st.personless = optOut || string(r.process) == "false" || string(r.cookieless) == "true"
	return explicit
}

// readProperties applies rules 4 and 5: what is to be set and removed.
func (st *step) readProperties(r *raw) {
	st.set = st.document(r.set).over(st.document(r.topSet))
	st.once = st.document(r.once).over(st.document(r.topOnce))
	st.unset = nameList(r.unset)
	st.keepLastSeen = string(r.updateLastSeen) == "false"

	host := serverLibraries[textOf(r.lib)]
	for _, m := range r.mapped {
		if host && hostMapped[m.name] {
			continue
		}
		value := string(appendCompact(nil, m.value))
		setDefault(st.set, m.name, value)
		setDefault(st.once, initialName(m.name), value)
	}
	if truthy(r.osName) && !host {
		// Some clients name the system $os_name.
		name := string(appendCompact(nil, r.osName))
		for target, document := range map[string]properties{"$os": st.set, "$initial_os": st.once} {
			if document[target] == "null" {
				delete(document, target)
			}
			setDefault(document, target, name)
		}
		delete(st.set, "$os_name")
		delete(st.once, initialName("$os_name"))
	}
	if st.event == eventSurveyShown {
		st.set[propertySurveySeen] = quoted(st.at.Format("2006-01-02T15:04:05.000Z"))
	}
}

// document reads a $set or $set_once; what is not an object counts as none.
func (st *step) document(raw []byte) properties {
	if !isObject(raw) {
		return nil
	}
	p, err := parseProperties(raw, propertiesLimit)
	if errors.Is(err, errTooBig) {
		st.tooBig = true
	}
	return p
}

func setDefault(p properties, name, value string) {
	if _, ok := p[name]; !ok {
		p[name] = value
	}
}

// nameList reads a list of names, or an object whose names count.
func nameList(raw []byte) []string {
	var names []string
	switch {
	case isObject(raw):
		_ = jsonval.Members(raw, func(name, _ []byte) error {
			names = append(names, withoutNUL(string(name)))
			return nil
		})
	case len(raw) > 0 && raw[0] == '[':
		_ = jsonval.Elements(raw, func(value []byte) error {
			if value[0] == '"' {
				names = append(names, textOf(value))
			}
			return nil
		})
	}
	return names
}

func hasMembers(raw []byte) bool {
	return isObject(raw) && string(appendCompact(nil, raw)) != "{}"
}

// readMerge decides whether the event merges two ids (4.1, M1 and M2).
func (st *step) readMerge(r *raw) {
	var other []byte
	switch st.event {
	case eventIdentify:
		other = r.anonID // present is enough
	case eventAlias, eventMerge:
		if truthy(r.alias) {
			other = r.alias
		}
	}
	if other == nil {
		return
	}
	id := cut(textOf(other), maxDistinctID)
	switch {
	case id == st.id:
	case illegal(st.id) || illegal(id):
		st.warnings = append(st.warnings, warnIllegalID)
	default:
		st.other = id
	}
}
