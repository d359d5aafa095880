package manage

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
)

// Flags changes and reads feature flags.
type Flags struct{ *core }

// Get returns a flag by id, deleted ones too, or by key when ref is not all
// digits (5.3).
func (s *Flags) Get(ctx context.Context, project int64, ref string) (FlagView, error) {
	var v FlagView
	err := s.view(ctx, func(tx store.ReadTx) error {
		f, err := flagByRef(tx, project, ref)
		if err != nil {
			return err
		}
		v, err = s.flagView(tx, f)
		return err
	})
	return v, err
}

// ByKey returns a live flag by its key.
func (s *Flags) ByKey(ctx context.Context, project int64, key string) (FlagView, error) {
	var v FlagView
	err := s.view(ctx, func(tx store.ReadTx) error {
		f, err := tx.FlagByKey(project, key)
		if err != nil {
			return err
		}
		v, err = s.flagView(tx, f)
		return err
	})
	return v, err
}

// Dependents lists the active flags that depend on a flag, by key (5.9).
func (s *Flags) Dependents(ctx context.Context, project int64, ref string) ([]store.Flag, error) {
	var out []store.Flag
	err := s.view(ctx, func(tx store.ReadTx) error {
		f, err := flagByRef(tx, project, ref)
		if err != nil {
			return err
		}
		out, err = dependents(tx, f)
		return err
	})
	return out, err
}

// Version returns a flag as it was after one write (5.7).
func (s *Flags) Version(ctx context.Context, project int64, ref string, version int64) (store.FlagVersion, error) {
	var v store.FlagVersion
	err := s.view(ctx, func(tx store.ReadTx) error {
		f, err := flagByRef(tx, project, ref)
		if err != nil {
			return err
		}
		if isTrue(f.EncryptedPayloads) {
			return refused("Version history is not available for flags with encrypted payloads.")
		}
		v, err = tx.FlagVersion(project, f.ID, version)
		return err
	})
	return v, err
}

func flagByRef(tx store.FlagReader, project int64, ref string) (store.Flag, error) {
	for _, c := range ref {
		if c < '0' || c > '9' {
			return tx.FlagByKey(project, ref)
		}
	}
	id, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return store.Flag{}, notFound()
	}
	return tx.Flag(project, id)
}

// Create makes a flag (5.2). A deleted flag with the same key stays as it is,
// with its versions: keys are unique among live flags only, and Update finds
// another one if it is restored.
func (s *Flags) Create(ctx context.Context, who Caller, project int64, ch FlagChange) (FlagView, error) {
	var v FlagView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		f, err := s.create(tx, who, project, ch)
		if err != nil {
			return err
		}
		v, err = s.flagView(tx, f)
		return err
	})
	return v, err
}

func (c *core) create(tx store.Tx, who Caller, project int64, ch FlagChange) (store.Flag, error) {
	if !ch.Key.Set {
		return store.Flag{}, required("key")
	}
	if err := checkFreeKey(tx, project, 0, ch.Key.Value); err != nil {
		return store.Flag{}, err
	}
	p, err := tx.Project(project)
	if err != nil {
		return store.Flag{}, err
	}
	now := c.clock()
	f := store.Flag{
		Project: project, Active: true, Filters: store.JSON(`{"groups":[]}`),
		Runtime: "all", BucketingIdentifier: "distinct_id",
		CreationContext: ch.CreationContext,
		CreatedBy:       who.User.ID, ModifiedBy: who.User.ID, CreatedAt: now, UpdatedAt: now,
	}
	if f.CreationContext == "" {
		f.CreationContext = "feature_flags"
	}
	if err := ch.apply(&f); err != nil {
		return store.Flag{}, err
	}
	if ch.Filters.Set {
		if err := c.setFilters(tx, &f, nil, ch.Filters.Value); err != nil {
			return store.Flag{}, err
		}
	}
	if err := c.checkNew(tx, &f, p, ch); err != nil {
		return store.Flag{}, err
	}
	if isTrue(f.RemoteConfiguration) {
		f.Filters = fullRollout(f.Filters)
	}
	f, err = insertFlag(tx, f)
	if err != nil {
		return store.Flag{}, err
	}
	return f, record(tx, project, ScopeFlag, formatID(f.ID), "created", f.Key, nil)
}

func insertFlag(tx store.Tx, f store.Flag) (store.Flag, error) {
	f, err := tx.InsertFlag(f)
	if errors.Is(err, store.ErrConflict) {
		return f, errKeyTaken()
	}
	return f, err
}

func errKeyTaken() error {
	return invalid("key", "unique", "There is already a feature flag with this key.")
}

