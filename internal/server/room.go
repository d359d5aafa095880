package server

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// Bounds of the memory that large bodies take at one time. A few kilobytes can
// inflate a thousandfold, before anybody knows whose they are.
const (
	roomBytes = 256 << 20
	roomWait  = time.Second // after which a request is shed

	smallBody  = keepState                   // bytes of text up to which a body needs no room
	largeFlags = 4 * posthog.MaxUncompressed // of a flags request: its text and what it is read into
	perCapture = 2                           // for each byte of a capture payload, which is copied as it grows
)

// room is memory for large bodies, shared by all requests.
type room struct {
	free *semaphore.Weighted
	wait time.Duration
}

func newRoom(bytes int64, wait time.Duration) room { return room{semaphore.NewWeighted(bytes), wait} }

// take waits until there are n bytes, which are to be given back; false if there
// are none in time.
func (r room) take(ctx context.Context, n int64) bool {
	if r.free.TryAcquire(n) { // also for a client that is gone
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	return r.free.Acquire(ctx, n) == nil
}

func (r room) give(n int64) { r.free.Release(n) }
