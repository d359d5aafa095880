package ofrep

import (
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Fill gives in the attributes and groups of the context that p reads, and
// nothing else. It may be called after a successful Decode, any number of times.
func (r *Request) Fill(p *eval.Program, in *eval.Input) {
	for _, m := range r.attributes {
		if slot := p.PersonSlot(r.unquoted(m.name)); slot != eval.NoSlot {
			in.SetPerson(slot, r.parsed(m.value))
		}
	}
	for _, m := range r.groups {
		key := r.keyOf(m.value)
		if g, ok := p.GroupIndex(string(r.unquoted(m.name))); ok {
			in.SetGroupKey(g, key)
		} else {
			in.MentionGroup(key, false)
		}
	}
	for _, g := range r.properties {
		r.fillGroup(p, in, g)
	}
}

func (r *Request) fillGroup(p *eval.Program, in *eval.Input, g group) {
	index, known := p.GroupIndex(string(r.unquoted(g.name)))
	for _, m := range r.inner[g.from:g.to] {
		name := r.unquoted(m.name)
		switch {
		case known:
			if slot := p.GroupSlot(index, name); slot != eval.NoSlot {
				in.SetGroup(index, slot, r.parsed(m.value))
			}
		case string(name) != "$group_key" || usable(r.keyOf(m.value)):
			// Properties of a type that the project does not have are only
			// mentioned, for the case that its types are not known (9.4); a
			// property $group_key that can be no key is not even that.
			in.MentionGroup(feature.Value{}, true)
		}
	}
}

// keyOf returns the key of a group: text loses U+0000, as all identifiers do.
func (r *Request) keyOf(s span) feature.Value {
	if r.text[s.from] == '"' {
		return feature.Text(r.id(s))
	}
	return r.parsed(s)
}

// usable reports whether a group can have this key: it is a non-empty text or a
// number (3.4.3).
func usable(key feature.Value) bool {
	k := key.Kind()
	return k == feature.KindNumber || k == feature.KindText && key.Text() != ""
}

func (r *Request) parsed(s span) feature.Value {
	v, _ := jsonval.Parse(r.bytes(s)) // it was read before
	return v
}
