package auth

import (
	"container/list"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// entry is what the store said about a key.
type entry struct {
	principal *Principal // nil: no such key
	at        time.Time
	revision  store.Revision // of the credentials, when the store was asked

	// The last question that failed after that; zero: none did.
	failed         time.Time
	failedRevision store.Revision
}

// cache keeps the entries used last.
type cache struct {
	limit int

	mu    sync.Mutex
	items map[string]*list.Element // of item
	order *list.List               // most recently used first
}

type item struct {
	hash  string
	entry entry
}

func newCache(limit int) *cache {
	return &cache{limit: limit, items: make(map[string]*list.Element), order: list.New()}
}

func (c *cache) get(hash string) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[hash]
	if !ok {
		return entry{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(item).entry, true
}

func (c *cache) put(hash string, v entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[hash]; ok {
		e.Value = item{hash, v}
		c.order.MoveToFront(e)
		return
	}
	c.items[hash] = c.order.PushFront(item{hash, v})
	if c.order.Len() > c.limit {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.items, last.Value.(item).hash)
	}
}

// fail notes in an entry, if it is still there, that asking for it failed.
func (c *cache) fail(hash string, at time.Time, revision store.Revision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[hash]; ok {
		v := e.Value.(item)
		v.entry.failed, v.entry.failedRevision = at, revision
		e.Value = v
	}
}

func (c *cache) drop(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[hash]; ok {
		c.order.Remove(e)
		delete(c.items, hash)
	}
}
