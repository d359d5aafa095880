package manage

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
)

// Keys returns the keys of live flags by id; unknown ids are left out.
func (s *Flags) Keys(ctx context.Context, project int64, ids []int64) (map[int64]string, error) {
	keys := make(map[int64]string)
	err := s.view(ctx, func(tx store.ReadTx) error {
		for _, id := range ids {
			f, err := tx.Flag(project, id)
			if errors.Is(err, store.ErrNotFound) || err == nil && f.Deleted {
				continue
			}
			if err != nil {
				return err
			}
			keys[id] = f.Key
		}
		return nil
	})
	return keys, err
}

// BulkRef is an id in a request about many flags, as it was written.
type BulkRef struct {
	Text string
	ID   int64
	OK   bool // false: Text is not an id
}

// Deleted is a flag that a bulk deletion deleted.
type Deleted struct {
	ID            int64
	Key           string
	RolloutState  string // "fully_rolled_out", "not_rolled_out", "partial"
	ActiveVariant string // the variant that everybody got; empty: none
}

// BulkError is a flag that a request about many flags left alone.
type BulkError struct {
	Ref    BulkRef
	Key    string // empty: unknown
	Reason string
}

// BulkDelete deletes flags in one transaction. Those that cannot be deleted
// are left alone and reported. Flags that depend on each other can go together
// if the dependent one comes first.
func (s *Flags) BulkDelete(ctx context.Context, who Caller, project int64, refs []BulkRef) (deleted []Deleted, failed []BulkError, err error) {
	err = s.edit(ctx, who, func(tx store.Tx) error {
		deleted, failed = nil, nil
		for _, ref := range refs {
			d, key, err := s.deleteOne(tx, who, project, ref)
			var refusal *Error
			switch {
			case err == nil:
				deleted = append(deleted, d)
			case errors.As(err, &refusal):
				failed = append(failed, BulkError{Ref: ref, Key: key, Reason: refusal.Detail})
			default:
				return err
			}
		}
		return nil
	})
	return deleted, failed, err
}

func (s *Flags) deleteOne(tx store.Tx, who Caller, project int64, ref BulkRef) (d Deleted, key string, err error) {
	if !ref.OK {
		return d, "", refused("Invalid flag ID format")
	}
	f, err := tx.Flag(project, ref.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.Deleted {
		return d, "", refused("Flag not found")
	}
	if err != nil {
		return d, "", err
	}
	if features, err := featuresOf(tx, f); err != nil {
		return d, f.Key, err
	} else if len(features) > 0 {
		return d, f.Key, refused("Flag is in use with early access features")
	}
	if deps, err := dependents(tx, f); err != nil {
		return d, f.Key, err
	} else if len(deps) > 0 {
		return d, f.Key, refused("Other flags depend on it: %s", nameFlags(deps))
	}
	r := rolloutOf(f.Filters)
	d = Deleted{ID: f.ID, Key: f.Key, RolloutState: "partial", ActiveVariant: r.Variant}
	switch {
	case r.Full:
		d.RolloutState = "fully_rolled_out"
	case r.Max != nil && *r.Max == 0:
		d.RolloutState = "not_rolled_out"
	}
	_, err = s.update(tx, who, f, FlagChange{Deleted: Given(true)})
	return d, f.Key, err
}

// BulkTags adds, removes or sets ("add", "remove", "set") tags on flags in one
// transaction. It returns the flags with their new tags.
func (s *Flags) BulkTags(ctx context.Context, who Caller, project int64, refs []BulkRef, action string, tags []string) (updated []store.Flag, failed []BulkError, err error) {
	if !slices.Contains([]string{"add", "remove", "set"}, action) {
		return nil, nil, invalid("action", "invalid_choice", "\"%s\" is not a valid choice.", action)
	}
	tags = normalizeTags(tags)
	err = s.edit(ctx, who, func(tx store.Tx) error {
		updated, failed = nil, nil
		for _, ref := range refs {
			f, err := tx.Flag(project, ref.ID)
			if !ref.OK || errors.Is(err, store.ErrNotFound) || err == nil && f.Deleted {
				failed = append(failed, BulkError{Ref: ref, Reason: "Flag not found"})
				continue
			}
			if err == nil {
				f, err = s.update(tx, who, f, FlagChange{Tags: Given(changeTags(f.Tags, action, tags))})
			}
			if err != nil {
				return err
			}
			updated = append(updated, f)
		}
		return nil
	})
	return updated, failed, err
}

func changeTags(old []string, action string, tags []string) []string {
	switch action {
	case "add":
		return append(slices.Clone(old), tags...)
	case "remove":
		return slices.DeleteFunc(slices.Clone(old), func(t string) bool { return slices.Contains(tags, t) })
	}
	return tags
}

// NewBulkRef reads an id as clients send it, a number or its digits.
func NewBulkRef(text string) BulkRef {
	id, err := strconv.ParseInt(text, 10, 64)
	return BulkRef{Text: text, ID: id, OK: err == nil}
}
