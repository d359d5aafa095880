package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/store"
)

// The operations of people on persons (section 9). They return
// store.ErrNotFound if the project has no such person, and take effect as
// durably as events do.

// ErrTooLarge means that a document would be larger than 655,360 bytes.
var ErrTooLarge = errors.New("properties are too large")

// SetProperties sets the members of document, a JSON object, on a person, as a
// $set event does, and leaves all others as they are. ErrTooLarge.
func (s *Service) SetProperties(ctx context.Context, project, person int64, document []byte) error {
	set, err := parseProperties(document, propertiesLimit)
	switch {
	case errors.Is(err, errTooBig):
		return ErrTooLarge
	case err != nil:
		return fmt.Errorf("identity: set properties: %w", err)
	}
	return s.change(ctx, "set properties", project, person, step{event: eventSet, set: set})
}

// UnsetProperties removes properties from a person; names that it does not
// have are ignored.
func (s *Service) UnsetProperties(ctx context.Context, project, person int64, names ...string) error {
	return s.change(ctx, "unset properties", project, person, step{event: eventSet, unset: names})
}

// change does the property step of st on a person.
func (s *Service) change(ctx context.Context, what string, project, person int64, st step) error {
	now := s.now()
	st.at, st.keepLastSeen = now, true // nobody was seen
	err := s.store.Identify(ctx, project, func(tx store.IdentityTx) error {
		p, err := tx.Person(person)
		if err != nil {
			return err
		}
		cur, err := parseProperties(p.Properties, 0)
		if err != nil || !cur.change(&st, false) {
			return err
		}
		doc := cur.appendJSON(nil)
		if len(doc) > propertiesLimit && len(doc) > len(p.Properties) {
			return ErrTooLarge
		}
		p.Properties = doc
		p.Version++
		return tx.UpdatePerson(p)
	})
	return wrap(what, err)
}

// DeletePerson removes a person with its distinct ids, overrides and static
// cohort memberships. The ids may be used again at once.
func (s *Service) DeletePerson(ctx context.Context, project, person int64) error {
	return wrap("delete person", s.store.Identify(ctx, project, func(tx store.IdentityTx) error {
		return tx.DeletePerson(person)
	}))
}

// Split leaves a person one distinct id, main or, if that is empty, its first
// one, and gives each of the others a new person without properties. A main
// that is not the person's is store.ErrNotFound.
func (s *Service) Split(ctx context.Context, project, person int64, main string) error {
	now := s.now()
	return wrap("split person", s.store.Identify(ctx, project, func(tx store.IdentityTx) error {
		p, err := tx.Person(person)
		if err != nil {
			return err
		}
		keep := main
		if keep == "" && len(p.DistinctIDs) > 0 {
			keep = p.DistinctIDs[0]
		}
		if !slices.Contains(p.DistinctIDs, keep) {
			return fmt.Errorf("distinct id to keep: %w", store.ErrNotFound)
		}
		for _, id := range p.DistinctIDs {
			if id == keep {
				continue
			}
			if err := splitOff(tx, project, id, store.Person{Project: project, Properties: []byte(`{}`), CreatedAt: now}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// splitOff gives id to p, whose uuid follows from it unless somebody has that
// uuid: the person which id once named.
func splitOff(tx store.IdentityTx, project int64, id string, p store.Person) error {
	p.UUID = PersonUUID(project, id)
	err := tx.SplitDistinctID(id, p)
	if taken, ok := errors.AsType[*store.ConflictError](err); ok && taken.Field == "uuid" {
		p.UUID = uuid.NewString()
		err = tx.SplitDistinctID(id, p)
	}
	return err
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("identity: %s: %w", what, err)
}
