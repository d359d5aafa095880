package manage

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

// checkWhole checks rules 1 to 3 of 5.2 on a flag as a whole; stored is nil on
// create.
func checkWhole(f, stored *store.Flag) error {
	incompatible := func(f *store.Flag) bool { return f.BucketingIdentifier == "device_id" && isTrue(f.Continuity) }
	if incompatible(f) && (stored == nil || !incompatible(stored)) {
		return refused("Cannot enable 'persist across authentication steps' when using device ID bucketing. These features are incompatible.")
	}
	if isTrue(f.EncryptedPayloads) {
		if !isTrue(f.RemoteConfiguration) {
			return refused("Encrypted payloads require the flag to be a remote configuration.")
		}
		if stored == nil || !isTrue(stored.EncryptedPayloads) {
			return invalid("has_encrypted_payloads", "not_supported", "Encrypted payloads are not available on this server.")
		}
	}
	if f.Archived && f.Active {
		if stored != nil && stored.Archived {
			return refused("Cannot enable an archived feature flag. Unarchive it first.")
		}
		return refused("Cannot archive an enabled feature flag. Disable it first, or send active: false in the same request.")
	}
	return nil
}

// checkNew checks what a new flag as a whole must fulfil, and gives it the
// project's default evaluation contexts.
func (c *core) checkNew(tx store.Tx, f *store.Flag, p store.Project, ch FlagChange) error {
	if err := checkWhole(f, nil); err != nil {
		return err
	}
	settings := readSettings(p)
	limit := c.limit
	if n, ok := settings.integer("feature_flag_limit"); ok && n >= 1 && n <= 20_000 {
		limit = int(n)
	}
	live, err := tx.Flags(p.ID, false)
	if err != nil {
		return err
	}
	if len(live) >= limit {
		return refused("Maximum of %s feature flags allowed per team. Please delete unused flags or contact support to increase this limit.", thousands(limit))
	}
	if !ch.Contexts.Set && settings.is("default_evaluation_contexts_enabled") {
		f.Contexts = settings.texts("default_evaluation_contexts")
	}
	if settings.is("require_evaluation_contexts") && len(f.Contexts) == 0 && f.CreationContext != "surveys" {
		return refused("At least one evaluation context is required to create a new feature flag.")
	}
	if settings.is("require_feature_flag_tags") && len(f.Tags) == 0 {
		return invalid("tags", "invalid", "Add at least one tag. This project requires new feature flags to be tagged.")
	}
	return nil
}

// thousands writes n with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// checkUpdate checks what a changed flag as a whole must fulfil (5.4).
func (c *core) checkUpdate(tx store.Tx, f, stored *store.Flag, ch FlagChange) error {
	if err := checkWhole(f, stored); err != nil {
		return err
	}
	p, err := tx.Project(f.Project)
	if err != nil {
		return err
	}
	settings := readSettings(p)
	if len(f.Contexts) == 0 && len(stored.Contexts) > 0 && settings.is("require_evaluation_contexts") {
		return refused("Cannot remove all evaluation contexts. This project requires at least one on each feature flag.")
	}
	if len(f.Tags) == 0 && len(stored.Tags) > 0 && settings.is("require_feature_flag_tags") {
		return invalid("tags", "invalid", "Keep at least one tag. This project requires feature flags to be tagged.")
	}
	restored := stored.Deleted && ch.Deleted.Set && !ch.Deleted.Value
	if stored.Active && !f.Active && !stored.Deleted {
		if err := checkNotNeeded(tx, *f, "disable"); err != nil {
			return err
		}
	}
	if f.Active && (!stored.Active || restored) {
		return checkDependenciesEnabled(tx, *f)
	}
	return nil
}

// checkDeletable refuses to delete a flag that something needs.
func checkDeletable(tx store.ReadTx, f store.Flag) error {
	features, err := featuresOf(tx, f)
	if err != nil {
		return err
	}
	if len(features) > 0 {
		return refused("Cannot delete a feature flag that is in use with early access features. Please delete the early access feature before deleting the flag.")
	}
	return checkNotNeeded(tx, f, "delete")
}

// checkNotNeeded refuses an action on a flag that active flags depend on.
func checkNotNeeded(tx store.FlagReader, f store.Flag, action string) error {
	deps, err := dependents(tx, f)
	if err != nil || len(deps) == 0 {
		return err
	}
	return refused("Cannot %s this feature flag because other flags depend on it: %s. Please update or disable the dependent flags first.", action, nameFlags(deps))
}

// checkDependenciesEnabled refuses to enable a flag that depends on disabled
// ones.
func checkDependenciesEnabled(tx store.FlagReader, f store.Flag) error {
	var disabled []store.Flag
	for _, id := range flagReferences(f.Filters) {
		dep, err := tx.Flag(f.Project, id)
		if err != nil {
			if errors.Is(err, store.ErrNotFound) {
				continue // a dependency that is gone is not a disabled one
			}
			return err
		}
		if !dep.Active && !dep.Deleted {
			disabled = append(disabled, dep)
		}
	}
	if len(disabled) == 0 {
		return nil
	}
	return refused("Cannot enable this feature flag because it depends on disabled flags: %s. Please enable the dependency flags first.", nameFlags(disabled))
}

// nameFlags lists flags for a sentence, five at most.
func nameFlags(fs []store.Flag) string {
	const most = 5
	var names []string
	for _, f := range fs[:min(len(fs), most)] {
		names = append(names, fmt.Sprintf("%s (ID: %d)", f.Key, f.ID))
	}
	s := strings.Join(names, ", ")
	if len(fs) > most {
		s += fmt.Sprintf(", and %d more", len(fs)-most)
	}
	return s
}

// dependents lists the live active flags that depend on f, by key.
func dependents(tx store.FlagReader, f store.Flag) ([]store.Flag, error) {
	all, err := tx.Flags(f.Project, false)
	if err != nil {
		return nil, err
	}
	var out []store.Flag
	for _, other := range all {
		if other.ID != f.ID && other.Active && slices.Contains(flagReferences(other.Filters), f.ID) {
			out = append(out, other)
		}
	}
	slices.SortFunc(out, func(a, b store.Flag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// featuresOf lists the early access features that use a flag.
func featuresOf(tx store.FlagReader, f store.Flag) ([]store.EarlyAccessFeature, error) {
	all, err := tx.EarlyAccessFeatures(f.Project)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e store.EarlyAccessFeature) bool { return e.FlagID != f.ID }), nil
}