// checkFreeKey checks a key and that no other live flag has it.
func checkFreeKey(tx store.FlagReader, project, self int64, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	other, err := tx.FlagByKey(project, key)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && other.ID == self:
		return nil
	case err == nil:
		return errKeyTaken()
	}
	return err
}

// Update changes a flag (5.4).
func (s *Flags) Update(ctx context.Context, who Caller, project int64, ref string, ch FlagChange) (FlagView, error) {
	var before store.Flag
	var v FlagView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		var err error
		if before, err = flagByRef(tx, project, ref); err != nil {
			return err
		}
		f, err := s.update(tx, who, before, ch)
		if err != nil {
			return err
		}
		v, err = s.flagView(tx, f)
		return err
	})
	if err == nil && ch.Key.Set && v.Key != before.Key && enrols(v.Filters) {
		err = s.copyEnrollment(ctx, project, before.Key, v.Key)
	}
	return v, err
}

// update applies ch, which it takes by value since a transaction may be
// repeated, to the stored flag.
func (c *core) update(tx store.Tx, who Caller, stored store.Flag, ch FlagChange) (store.Flag, error) {
	if err := ch.resolve(tx, stored); err != nil {
		return stored, err
	}
	f := stored
	f.Tags, f.Contexts = slices.Clone(stored.Tags), slices.Clone(stored.Contexts)
	if ch.Key.Set && ch.Key.Value != stored.Key {
		if err := checkFreeKey(tx, f.Project, f.ID, ch.Key.Value); err != nil {
			return stored, err
		}
	}
	if err := ch.apply(&f); err != nil {
		return stored, err
	}
	if err := c.changeFilters(tx, &f, stored, ch); err != nil {
		return stored, err
	}
	if err := c.checkUpdate(tx, &f, &stored, ch); err != nil {
		return stored, err
	}
	switch {
	case ch.Deleted.Set && ch.Deleted.Value && !stored.Deleted:
		if err := c.markDeleted(tx, &f); err != nil {
			return stored, err
		}
	case ch.Deleted.Set && !ch.Deleted.Value && stored.Deleted:
		if err := restoreKey(tx, &f); err != nil {
			return stored, err
		}
		f.Deleted = false
	}
	return c.saveFlag(tx, who, stored, f)
}

// changeFilters writes the filters of ch into f. Payloads that are encrypted
// cannot be told apart here, so that such filters are not edited; what ends the
// encryption removes them.
func (c *core) changeFilters(tx store.Tx, f *store.Flag, stored store.Flag, ch FlagChange) error {
	if isTrue(stored.EncryptedPayloads) {
		if isTrue(f.EncryptedPayloads) && ch.Filters.Set {
			return invalid("filters", "not_supported", "Filters with encrypted payloads cannot be changed on this server.")
		}
		if !isTrue(f.EncryptedPayloads) {
			stored.Filters = withoutPayloads(stored.Filters)
			f.Filters = stored.Filters
		}
	}
	if ch.Filters.Set {
		return c.setFilters(tx, f, &stored, ch.Filters.Value)
	}
	f.Filters = withoutLegacyKeys(f.Filters)
	return nil
}

// saveFlag writes a changed flag with its entry in the audit log.
func (c *core) saveFlag(tx store.Tx, who Caller, stored, f store.Flag) (store.Flag, error) {
	f.ModifiedBy, f.UpdatedAt = who.User.ID, c.clock()
	saved, err := tx.UpdateFlag(f)
	if errors.Is(err, store.ErrConflict) {
		return stored, errKeyTaken()
	}
	if err != nil {
		return stored, err
	}
	activity := "updated"
	if saved.Deleted && !stored.Deleted {
		activity = "deleted"
	}
	changes := diff(ScopeFlag, flagFields(stored), flagFields(saved))
	return saved, record(tx, f.Project, ScopeFlag, formatID(f.ID), activity, saved.Key, changes)
}

// markDeleted deletes a flag softly, unless something still needs it.
func (c *core) markDeleted(tx store.Tx, f *store.Flag) error {
	if err := checkDeletable(tx, *f); err != nil {
		return err
	}
	f.Deleted = true
	if f.HasExperiment {
		f.Key += deletedSuffix + formatID(f.ID)
	}
	return nil
}

// restoreKey gives a deleted flag its key back, or the next free one.
func restoreKey(tx store.FlagReader, f *store.Flag) error {
	base := originalKey(f.Key)
	for n := 1; ; n++ {
		key := base
		if n > 1 {
			key += "-" + strconv.Itoa(n)
		}
		_, err := tx.FlagByKey(f.Project, key)
		if errors.Is(err, store.ErrNotFound) {
			f.Key = key
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func isTrue(b *bool) bool { return b != nil && *b }
