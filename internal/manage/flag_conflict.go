package manage

import (
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// resolve applies optimistic concurrency (5.4): ch was made from an older
// version of f than the stored one. Fields that the client sent as it had read
// them are dropped from ch; a field that both the client and somebody else
// changed, to different values, is a conflict.
func (ch *FlagChange) resolve(tx store.ReadTx, stored store.Flag) error {
	if ch.IfMatch != nil && *ch.IfMatch != stored.Version {
		return &Error{Kind: PreconditionFailed, Code: "precondition_failed", Detail: "The feature flag has another version than If-Match names."}
	}
	if ch.Version == nil || *ch.Version == -1 || *ch.Version == stored.Version || ch.Original == nil {
		return nil
	}
	original, err := parseObject(ch.Original)
	if err != nil {
		return invalid("original_flag", "invalid", "Not a valid object.")
	}
	for _, now := range flagFields(stored) {
		given, ok := ch.Given[now.name]
		if !ok {
			continue
		}
		was := original.get(now.name)
		if was == nil {
			continue // the client does not say what it saw
		}
		if now.name == "filters" {
			was, given = filters.Decorate(was, filters.Display{}), filters.Decorate(given, filters.Display{})
		}
		switch {
		case sameJSON(given, was):
			ch.forget(now.name)
		case !sameJSON(now.value, was) && !sameJSON(given, now.value):
			return conflict(tx, stored)
		}
	}
	return nil
}

func conflict(tx store.ReadTx, stored store.Flag) error {
	by := "another user"
	if stored.ModifiedBy != 0 {
		if u, err := tx.User(stored.ModifiedBy); err == nil && u.Email != "" {
			by = u.Email
		}
	}
	return &Error{
		Kind: Conflict, Code: "conflict",
		Detail: "The feature flag was updated by " + by + " since you started editing it. Please refresh and try again.",
	}
}
