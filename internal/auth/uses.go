package auth

import (
	"context"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// useEvery is how exact last_used_at is, so that reading does not become
// writing (docs/http.md, section 10).
const useEvery = time.Hour

// uses notes when keys were used and has it written in the background.
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
	kind store.KeyKind
	id   string
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
	k := useKey{id: p.Key}
	switch p.Kind {
	case PersonalKey:
		k.kind = store.KeyPersonal
	case ProjectKey:
		k.kind = store.KeyProject
	default:
		return
	}
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
	for k, at := range pending {
		if err := u.write(k, at); err != nil {
			u.opts.OnError(err)
			return // the others would fare no better
		}
	}
}

func (u *uses) write(k useKey, at time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), u.opts.Timeout)
	defer cancel()
	return u.keys.KeyUsed(ctx, k.kind, k.id, at)
}
