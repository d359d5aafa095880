package manage

import (
	"context"
	"errors"

	"github.com/guidon-flags/guidon/internal/store"
)

// enrollmentProperty is the person property that decides an early access flag
// before its conditions do.
func enrollmentProperty(key string) string { return "$feature_enrollment/" + key }

// enrols reports whether stored filters ask for that property.
func enrols(filters store.JSON) bool {
	o, err := parseObject(filters)
	return err == nil && string(o.get("feature_enrollment")) == "true"
}

// copyEnrollment gives the persons that are enrolled in a flag under its old
// key, or have declined, the same choice under the new one (5.4). Who has
// chosen under the new key already keeps that choice. It goes through all
// persons, and is carried through even if the client goes away.
func (s *Flags) copyEnrollment(ctx context.Context, project int64, before, after string) error {
	if s.persons == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	type choice struct {
		person int64
		value  store.JSON
	}
	var choices []choice
	err := s.walkPersons(ctx, project, func(_ store.ReadTx, p store.Person) (bool, error) {
		props, err := parseObject(p.Properties)
		if err != nil {
			return true, nil //nolint:nilerr // unreadable properties hold no choice
		}
		value := props.get(enrollmentProperty(before))
		if value != nil && props.get(enrollmentProperty(after)) == nil {
			choices = append(choices, choice{p.ID, value})
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, c := range choices {
		set := object{{enrollmentProperty(after), c.value}}
		err := s.persons.SetProperties(ctx, project, c.person, set.encode())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}
