package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

// keysCmd manages keys where no key is needed: at the data directory. It may be
// used beside a running server, which sees the change within its poll interval.
type keysCmd struct {
	Data string `default:"./guidon-data" type:"path" help:"Data directory."`

	List   keysListCmd   `cmd:"" help:"List all keys, without their values."`
	Create keysCreateCmd `cmd:"" help:"Create a key and print it once."`
	Roll   keysRollCmd   `cmd:"" help:"Replace a key's value; the old one stops working."`
	Delete keysDeleteCmd `cmd:"" help:"Delete a key."`
}

var commandLine = manage.System("command line")

// with runs one command on the store.
func (c *keysCmd) with(fn func(ctx context.Context, st store.Editor, m *manage.Manager) error) (err error) {
	ctx := context.Background()
	st, err := sqlite.Open(ctx, c.Data, sqlite.Options{Beside: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return fn(ctx, st, manage.New(st, manage.Options{}))
}

// withKey runs one command on a key.
func (c *keysCmd) withKey(id string, fn func(ctx context.Context, k key, m *manage.Manager) error) error {
	return c.with(func(ctx context.Context, st store.Editor, m *manage.Manager) error {
		k, err := findKey(ctx, st, id)
		if err != nil {
			return err
		}
		return fn(ctx, k, m)
	})
}

// key is a row of the list: a personal key or a project's.
type key struct {
	id, kind, owner, label, mask string
	scopes                       []string
	lastUsed                     time.Time
	project                      int64 // of a project key
}

func allKeys(tx store.ReadTx) ([]key, error) {
	var keys []key
	users, err := tx.Users()
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		personal, err := tx.PersonalKeys(u.ID)
		if err != nil {
			return nil, err
		}
		for _, k := range personal {
			keys = append(keys, key{id: k.ID, kind: "personal", owner: u.Email, label: k.Label, mask: k.Mask, scopes: k.Scopes, lastUsed: k.LastUsedAt})
		}
	}
	projects, err := tx.Projects()
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		secret, err := tx.ProjectKeys(p.ID)
		if err != nil {
			return nil, err
		}
		for _, k := range secret {
			keys = append(keys, key{
				id: k.ID, kind: "project", owner: fmt.Sprintf("project %d", p.ID), label: k.Label, mask: k.Mask,
				scopes: k.Scopes, lastUsed: k.LastUsedAt, project: p.ID,
			})
		}
	}
	return keys, nil
}

func findKey(ctx context.Context, st store.Editor, id string) (found key, err error) {
	err = st.View(ctx, func(tx store.ReadTx) error {
		keys, err := allKeys(tx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.id == id {
				found = k
				return nil
			}
		}
		return fmt.Errorf("there is no key %q; `guidon keys list` shows the ids", id)
	})
	return found, err
}

type keysListCmd struct{}

// Run lists all keys.
func (keysListCmd) Run(parent *keysCmd, term terminal) error {
	return parent.with(func(ctx context.Context, st store.Editor, _ *manage.Manager) error {
		return st.View(ctx, func(tx store.ReadTx) error {
			keys, err := allKeys(tx)
			if err != nil {
				return err
			}
			return printKeys(term, keys)
		})
	})
}

func printKeys(term terminal, keys []key) error {
	w := tabwriter.NewWriter(term.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tKIND\tOF\tLABEL\tKEY\tSCOPES\tLAST USED")
	for _, k := range keys {
		used := "never"
		if !k.lastUsed.IsZero() {
			used = k.lastUsed.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.id, k.kind, k.owner, k.label, k.mask, strings.Join(k.scopes, " "), used)
	}
	return w.Flush()
}

type keysCreateCmd struct {
	Label   string   `required:"" env:"-" help:"What the key is for."`
	Scope   []string `env:"-" placeholder:"SCOPE" help:"What the key may do, such as feature_flag:read; may be repeated. Default: everything (personal), feature_flag:read (project)."`
	User    string   `env:"-" placeholder:"EMAIL" help:"Whose personal key. Default: the only user."`
	Project int64    `env:"-" placeholder:"ID" help:"Create a secret key of this project instead of a personal key."`
}

// Run creates a key and prints its value.
func (c *keysCreateCmd) Run(parent *keysCmd, term terminal) error {
	return parent.with(func(ctx context.Context, st store.Editor, m *manage.Manager) error {
		value, err := c.create(ctx, st, m)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(term.out, value)
		return err
	})
}

func (c *keysCreateCmd) create(ctx context.Context, st store.Editor, m *manage.Manager) (value string, err error) {
	if c.Project != 0 {
		if len(c.Scope) == 0 {
			c.Scope = []string{"feature_flag:read"}
		}
		_, value, err = m.Keys.CreateProject(ctx, commandLine, c.Project, manage.ProjectKeyChange{
			Label: manage.Given(c.Label), Scopes: manage.Given(c.Scope),
		})
		return value, err
	}
	user, err := c.user(ctx, st)
	if err != nil {
		return "", err
	}
	if len(c.Scope) == 0 {
		c.Scope = []string{"*"}
	}
	_, value, err = m.Keys.CreatePersonal(ctx, commandLine, user, manage.PersonalKeyChange{
		Label: manage.Given(c.Label), Scopes: manage.Given(c.Scope),
	})
	return value, err
}

func (c *keysCreateCmd) user(ctx context.Context, st store.Editor) (id int64, err error) {
	err = st.View(ctx, func(tx store.ReadTx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		for _, u := range users {
			if c.User == "" && len(users) == 1 || strings.EqualFold(u.Email, c.User) {
				id = u.ID
				return nil
			}
		}
		if c.User == "" {
			return fmt.Errorf("there are %d users: say with --user whose key it is", len(users))
		}
		return fmt.Errorf("there is no user with the address %q", c.User)
	})
	return id, err
}

type keysRollCmd struct {
	ID string `arg:"" help:"The key, by the id that the list shows."`
}

// Run gives a key a new value and prints it.
func (c *keysRollCmd) Run(parent *keysCmd, term terminal) error {
	return parent.withKey(c.ID, func(ctx context.Context, k key, m *manage.Manager) (err error) {
		var value string
		if k.project != 0 {
			_, value, err = m.Keys.RollProject(ctx, commandLine, k.project, k.id)
		} else {
			_, value, err = m.Keys.RollPersonal(ctx, commandLine, k.id)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(term.out, value)
		return err
	})
}

type keysDeleteCmd struct {
	ID string `arg:"" help:"The key, by the id that the list shows."`
}

// Run deletes a key.
func (c *keysDeleteCmd) Run(parent *keysCmd, term terminal) error {
	return parent.withKey(c.ID, func(ctx context.Context, k key, m *manage.Manager) (err error) {
		if k.project != 0 {
			err = m.Keys.DeleteProject(ctx, commandLine, k.project, k.id)
		} else {
			err = m.Keys.DeletePersonal(ctx, commandLine, k.id)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(term.out, "deleted the %s key %q of %s\n", k.kind, k.label, k.owner)
		return err
	})
}
