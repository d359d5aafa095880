package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

// kills is how often the server is killed under writes.
const kills = 20

// acknowledged is what writers were told is done.
type acknowledged struct {
	mu      sync.Mutex
	persons map[string]int // distinct id → the property n of its last answered event
	flags   map[string]int // key → rollout of the last answered edit
	total   int
	enough  chan struct{} // closed once total reaches the round's goal
	goal    int
}

func (a *acknowledged) add(m map[string]int, key string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m[key] = n
	if a.total++; a.total == a.goal {
		close(a.enough)
	}
}

// TestKillNine kills the server with SIGKILL while four writers post events and
// edits, twenty times on the same data, and looks for everything that was
// answered before.
func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	acks := &acknowledged{persons: map[string]int{}, flags: map[string]int{}}
	for round := range kills {
		acks.mu.Lock()
		acks.enough, acks.goal = make(chan struct{}), acks.total+40+7*round
		acks.mu.Unlock()

		s := launch(t, dir)
		verify(t, s, acks, round)
		var writers sync.WaitGroup
		for w := range 2 {
			writers.Go(func() { s.postEvents(acks, fmt.Sprintf("r%d-w%d", round, w)) })
			writers.Go(func() { s.editFlags(acks, fmt.Sprintf("r%d-w%d", round, w)) })
		}
		<-acks.enough
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		writers.Wait() // each stops at its first call without an answer
		_ = s.cmd.Wait()
	}
	s := launch(t, dir)
	verify(t, s, acks, kills)
	t.Logf("%d kills, %d answered writes, %d persons, %d flags", kills, acks.total, len(acks.persons), len(acks.flags))
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) postEvents(acks *acknowledged, writer string) {
	for n := 1; ; n++ {
		id := fmt.Sprintf("%s-p%d", writer, n%10)
		body := fmt.Sprintf(`{"api_key": %q, "batch": [{"event": "$set", "distinct_id": %q, "properties": {"$set": {"n": %d}}}]}`, projectToken, id, n)
		status, _, err := s.call("POST", "/batch/", []byte(body))
		if err != nil {
			return
		}
		if status == 200 {
			acks.add(acks.persons, id, n)
		}
	}
}

// editFlags makes a flag and raises its percentage four times, then goes on to
// the next.
func (s *server) editFlags(acks *acknowledged, writer string) {
	const flags = "/api/projects/1/feature_flags/"
	for n := 0; ; n++ {
		key, percent := fmt.Sprintf("%s-f%d", writer, n/5), n%5*20
		method, path := "POST", flags
		if percent > 0 {
			method, path = "PATCH", flags+key+"/"
		}
		body := fmt.Sprintf(`{"key": %q, "filters": {"groups": [{"properties": [], "rollout_percentage": %d}]}}`, key, percent)
		status, answer, err := s.call(method, path, []byte(body))
		if err != nil {
			return
		}
		if status >= 300 {
			s.t.Errorf("%s %s: %d %s", method, key, status, answer)
			return
		}
		acks.add(acks.flags, key, percent)
	}
}

// verify fails the test for everything acknowledged that s does not have.
// A later write may have been stored without an answer, so numbers may be
// higher than the last answered one.
func verify(t *testing.T, s *server, acks *acknowledged, round int) {
	t.Helper()
	var lost int
	for id, n := range acks.persons {
		var page struct {
			Results []struct {
				Properties struct {
					N int `json:"n"`
				} `json:"properties"`
			} `json:"results"`
		}
		get(t, s, "/api/projects/1/persons/?distinct_id="+id, &page)
		if len(page.Results) != 1 || page.Results[0].Properties.N < n {
			lost++
			t.Errorf("round %d: person %s was answered with n = %d, found %+v", round, id, n, page.Results)
		}
	}
	for key, percent := range acks.flags {
		var flag struct {
			Filters struct {
				Groups []struct {
					Rollout int `json:"rollout_percentage"`
				} `json:"groups"`
			} `json:"filters"`
		}
		get(t, s, "/api/projects/1/feature_flags/"+key+"/", &flag)
		if g := flag.Filters.Groups; len(g) != 1 || g[0].Rollout < percent {
			lost++
			t.Errorf("round %d: flag %s was answered with %d %%, found %+v", round, key, percent, g)
		}
	}
	if lost > 0 {
		t.FailNow()
	}
}

func get(t *testing.T, s *server, path string, into any) {
	t.Helper()
	status, answer, err := s.call("GET", path, nil)
	if err != nil || status != 200 {
		t.Fatalf("GET %s: %d %s %v", path, status, answer, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}
