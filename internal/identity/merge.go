package identity

import (
	"errors"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// merge makes one person of the event's id and st.other, as far as the rules
// allow (M3 to M7), and does the property step. store.ErrNotFound and
// store.ErrConflict mean that another transaction was in the way.
func (r *run) merge(st *step) error {
	target, hasTarget, err := r.personOf(st.id)
	if err != nil {
		return err
	}
	other, hasOther, err := r.personOf(st.other)
	switch {
	case err != nil:
		return err
	case !hasTarget && !hasOther:
		return r.createMerged(st)
	case !hasOther:
		return r.adopt(st, target, st.other)
	case !hasTarget:
		return r.adopt(st, other, st.id)
	case target.ID == other.ID: // M6
		return r.update(st, target, true)
	}
	return r.join(st, target, other)
}

func (r *run) personOf(id string) (p store.Person, ok bool, err error) {
	p, err = r.tx.PersonOf(id)
	if errors.Is(err, store.ErrNotFound) {
		return p, false, nil
	}
	return p, err == nil, err
}

// createMerged creates a person with both ids (M4). The one that was used
// without a person names it, so that readers who know that use find the person
// by the same uuid.
func (r *run) createMerged(st *step) error {
	usedTarget, _, err := r.tx.Personless(st.id)
	if err != nil {
		return err
	}
	usedOther, _, err := r.tx.Personless(st.other)
	if err != nil {
		return err
	}
	ids := []string{st.id, st.other}
	if usedOther && !usedTarget {
		ids[0], ids[1] = ids[1], ids[0]
	}
	if created, err := r.create(st, true, ids...); !created {
		return err
	}
	for _, id := range ids {
		if err := r.tx.MarkMerged(id); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives p the id that has no person (M5). That p is identified is no
// obstacle.
func (r *run) adopt(st *step, p store.Person, id string) error {
	if err := r.tx.AddDistinctID(p.ID, id); err != nil {
		return err
	}
	used, _, err := r.tx.Personless(id)
	if err == nil && used {
		err = r.tx.MarkMerged(id)
	}
	if err != nil {
		return err
	}
	return r.update(st, p, true)
}

// join merges two persons (M7): other into target.
func (r *run) join(st *step, target, other store.Person) error {
	if other.Identified && st.event != eventMerge {
		return r.unjoined(st, target, warnAlreadyIdentified)
	}
	count, err := r.tx.CountDistinctIDs(other.ID)
	if err != nil {
		return err
	}
	if count > r.opts.MaxDistinctIDs {
		return r.unjoined(st, target, warnTooManyIDs)
	}
	doc, err := r.joined(st, target.Properties, other.Properties)
	if err != nil {
		return err
	}
	if err := r.tx.MergePerson(other.ID, target.ID); err != nil {
		return err
	}
	target.Properties = doc
	target.Identified = true
	target.Version = max(target.Version, other.Version) + 1
	if other.CreatedAt.Before(target.CreatedAt) {
		target.CreatedAt = other.CreatedAt
	}
	target.LastSeenAt = latest(target.LastSeenAt, other.LastSeenAt)
	if !st.keepLastSeen {
		target.LastSeenAt = latest(target.LastSeenAt, st.lastSeen())
	}
	r.tally.merged++
	return r.tx.UpdatePerson(target)
}

// unjoined goes on without the merge: the event acts on its own person.
func (r *run) unjoined(st *step, target store.Person, warning string) error {
	if err := r.warn(st, warning); err != nil {
		return err
	}
	return r.update(st, target, true)
}

// joined returns the document of two persons after their merge: target's
// values win over other's, then come the event's own changes. If that is too
// large, target's document stays as it was.
func (r *run) joined(st *step, target, other []byte) ([]byte, error) {
	top, err := parseProperties(target, 0)
	if err != nil {
		return nil, err
	}
	bottom, err := parseProperties(other, 0)
	if err != nil {
		return nil, err
	}
	both := bottom.over(top)
	if st.tooBig {
		err = r.warn(st, warnPersonSize)
	} else {
		both.change(st, false)
	}
	if err != nil {
		return nil, err
	}
	doc := both.appendJSON(nil)
	switch {
	case len(doc) <= propertiesLimit:
		return doc, nil
	case len(target) <= propertiesLimit:
		return target, r.warn(st, warnPersonSize)
	}
	return both.trim(), nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
