package posthog

import (
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Fill gives in the properties and groups of the request that p reads, and
// nothing else. It may be called after a successful Decode, any number of
// times.
func (r *FlagsRequest) Fill(p *eval.Program, in *eval.Input) {
	f := &r.fields
	r.arena.Reset()
	for _, m := range r.personProperties() {
		if slot := p.PersonSlot(f.unquoted(m.name)); slot != eval.NoSlot {
			in.SetPerson(slot, r.value(m.value))
		}
	}
	r.fillGroups(p, in)
}

// fillGroups gives in the groups of the request. Types that the project does
// not have are only mentioned, for the case that its types are not known.
func (r *FlagsRequest) fillGroups(p *eval.Program, in *eval.Input) {
	f := &r.fields
	for _, m := range r.groupMembers() {
		key := r.groupKey(m.value)
		if g, ok := p.GroupIndex(string(f.unquoted(m.name))); ok {
			in.SetGroupKey(g, key)
		} else {
			in.MentionGroup(key, false)
		}
	}
	for _, g := range r.groupProperties() {
		r.fillGroup(p, in, g)
	}
}

func (r *FlagsRequest) fillGroup(p *eval.Program, in *eval.Input, g group) {
	f := &r.fields
	index, known := p.GroupIndex(string(f.unquoted(g.name)))
	for _, m := range f.all[g.members.from:g.members.to] {
		name := f.unquoted(m.name)
		if known {
			if slot := p.GroupSlot(index, name); slot != eval.NoSlot {
				in.SetGroup(index, slot, r.value(m.value))
			}
			continue
		}
		// A group key among the properties names no group; but as a property it
		// counts like any other if it is usable (9.4).
		if string(name) != "$group_key" || usable(r.groupKey(m.value)) {
			in.MentionGroup(feature.Value{}, true)
		}
	}
}

// usable reports whether a group can have this key: it is a non-empty text or a
// number (3.4.3).
func usable(key feature.Value) bool {
	k := key.Kind()
	return k == feature.KindNumber || k == feature.KindText && key.Text() != ""
}

// groupKey returns the key of a group, a text without U+0000.
func (r *FlagsRequest) groupKey(s span) feature.Value {
	if r.fields.kind(s) != '"' {
		return r.value(s)
	}
	return feature.Text(r.keep(r.withoutNUL(r.fields.unquoted(s))))
}

// value returns the value at s.
func (r *FlagsRequest) value(s span) feature.Value {
	switch r.fields.kind(s) {
	case 'n':
		return feature.Null
	case 't':
		return feature.Bool(true)
	case 'f':
		return feature.Bool(false)
	case '"':
		return feature.Text(r.keep(r.fields.unquoted(s)))
	case '[', '{':
		v, _ := jsonval.Parse(r.fields.bytes(s)) // it was read before
		return v
	}
	return feature.Number(r.keep(r.fields.bytes(s)))
}

// keep returns b as a string. All strings of one Fill share memory.
func (r *FlagsRequest) keep(b []byte) string {
	n := r.arena.Len()
	r.arena.Write(b)
	return r.arena.String()[n:]
}
