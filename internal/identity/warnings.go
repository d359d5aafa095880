package identity

import (
	"maps"
	"sync"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/store"
)

// The warnings (section 8). The last two are ours.
const (
	warnProcessProfile    = "invalid_process_person_profile"
	warnNeedsPerson       = "invalid_event_when_process_person_profile_is_false"
	warnIllegalID         = "cannot_merge_with_illegal_distinct_id"
	warnAlreadyIdentified = "cannot_merge_already_identified"
	warnMergeRace         = "merge_race_condition"
	warnPersonSize        = "person_properties_size_violation"
	warnGroupSize         = "group_upsert_message_size_too_large"
	warnTooManyIDs        = "cannot_merge_too_many_distinct_ids"
	warnGroupKey          = "group_key_too_long"
)

// warn keeps a warning about st and counts it.
func (r *run) warn(st *step, typ string) error {
	r.tally.warn(typ)
	detail := []byte(`{"event":`)
	detail = feature.AppendQuoted(detail, st.event)
	detail = append(detail, `,"event_uuid":`...)
	detail = feature.AppendQuoted(detail, st.uuid)
	detail = append(detail, `,"distinct_id":`...)
	detail = feature.AppendQuoted(detail, st.id)
	if st.other != "" {
		detail = append(detail, `,"other_distinct_id":`...)
		detail = feature.AppendQuoted(detail, st.other)
	}
	detail = append(detail, '}')
	return r.tx.AddWarning(store.Warning{Project: r.project, Type: typ, Detail: detail, At: r.now})
}

// Stats counts since the Service was made. Only what was committed counts.
type Stats struct {
	Events   int64            // applied, those without effect included
	Dropped  int64            // of these: refused with a warning, changing nothing
	Created  int64            // persons
	Merged   int64            // persons that became part of another
	Warnings map[string]int64 // by type
}

// tally is what one transaction adds to the Stats.
type tally struct {
	events, dropped, created, merged int
	groupTypes                       int // new ones; not among the Stats
	warnings                         map[string]int64
}

func (t *tally) warn(typ string) {
	if t.warnings == nil {
		t.warnings = map[string]int64{}
	}
	t.warnings[typ]++
}

// counters are the Stats of a Service.
type counters struct {
	mu    sync.Mutex
	stats Stats // guarded by mu
}

func (c *counters) ignored(events int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Events += int64(events)
}

func (c *counters) add(t *tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Events += int64(t.events)
	c.stats.Dropped += int64(t.dropped)
	c.stats.Created += int64(t.created)
	c.stats.Merged += int64(t.merged)
	for typ, n := range t.warnings {
		if c.stats.Warnings == nil {
			c.stats.Warnings = map[string]int64{}
		}
		c.stats.Warnings[typ] += n
	}
}

// Stats returns the counts up to now.
func (s *Service) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	out := s.stats.stats
	out.Warnings = maps.Clone(out.Warnings)
	return out
}
