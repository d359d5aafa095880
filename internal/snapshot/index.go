package snapshot

import (
	"maps"
	"sync/atomic"

	"github.com/guidon-flags/guidon/internal/store"
)

// holder is a project's place. Only the Set's goroutine stores; readers load
// from anywhere.
type holder struct {
	id  int64
	cur atomic.Pointer[Version] // nil: known, but its definitions never loaded
}

// index finds projects. It is not changed once readers can see it: a change of
// tokens makes a new one.
type index struct {
	byID     map[int64]*holder
	byToken  map[string]*holder
	bySecret map[string]int64 // hash of a secret token → project
	keys     map[int64]projectKeys
}

// projectKeys are the entries of one project.
type projectKeys struct{ token, secret, backup string }

func keysOf(p *store.Project) projectKeys {
	return projectKeys{token: p.Token, secret: p.SecretHash, backup: p.SecretBackupHash}
}

func newIndex() *index {
	return &index{
		byID: map[int64]*holder{}, byToken: map[string]*holder{},
		bySecret: map[string]int64{}, keys: map[int64]projectKeys{},
	}
}

func (x *index) clone() *index {
	return &index{
		byID: maps.Clone(x.byID), byToken: maps.Clone(x.byToken),
		bySecret: maps.Clone(x.bySecret), keys: maps.Clone(x.keys),
	}
}

// put enters a project under its tokens. Only for an index nobody sees yet.
func (x *index) put(h *holder, k projectKeys) {
	x.drop(h.id)
	x.byID[h.id], x.keys[h.id] = h, k
	if k.token != "" {
		x.byToken[k.token] = h
	}
	for _, secret := range []string{k.secret, k.backup} {
		if secret != "" {
			x.bySecret[secret] = h.id
		}
	}
}

// drop takes a project out. Only for an index nobody sees yet.
func (x *index) drop(id int64) {
	k, ok := x.keys[id]
	if !ok {
		return
	}
	delete(x.byID, id)
	delete(x.keys, id)
	if h := x.byToken[k.token]; h != nil && h.id == id {
		delete(x.byToken, k.token)
	}
	for _, secret := range []string{k.secret, k.backup} {
		if owner, ok := x.bySecret[secret]; ok && owner == id {
			delete(x.bySecret, secret)
		}
	}
}
