package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// FlagStatus says how alive a flag is (5.8).
type FlagStatus struct {
	Status          string // "active", "stale", "archived", "deleted", "unknown"
	Reason          string
	ReasonIsRollout bool
	Rollout         Rollout
}

// Rollout describes how far a flag is rolled out.
type Rollout struct {
	Full         bool     // everybody gets the same
	Reason       string   // why it counts as full; empty if it does not
	Variant      string   // what everybody gets of a full multivariate flag
	Targeted     bool     // some condition has filters
	Max          *float64 // greatest percentage of all conditions; nil: no conditions
	Multivariate bool
}

// staleAfter is how long a flag may go without being called, or a fully rolled
// out one without usage data exist, until it counts as stale.
const staleAfter = 30 * 24 * time.Hour

// Status returns a flag's status.
func (s *Flags) Status(ctx context.Context, project int64, ref string) (FlagStatus, error) {
	v, err := s.Get(ctx, project, ref)
	return v.Status, err
}

// statusOf decides on a flag's status; the first rule that applies counts.
func statusOf(f store.Flag, now time.Time) FlagStatus {
	r := rolloutOf(f.Filters)
	s := FlagStatus{Status: "active", Rollout: r}
	switch {
	case f.Deleted:
		s.Status, s.Reason = "deleted", "Flag has been deleted"
	case f.Archived:
		s.Status, s.Reason = "archived", "Flag has been archived"
	case !f.Active:
		s.Reason = "Flag is disabled (not evaluated for staleness)"
	case !f.LastCalledAt.IsZero():
		s.Status, s.Reason = usageStatus(now.Sub(f.LastCalledAt))
	case now.Sub(f.CreatedAt) > staleAfter && r.Full:
		s.Status, s.Reason, s.ReasonIsRollout = "stale", r.Reason, true
	default:
		s.Reason = "Flag has no usage data yet"
	}
	return s
}

func usageStatus(age time.Duration) (status, reason string) {
	days := int(age / (24 * time.Hour))
	switch {
	case age > staleAfter:
		return "stale", fmt.Sprintf("Flag has not been called in %d days", days)
	case days <= 0:
		return "active", "Flag was called today"
	case days == 1:
		return "active", "Flag was last called 1 day ago"
	}
	return "active", fmt.Sprintf("Flag was last called %d days ago", days)
}

// rolloutOf reads how far a stored document rolls its flag out. Unreadable
// documents count as not rolled out.
func rolloutOf(filters store.JSON) Rollout {
	var doc struct {
		Groups []struct {
			Properties []json.RawMessage `json:"properties"`
			Percent    *float64          `json:"rollout_percentage"`
			Variant    *string           `json:"variant"`
		} `json:"groups"`
	}
	var r Rollout
	if json.Unmarshal(filters, &doc) != nil {
		return r
	}
	variants := variantsOf(filters)
	r.Multivariate = len(variants) > 0
	whole := ""
	for _, v := range variants {
		if v.Percent != nil && *v.Percent == 100 {
			whole = v.Key
		}
	}
	if len(doc.Groups) == 0 && !r.Multivariate {
		r.Full = true
	}
	for _, g := range doc.Groups {
		percent := 100.0
		if g.Percent != nil {
			percent = *g.Percent
		}
		if r.Max == nil || percent > *r.Max {
			r.Max = &percent
		}
		if len(g.Properties) > 0 {
			r.Targeted = true
			continue
		}
		if r.Full || g.Percent == nil || percent != 100 {
			continue
		}
		fixed := whole
		if g.Variant != nil && *g.Variant != "" {
			fixed = *g.Variant
		}
		if !r.Multivariate || fixed != "" {
			r.Full, whole = true, fixed
		}
	}
	if r.Full {
		r.Reason = `This boolean flag will always evaluate to "true"`
		if r.Multivariate {
			r.Reason, r.Variant = fmt.Sprintf(`This flag will always use the variant "%s"`, whole), whole
		}
	}
	return r
}

// stale is the list filter active=STALE, which unlike the status leaves out
// flags without any condition.
func stale(f store.Flag, now time.Time) bool {
	if !f.Active || f.Deleted {
		return false
	}
	if !f.LastCalledAt.IsZero() {
		return now.Sub(f.LastCalledAt) > staleAfter
	}
	r := rolloutOf(f.Filters)
	return now.Sub(f.CreatedAt) > staleAfter && r.Full && r.Max != nil
}
