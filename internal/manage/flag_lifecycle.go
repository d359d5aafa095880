package manage

import (
	"context"

	"github.com/guidon-flags/guidon/internal/store"
)

// SetActive enables or disables a flag. One that is in that state already is
// returned as it is (5.5).
func (s *Flags) SetActive(ctx context.Context, who Caller, project int64, ref string, active bool) (FlagView, error) {
	doing := "disabling it"
	if active {
		doing = "enabling it"
	}
	return s.lifecycle(ctx, who, project, ref, doing, func(f store.Flag) (FlagChange, bool) {
		return FlagChange{Active: Given(active)}, f.Active == active
	})
}

// SetArchived archives a flag, disabling it, or unarchives it, leaving it
// disabled.
func (s *Flags) SetArchived(ctx context.Context, who Caller, project int64, ref string, archived bool) (FlagView, error) {
	if archived {
		return s.lifecycle(ctx, who, project, ref, "archiving it", func(f store.Flag) (FlagChange, bool) {
			return FlagChange{Archived: Given(true), Active: Given(false)}, f.Archived
		})
	}
	return s.lifecycle(ctx, who, project, ref, "unarchiving it", func(f store.Flag) (FlagChange, bool) {
		return FlagChange{Archived: Given(false)}, !f.Archived
	})
}

// lifecycle applies the change that to returns unless it says that there is
// nothing to do.
func (s *Flags) lifecycle(ctx context.Context, who Caller, project int64, ref, doing string, to func(store.Flag) (ch FlagChange, done bool)) (FlagView, error) {
	var v FlagView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		f, err := flagByRef(tx, project, ref)
		if err != nil {
			return err
		}
		if f.Deleted {
			return invalid("", CodeDeleted, "This feature flag has been deleted. Restore it before %s.", doing)
		}
		if ch, done := to(f); !done {
			if f, err = s.update(tx, who, f, ch); err != nil {
				return err
			}
		}
		v, err = s.flagView(tx, f)
		return err
	})
	return v, err
}

// CodeDeleted is the code of the refusal to enable, disable, archive or
// unarchive a deleted flag, which is answered in an older form.
const CodeDeleted = "flag_deleted"
