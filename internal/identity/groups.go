package identity

import (
	"errors"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// maxGroupText is the length of a group's type and key in characters.
const maxGroupText = 400

// readGroups reads which group types an event mentions and what a group event
// changes (G1, G2).
func (st *step) readGroups(r *raw) {
	if isObject(r.groups) {
		_ = jsonval.Members(r.groups, func(name, _ []byte) error {
			if typ := withoutNUL(string(name)); fitsGroup(typ) {
				st.groupTypes = append(st.groupTypes, typ)
			}
			return nil
		})
	}
	if st.event != eventGroupIdentify && st.event != eventGroupUnset {
		return
	}
	st.group = &groupChange{remove: st.event == eventGroupUnset}
	if !truthy(r.groupType) || !truthy(r.groupKey) {
		return
	}
	typ, key := textOf(r.groupType), textOf(r.groupKey)
	if !fitsGroup(typ) || !fitsGroup(key) {
		st.warnings = append(st.warnings, warnGroupKey)
		return
	}
	g := st.group
	g.typ, g.key = typ, key
	if g.remove {
		g.unset = nameList(r.groupUnset)
	} else if isObject(r.groupSet) {
		var err error
		g.set, err = parseProperties(r.groupSet, propertiesLimit)
		g.tooBig = errors.Is(err, errTooBig)
	}
}

func fitsGroup(s string) bool { return s != "" && cut(s, maxGroupText) == s }

// groups does the group part of an event.
func (r *run) groups(st *step) error {
	for _, typ := range st.groupTypes {
		if _, _, err := r.groupType(typ, true); err != nil {
			return err
		}
	}
	if st.group == nil || st.group.typ == "" {
		return nil
	}
	index, ok, err := r.groupType(st.group.typ, !st.group.remove)
	if err != nil || !ok {
		return err
	}
	return retry(func() error { return r.group(st, index) })
}

// groupType returns the index of a group type and allocates one if it has none
// and allocate is set. ok is false if there is none (left).
func (r *run) groupType(name string, allocate bool) (index int, ok bool, err error) {
	if r.types == nil {
		known, err := r.tx.GroupTypes()
		if err != nil {
			return 0, false, err
		}
		r.types = make(map[string]int, store.MaxGroupTypes)
		for _, t := range known {
			r.types[t.Name] = t.Index
		}
	}
	if index, ok := r.types[name]; ok {
		return index, true, nil
	}
	if !allocate || len(r.types) >= store.MaxGroupTypes {
		return 0, false, nil
	}
	t, err := r.tx.InsertGroupType(name, r.now)
	if errors.Is(err, store.ErrConflict) { // another transaction took the last one
		r.types = nil
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	r.types[name] = t.Index
	r.tally.groupTypes++
	return t.Index, true, nil
}

// group creates or changes a group (G3).
func (r *run) group(st *step, index int) error {
	change := st.group
	if change.tooBig {
		return r.warn(st, warnGroupSize)
	}
	g, err := r.tx.Group(index, change.key)
	if errors.Is(err, store.ErrNotFound) {
		if change.remove {
			return nil
		}
		return r.createGroup(st, index)
	}
	if err != nil {
		return err
	}
	cur, err := parseProperties(g.Properties, 0)
	if err != nil {
		return err
	}
	if !cur.change(&step{set: change.set, unset: change.unset}, false) {
		return nil
	}
	doc := cur.appendJSON(nil)
	if len(doc) > propertiesLimit {
		if len(g.Properties) <= propertiesLimit {
			return r.warn(st, warnGroupSize)
		}
		doc = cur.trim()
	}
	g.Properties = doc
	g.Version++
	return r.tx.UpdateGroup(g)
}

func (r *run) createGroup(st *step, index int) error {
	doc := st.group.set.appendJSON(nil)
	if len(doc) > propertiesLimit {
		return r.warn(st, warnGroupSize)
	}
	g := store.Group{
		Project:    r.project,
		Index:      index,
		Key:        st.group.key,
		Properties: doc,
		CreatedAt:  st.at,
		Version:    1,
	}
	if r.now.Before(g.CreatedAt) {
		g.CreatedAt = r.now
	}
	return r.tx.InsertGroup(g)
}
