package identity

import (
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/store"
)

// namespace is that of the uuids of persons (I3).
var namespace = uuid.MustParse("932979b4-65c3-4424-8467-0b66ec27bc22")

// PersonUUID returns the uuid of a person whose first distinct id in the
// project is id.
func PersonUUID(project int64, id string) string {
	return uuid.NewSHA1(namespace, []byte(strconv.FormatInt(project, 10)+":"+id)).String()
}

// create inserts the person of an event with the given ids, of which the first
// names it (M4, M8, M9). Too large a document refuses the person: created is
// false then.
func (r *run) create(st *step, identified bool, ids ...string) (created bool, err error) {
	props := st.once.over(st.set)
	props[propertyCreatorUUID] = quoted(st.uuid)
	doc := props.appendJSON(nil)
	if st.tooBig || len(doc) > propertiesLimit {
		return false, r.warn(st, warnPersonSize)
	}
	p := store.Person{
		Project:    r.project,
		UUID:       PersonUUID(r.project, ids[0]),
		Properties: doc,
		Identified: identified,
		CreatedAt:  st.at,
	}
	if !st.keepLastSeen {
		p.LastSeenAt = st.lastSeen()
	}
	if err := r.insert(p, ids); err != nil {
		return false, err
	}
	r.tally.created++
	return true, nil
}

// insert inserts a person. If its uuid is taken, which happens when the id that
// it was made from was split off another person, it gets a random one.
func (r *run) insert(p store.Person, ids []string) error {
	_, err := r.tx.InsertPerson(p, ids)
	if taken, ok := errors.AsType[*store.ConflictError](err); ok && taken.Field == "uuid" {
		p.UUID = uuid.NewString()
		_, err = r.tx.InsertPerson(p, ids)
	}
	return err
}

// lastSeen is the time that the event leaves in last_seen_at: its hour.
func (st *step) lastSeen() time.Time { return st.at.Truncate(time.Hour) }

// update does the property step on p (5.2) and marks it identified if asked.
func (r *run) update(st *step, p store.Person, identify bool) error {
	changed := false
	if st.touchesProperties() {
		doc, err := r.updated(st, p.Properties)
		if err != nil {
			return err
		}
		if doc != nil {
			p.Properties, changed = doc, true
		}
	}
	if identify && !p.Identified {
		p.Identified, changed = true, true
	}
	if seen := st.lastSeen(); !st.keepLastSeen && seen.After(p.LastSeenAt) {
		p.LastSeenAt, changed = seen, true
	}
	if !changed {
		return nil
	}
	p.Version++
	return r.tx.UpdatePerson(p)
}

func (st *step) touchesProperties() bool {
	return len(st.set) > 0 || len(st.once) > 0 || len(st.unset) > 0 || st.tooBig
}

// updated returns the stored document as the event leaves it, nil if it stays
// as it is.
func (r *run) updated(st *step, stored []byte) ([]byte, error) {
	if st.tooBig {
		return nil, r.warn(st, warnPersonSize)
	}
	cur, err := parseProperties(stored, 0)
	if err != nil {
		return nil, err
	}
	filter := !r.opts.NoNoiseFilter && !alwaysWritten(st.event)
	if !cur.change(st, filter) {
		return nil, nil
	}
	doc := cur.appendJSON(nil)
	switch {
	case len(doc) <= propertiesLimit:
		return doc, nil
	case len(stored) <= propertiesLimit:
		return nil, r.warn(st, warnPersonSize)
	}
	return cur.trim(), nil
}

// change makes the changes of steps 2 to 5 in p and reports whether there were
// any. With filter, changes that are but noise are left out.
func (p properties) change(st *step, filter bool) bool {
	changes := properties{}
	noise := true // every change so far is of a noisy property that p has
	for name, value := range st.once {
		if _, ok := p[name]; !ok {
			changes[name] = value
			noise = false
		}
	}
	for name, value := range st.set {
		old, ok := p[name]
		if ok && same(old, value) {
			continue
		}
		changes[name] = value
		noise = noise && ok && noisy[name]
	}
	var removed []string
	for _, name := range st.unset {
		if _, ok := p[name]; ok {
			removed = append(removed, name)
			noise = false
		}
	}
	if len(changes) == 0 && len(removed) == 0 || filter && noise {
		return false
	}
	for name, value := range changes {
		p[name] = value
	}
	for _, name := range removed {
		delete(p, name)
	}
	return true
}

// same reports whether a value that is sent leaves the stored one as it is.
// Arrays and objects count as changed whenever they are sent.
func same(stored, sent string) bool {
	return stored == sent && sent[0] != '{' && sent[0] != '['
}
