package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// useEvery is how exact last_used_at is, so that reading does not become
// writing (posthog-schema 3).
const useEvery = time.Hour

// uses notes when keys were used and writes it in the background, all keys in
// one transaction.
type uses struct {
	keys Keys
	opts Options
	stop chan struct{}
	done chan struct{}
	once sync.Once

	mu      sync.Mutex
	noted   map[useKey]time.Time // when a use was last noted, of the last hour
	pending map[useKey]time.Time // to be written
}

type useKey struct {
	kind    Kind
	id      string
	project int64
}

func startUses(keys Keys, o Options) *uses {
	u := &uses{
		keys: keys, opts: o, stop: make(chan struct{}), done: make(chan struct{}),
		noted: make(map[useKey]time.Time), pending: make(map[useKey]time.Time),
	}
	go u.run()
	return u
}

func (u *uses) close() {
	u.once.Do(func() { close(u.stop) })
	<-u.done
}

func (u *uses) run() {
	defer close(u.done)
	tick := time.NewTicker(u.opts.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.flush()
		case <-u.stop:
			u.flush()
			return
		}
	}
}

// mark notes that p was used, unless that was noted less than an hour ago.
func (u *uses) mark(p *Principal, now time.Time) {
	if p.Key == "" {
		return
	}
	k := useKey{kind: p.Kind, id: p.Key, project: p.Project}
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.noted[k]; ok && now.Sub(last) < useEvery {
		return
	}
	if len(u.pending) >= u.opts.Entries {
		return
	}
	u.noted[k] = now
	u.pending[k] = now
}

// flush writes what is pending. What cannot be written is dropped: the next
// use after an hour will be.
func (u *uses) flush() {
	u.mu.Lock()
	now := u.opts.Now()
	for k, at := range u.noted {
		if now.Sub(at) >= useEvery {
			delete(u.noted, k)
		}
	}
	pending := u.pending
	u.pending = make(map[useKey]time.Time)
	u.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), u.opts.Timeout)
	defer cancel()
	_, err := u.keys.Edit(ctx, store.Author{Reason: "key use"}, func(tx store.Tx) error {
		for k, at := range pending {
			if err := k.write(tx, at); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		u.opts.OnError(err)
	}
}

// write moves the last use of one key forward to at.
func (k useKey) write(tx store.Tx, at time.Time) error {
	if k.kind == ProjectKey {
		row, err := tx.ProjectKey(k.project, k.id)
		if err != nil || at.Sub(row.LastUsedAt) < useEvery {
			return err
		}
		row.LastUsedAt = at
		return tx.UpdateProjectKey(row)
	}
	row, err := tx.PersonalKey(k.id)
	if err != nil || at.Sub(row.LastUsedAt) < useEvery {
		return err
	}
	row.LastUsedAt = at
	return tx.UpdatePersonalKey(row)
}
