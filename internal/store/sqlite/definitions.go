package sqlite

import (
	"context"

	"github.com/guidon-flags/guidon/internal/store"
)

// Projects implements store.DefinitionReader.
func (s *Store) Projects(ctx context.Context) (projects []store.Project, err error) {
	err = s.look(ctx, func(u *unit) error {
		projects, err = u.projects()
		return err
	})
	return projects, err
}

// Definitions implements store.DefinitionReader.
func (s *Store) Definitions(ctx context.Context, project int64) (store.Definitions, error) {
	var d store.Definitions
	err := s.view(ctx, func(u *unit) (err error) {
		if d.Revision, err = u.head(); err != nil {
			return err
		}
		if d.Project, err = u.project(project); err != nil {
			return err
		}
		if d.Flags, err = u.flags(project, false); err != nil {
			return err
		}
		if d.Cohorts, err = u.cohorts(project, false); err != nil {
			return err
		}
		d.GroupTypes, err = u.groupTypes(project)
		return err
	})
	if err != nil {
		return store.Definitions{}, err
	}
	return d, nil
}
