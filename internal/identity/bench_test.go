package identity_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
)

// BenchmarkCapture applies requests of one event about 1,000 persons from many
// goroutines at once.
func BenchmarkCapture(b *testing.B) {
	st := open(b)
	project := identitytest.Setup(b, st, &identitytest.Case{})
	s := newService(st)
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			e := event("$pageview", fmt.Sprint("u", i%1000), fmt.Sprintf(`{"$browser":"Chrome","$os":"Mac OS X","$current_url":"https://x.test/%d"}`, i))
			if err := s.Capture(b.Context(), identity.Settings{ID: project.ID}, []identity.Event{e}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
