package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits bounds how many requests one personal key may make (section 3). Zero
// fields set no limit.
type Limits struct {
	PerMinute int
	PerHour   int

	// ReportOnly lets all requests through; Exceeded still hears of them.
	ReportOnly bool

	// Exceeded, if not nil, is called for each request that is refused, or
	// would be.
	Exceeded func(key string)
}

// limiter counts requests in spans of a minute and an hour that begin with a
// key's first request.
type limiter struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	keys  map[string]*usage // of keys used in the last hour or so
	swept time.Time         // when the others were last forgotten
}

type usage struct{ minute, hour span }

// span counts the requests since its start.
type span struct {
	start time.Time
	count int
}

// open begins a new span if the old one has ended, and returns how long to wait
// for the next request: 0 if limit, which is not set at 0, allows it now.
func (s *span) open(now time.Time, length time.Duration, limit int) (wait time.Duration) {
	if now.Sub(s.start) >= length {
		*s = span{start: now}
	}
	if limit > 0 && s.count >= limit {
		wait = s.start.Add(length).Sub(now)
	}
	return wait
}

// check counts a request of a key and refuses it if it is one too many. Refused
// ones do not count.
func (l *limiter) check(key string) error {
	if l.limits.PerMinute == 0 && l.limits.PerHour == 0 {
		return nil
	}
	wait := l.take(key)
	if wait <= 0 {
		return nil
	}
	if l.limits.Exceeded != nil {
		l.limits.Exceeded(key)
	}
	if l.limits.ReportOnly {
		return nil
	}
	seconds := int((wait + time.Second - 1) / time.Second)
	return &problem{
		status: http.StatusTooManyRequests, kind: "throttled_error", code: "throttled",
		detail:     fmt.Sprintf("Request was throttled. Expected available in %d seconds.", seconds),
		retryAfter: strconv.Itoa(seconds),
	}
}

func (l *limiter) take(key string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.sweep(now)
	u := l.keys[key]
	if u == nil {
		u = &usage{}
		l.keys[key] = u
	}
	wait = max(u.minute.open(now, time.Minute, l.limits.PerMinute), u.hour.open(now, time.Hour, l.limits.PerHour))
	if wait <= 0 {
		u.minute.count++
		u.hour.count++
	}
	return wait
}

// sweep forgets, once an hour, the keys that were not used in that time.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Hour {
		return
	}
	l.swept = now
	for key, u := range l.keys {
		if now.Sub(u.hour.start) >= time.Hour {
			delete(l.keys, key)
		}
	}
}
