package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// Groups changes and reads group types and groups (section 11).
type Groups struct{ *core }

// Types lists a project's group types by index.
func (s *Groups) Types(ctx context.Context, project int64) ([]store.GroupType, error) {
	var out []store.GroupType
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		out, err = tx.GroupTypes(project)
		return err
	})
	return out, err
}

// TypeChange renames a group type.
type TypeChange struct {
	Index                    int
	NameSingular, NamePlural Optional[string]
}

// UpdateTypes renames group types and returns all of them. Unknown indices are
// ignored.
func (s *Groups) UpdateTypes(ctx context.Context, who Caller, project int64, changes []TypeChange) ([]store.GroupType, error) {
	var out []store.GroupType
	err := s.edit(ctx, who, func(tx store.Tx) error {
		types, err := tx.GroupTypes(project)
		if err != nil {
			return err
		}
		for i := range types {
			for _, ch := range changes {
				if ch.Index != types[i].Index {
					continue
				}
				ch.NameSingular.into(&types[i].NameSingular)
				ch.NamePlural.into(&types[i].NamePlural)
				if err := tx.UpdateGroupType(types[i]); err != nil {
					return err
				}
			}
		}
		out = types
		return nil
	})
	return out, err
}

// DeleteType removes a group type with its groups, unless flags use it.
func (s *Groups) DeleteType(ctx context.Context, who Caller, project int64, index int) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		types, err := tx.GroupTypes(project)
		if err != nil {
			return err
		}
		name := ""
		for _, t := range types {
			if t.Index == index {
				name = t.Name
			}
		}
		if name == "" {
			return notFound()
		}
		flags, err := tx.Flags(project, false)
		if err != nil {
			return err
		}
		for _, f := range flags {
			if slices.Contains(filters.ReadReferences(f.Filters).GroupTypes, index) {
				return refused("The group type is used by the feature flag '%s' (ID: %d).", f.Key, f.ID)
			}
		}
		if err := tx.DeleteGroupType(project, index); err != nil {
			return err
		}
		return record(tx, project, ScopeGroup, strconv.Itoa(index), "deleted", name, nil)
	})
}

// List returns groups of a type by key, and whether more follow the last one.
func (s *Groups) List(ctx context.Context, q store.GroupQuery) (page []store.Group, more bool, err error) {
	limit := q.Limit
	q.Limit++
	err = s.view(ctx, func(tx store.ReadTx) error {
		page, err = tx.Groups(q)
		return err
	})
	if len(page) > limit {
		page, more = page[:limit], true
	}
	return page, more, err
}

// Find returns a group.
func (s *Groups) Find(ctx context.Context, project int64, index int, key string) (store.Group, error) {
	var g store.Group
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		g, err = tx.Group(project, index, key)
		return err
	})
	return g, err
}

// maxGroupKey is how long a group's key may be, in characters.
const maxGroupKey = 400

// Create makes a group of an existing type; properties is an object, nil for
// none.
func (s *Groups) Create(ctx context.Context, who Caller, project int64, index int, key string, properties store.JSON) (store.Group, error) {
	var made store.Group
	if key == "" {
		return made, invalid("group_key", "blank", "This field may not be blank.")
	}
	if err := tooLong("group_key", key, maxGroupKey); err != nil {
		return made, err
	}
	if isNull(properties) {
		properties = store.JSON("{}")
	}
	if _, err := parseObject(properties); err != nil {
		return made, invalid("group_properties", "invalid", "group_properties must be an object.")
	}
	err := s.edit(ctx, who, func(tx store.Tx) error {
		types, err := tx.GroupTypes(project)
		if err != nil {
			return err
		}
		known := false
		for _, t := range types {
			known = known || t.Index == index
		}
		if !known {
			return invalid("group_type_index", "invalid", "Group type %d does not exist in this project.", index)
		}
		made = store.Group{Project: project, Index: index, Key: key, Properties: compact(properties), CreatedAt: s.clock()}
		err = tx.InsertGroup(made)
		if errors.Is(err, store.ErrConflict) {
			return refused("A group with this key already exists")
		}
		if err != nil {
			return err
		}
		return record(tx, project, ScopeGroup, groupItem(made), "created", GroupName(made), nil)
	})
	return made, err
}

func groupItem(g store.Group) string { return fmt.Sprintf("%d:%s", g.Index, g.Key) }

// SetProperty sets a property of a group to a value that is not null.
func (s *Groups) SetProperty(ctx context.Context, who Caller, project int64, index int, key, property string, value store.JSON) (store.Group, error) {
	if isNull(value) {
		return store.Group{}, invalid("value", "null", "This field may not be null.")
	}
	return s.change(ctx, who, project, index, key, func(o *object) error {
		o.set(property, value)
		return nil
	})
}

// DeleteProperty removes a property of a group.
func (s *Groups) DeleteProperty(ctx context.Context, who Caller, project int64, index int, key, property string) (store.Group, error) {
	return s.change(ctx, who, project, index, key, func(o *object) error {
		if !o.remove(property) {
			return invalid("$unset", "invalid", "The group has no property '%s'.", property)
		}
		return nil
	})
}

func (s *Groups) change(ctx context.Context, who Caller, project int64, index int, key string, to func(*object) error) (store.Group, error) {
	var g store.Group
	err := s.edit(ctx, who, func(tx store.Tx) error {
		var err error
		if g, err = tx.Group(project, index, key); err != nil {
			return err
		}
		props, err := parseObject(g.Properties)
		if err != nil {
			return fmt.Errorf("properties of group %s: %w", groupItem(g), err)
		}
		if err := to(&props); err != nil {
			return err
		}
		g.Properties = props.encode()
		g.Version++
		if err := tx.UpdateGroup(g); err != nil {
			return err
		}
		entry := []FieldChange{{Type: ScopeGroup, Action: "changed", Field: "group_properties"}}
		return record(tx, project, ScopeGroup, groupItem(g), "updated", GroupName(g), entry)
	})
	return g, err
}

const maxValueGroups = 10_000 // groups looked at for the values of a property

// Values lists the most frequent values of a property of a group type that
// contain part, without case. It looks at a bounded number of groups.
func (s *Groups) Values(ctx context.Context, project int64, index int, key, part string) ([]ValueCount, error) {
	counts := make(map[string]int)
	seen := 0
	err := s.walkGroups(ctx, project, index, func(g store.Group) (bool, error) {
		countValue(counts, g.Properties, key, part)
		seen++
		return seen < maxValueGroups, nil
	})
	return mostFrequent(counts), err
}

// walkGroups calls visit for all groups of a type by key until it returns
// false. It reads them in several transactions.
func (c *core) walkGroups(ctx context.Context, project int64, index int, visit func(store.Group) (more bool, err error)) error {
	q := store.GroupQuery{Project: project, Index: index, Limit: personChunk}
	for {
		var groups []store.Group
		err := c.view(ctx, func(tx store.ReadTx) error {
			var err error
			groups, err = tx.Groups(q)
			return err
		})
		if err != nil {
			return err
		}
		for _, g := range groups {
			q.After = g.Key
			if more, err := visit(g); err != nil || !more {
				return err
			}
		}
		if len(groups) < q.Limit {
			return nil
		}
	}
}
