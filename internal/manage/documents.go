package manage

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// text returns the content of a JSON string, and the digits of a number; empty
// for everything else.
func text(raw store.JSON) string {
	if len(raw) > 0 && raw[0] != '"' {
		if _, err := strconv.ParseFloat(string(raw), 64); err == nil {
			return string(raw)
		}
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// isVersion1 tells filters of version 1 by their lack of any other version.
func isVersion1(o object) bool {
	v := o.get("version")
	return isNull(v) || text(v) == "1"
}

// legacyKeys are dropped whenever a flag is saved (5.4).
var legacyKeys = []string{"holdout_groups", "super_groups"}

// withoutLegacyKeys returns stored filters without them. Filters of another
// version are returned as they are.
func withoutLegacyKeys(raw store.JSON) store.JSON {
	o, err := parseObject(raw)
	if err != nil || !isVersion1(o) || !o.remove(legacyKeys...) {
		return raw
	}
	return o.encode()
}

// flagReferences lists the ids of the flags that stored filters depend on,
// each once.
func flagReferences(raw store.JSON) []int64 {
	if !strings.Contains(string(raw), `"flag"`) {
		return nil // the common case, without parsing
	}
	return ids(filters.ReadReferences(raw).Flags)
}

// cohortReferences lists the ids of the cohorts that stored filters name, each
// once.
func cohortReferences(raw store.JSON) []int64 {
	if !strings.Contains(string(raw), `"cohort"`) {
		return nil
	}
	return ids(filters.ReadReferences(raw).Cohorts)
}

func ids(refs []filters.Reference) []int64 {
	var out []int64
	seen := make(map[int64]bool)
	for _, r := range refs {
		if r.OK && !seen[r.ID] {
			seen[r.ID] = true
			out = append(out, r.ID)
		}
	}
	return out
}

// everybody is a condition that admits everybody.
const everybody = `[{"properties":[],"rollout_percentage":100}]`

// fullRollout gives a remote configuration one condition for everybody if it
// has none, and lifts conditions at zero or no percentage to 100 (5.2).
func fullRollout(raw store.JSON) store.JSON {
	o, err := parseObject(raw)
	if err != nil {
		return raw
	}
	groups, err := parseList(o.get("groups"))
	if err != nil || len(groups) == 0 {
		o.set("groups", store.JSON(everybody))
		return o.encode()
	}
	for i, g := range groups {
		group, err := parseObject(g)
		if err != nil {
			return raw
		}
		p := group.get("rollout_percentage")
		if f, err := strconv.ParseFloat(string(p), 64); isNull(p) || err == nil && f == 0 {
			group.set("rollout_percentage", store.JSON("100"))
		}
		groups[i] = group.encode()
	}
	o.set("groups", encodeList(groups))
	return o.encode()
}

// encryptedPayload stands for a cipher text, which is nobody's business. It is
// the JSON text of a text, as payloads are.
const encryptedPayload = `"\"********* (encrypted)\""`

// redactPayloads replaces the payloads of stored filters (section 4).
func redactPayloads(raw store.JSON) store.JSON {
	o, err := parseObject(raw)
	if err != nil {
		return store.JSON("{}") // unreadable, so that nothing can be told apart
	}
	payloads, err := parseObject(o.get("payloads"))
	if err != nil {
		payloads = nil
	}
	for i := range payloads {
		payloads[i].value = store.JSON(encryptedPayload)
	}
	if o.get("payloads") != nil {
		o.set("payloads", payloads.encode())
	}
	return o.encode()
}

// withoutPayloads removes the payloads of stored filters.
func withoutPayloads(raw store.JSON) store.JSON {
	o, err := parseObject(raw)
	if err != nil || !o.remove("payloads") {
		return raw
	}
	return o.encode()
}
