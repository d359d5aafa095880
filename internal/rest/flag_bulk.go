package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/manage"
)

// refs reads a list of ids, each a number or a text.
func (f *fields) refs(name string) (refs []manage.BulkRef, raw []json.RawMessage, ok bool) {
	if !f.has(name) || json.Unmarshal(f.document(name), &raw) != nil {
		return nil, nil, false
	}
	for _, r := range raw {
		s := string(r)
		if r[0] == '"' {
			_ = json.Unmarshal(r, &s) // part of a valid document
		}
		refs = append(refs, manage.NewBulkRef(s))
	}
	return refs, raw, true
}

// bulkKeys answers {"ids": […]} with the keys (5.12).
func bulkKeys(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	refs, _, _ := f.refs("ids")
	var ids []int64
	var bad []string
	for _, r := range refs {
		if r.OK {
			ids = append(ids, r.ID)
		} else {
			bad = append(bad, r.Text)
		}
	}
	if len(refs) > 0 && len(ids) == 0 {
		return reply{}, olderError("Invalid flag IDs provided")
	}
	keys, err := c.api.m.Flags.Keys(c.r.Context(), c.project(), ids)
	if err != nil {
		return reply{}, err
	}
	named := make(map[string]string, len(keys))
	for id, key := range keys {
		named[strconv.FormatInt(id, 10)] = key
	}
	body := map[string]any{"keys": named}
	if len(bad) > 0 {
		body["warning"] = fmt.Sprintf("Invalid flag IDs ignored: [%s]", strings.Join(bad, ", "))
	}
	return ok(body)
}

// bulkFilterKeys are what a bulk deletion may select flags by.
var bulkFilterKeys = []string{
	"active", "created_by_id", "search", "type", "evaluation_runtime", "excluded_properties", "tags", "excluded_tags",
	"has_evaluation_contexts", "archived",
}

// deletedJSON is a flag that was deleted.
type deletedJSON struct {
	ID            int64  `json:"id"`
	Key           string `json:"key"`
	RolloutState  string `json:"rollout_state"`
	ActiveVariant orNull `json:"active_variant"`
}

// bulkErrorJSON is a flag that was left alone.
type bulkErrorJSON struct {
	ID     json.RawMessage `json:"id"` // as it was sent
	Key    string          `json:"key,omitempty"`
	Reason string          `json:"reason"`
}

// bulkDelete deletes flags by ids or by filters (5.12).
func bulkDelete(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	hasIDs, hasFilters := f.has("ids") && !f.null("ids"), f.has("filters") && !f.null("filters")
	switch {
	case hasIDs && hasFilters:
		return reply{}, olderError("Provide either filters or ids, not both")
	case !hasIDs && !hasFilters:
		return reply{}, olderError("Must provide either filters or ids")
	}
	var refs []manage.BulkRef
	var raw []json.RawMessage
	if hasFilters {
		refs, raw, err = c.matching(f)
	} else {
		var isList bool
		if refs, raw, isList = f.refs("ids"); !isList {
			err = olderError("ids must be a list")
		}
	}
	if err != nil {
		return reply{}, err
	}
	deleted, failed, err := c.api.m.Flags.BulkDelete(c.r.Context(), c.who, c.project(), refs)
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{
		"deleted": each(deleted, func(d manage.Deleted) deletedJSON {
			return deletedJSON{ID: d.ID, Key: d.Key, RolloutState: d.RolloutState, ActiveVariant: orNull(d.ActiveVariant)}
		}),
		"errors": bulkErrors(failed, refs, raw),
	})
}

// bulkErrors gives each failure its id as it was sent.
func bulkErrors(failed []manage.BulkError, refs []manage.BulkRef, raw []json.RawMessage) []bulkErrorJSON {
	return each(failed, func(e manage.BulkError) bulkErrorJSON {
		return bulkErrorJSON{ID: raw[slices.Index(refs, e.Ref)], Key: e.Key, Reason: e.Reason}
	})
}

// matching selects flags by the filters in a body.
func (c *call) matching(f *fields) ([]manage.BulkRef, []json.RawMessage, error) {
	var given map[string]json.RawMessage
	if json.Unmarshal(f.document("filters"), &given) != nil {
		return nil, nil, olderError("filters must be an object")
	}
	var unknown []string
	for name := range given {
		if !slices.Contains(bulkFilterKeys, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, nil, olderError("Unknown filter keys: " + strings.Join(unknown, ", "))
	}
	for name, value := range given { // the same readers as for a list
		c.query.Set(name, queryText(value))
	}
	ids, err := c.api.m.Flags.IDs(c.r.Context(), c.project(), c.flagFilter())
	if err != nil {
		return nil, nil, err
	}
	refs := make([]manage.BulkRef, len(ids))
	raw := make([]json.RawMessage, len(ids))
	for i, id := range ids {
		raw[i] = strconv.AppendInt(nil, id, 10)
		refs[i] = manage.NewBulkRef(string(raw[i]))
	}
	return refs, raw, nil
}

// queryText is a JSON value as it would stand in a query.
func queryText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// bulkTags changes the tags of flags (5.12).
func bulkTags(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	action, tags := f.filled("action"), f.texts("tags")
	refs, raw, isList := f.refs("ids")
	switch {
	case f.err != nil:
		return reply{}, f.err
	case !isList:
		return reply{}, required("ids")
	case !action.Set:
		return reply{}, required("action")
	case !tags.Set:
		return reply{}, required("tags")
	}
	updated, failed, err := c.api.m.Flags.BulkTags(c.r.Context(), c.who, c.project(), refs, action.Value, tags.Value)
	if err != nil {
		return reply{}, err
	}
	type tagged struct {
		ID   int64    `json:"id"`
		Key  string   `json:"key"`
		Tags []string `json:"tags"`
	}
	out := make([]tagged, len(updated))
	for i, u := range updated {
		out[i] = tagged{u.ID, u.Key, list(u.Tags)}
	}
	return ok(map[string]any{"updated": out, "errors": bulkErrors(failed, refs, raw)})
}
