package manage_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*sqlite.Store, *manage.Manager) {
	t.Helper()
	clock := func() time.Time { return now }
	st, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal, Now: clock, Mmap: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st, manage.New(st, manage.Options{Now: clock})
}

func view(t *testing.T, st store.Store, fn func(tx store.ReadTx) error) {
	t.Helper()
	if err := st.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestBootstrap(t *testing.T) {
	st, m := open(t)
	given := manage.BootstrapOptions{ProjectToken: "phc_given", AdminEmail: "me@example.com", AdminPassword: "secret"}
	made, err := m.Bootstrap(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	if !made.New || made.Values.ProjectToken != "phc_given" || made.MadeUp.ProjectToken || made.MadeUp.AdminPassword ||
		!made.MadeUp.SecretKey || !made.MadeUp.PersonalKey {
		t.Errorf("Bootstrap = %+v", made)
	}
	view(t, st, func(tx store.ReadTx) error {
		p, err := tx.Project(1)
		if err != nil {
			return err
		}
		if p.Token != "phc_given" || p.MatchingVersion != 2 || p.SecretHash != auth.Hash(made.Values.SecretKey) {
			t.Errorf("project %+v", p)
		}
		k, err := tx.PersonalKeyByHash(auth.Hash(made.Values.PersonalKey))
		if err != nil {
			return err
		}
		if diff := cmp.Diff([]string{"*"}, k.Scopes); diff != "" {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
		u, err := tx.UserByEmail("ME@example.com")
		if err != nil {
			return err
		}
		if err := auth.NewPasswords().Check(t.Context(), u.PasswordHash, "secret"); err != nil {
			t.Errorf("the given password: %v", err)
		}
		ms, err := tx.Memberships(u.ID)
		if err != nil {
			return err
		}
		if len(ms) != 1 || ms[0].Level != manage.LevelOwner || ms[0].OrganizationID != p.OrganizationID {
			t.Errorf("memberships %+v", ms)
		}
		return nil
	})
	if again, err := m.Bootstrap(t.Context(), given); err != nil || again != (manage.Made{}) {
		t.Errorf("second Bootstrap = %+v, %v; want nothing", again, err)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	for _, o := range []manage.BootstrapOptions{
		{ProjectToken: "x"}, {SecretKey: "phx_x"}, {PersonalKey: "phs_x"}, {AdminEmail: "nobody"},
	} {
		_, m := open(t)
		var refusal *manage.Error
		if _, err := m.Bootstrap(t.Context(), o); !errors.As(err, &refusal) {
			t.Errorf("Bootstrap(%+v) = %v, want a refusal", o, err)
		}
	}
}

// TestZeroCaller: who is nobody may touch nothing.
func TestZeroCaller(t *testing.T) {
	_, m := open(t)
	if _, err := m.Bootstrap(t.Context(), manage.BootstrapOptions{}); err != nil {
		t.Fatal(err)
	}
	kind := func(err error) manage.Kind {
		var refusal *manage.Error
		if !errors.As(err, &refusal) {
			t.Fatalf("not refused: %v", err)
		}
		return refusal.Kind
	}
	_, err := m.Project(t.Context(), manage.Caller{}, 1)
	if got := kind(err); got != manage.Forbidden {
		t.Errorf("Project: kind %d", got)
	}
	_, err = m.CurrentProject(t.Context(), manage.Caller{}, "")
	if got := kind(err); got != manage.NotFound {
		t.Errorf("CurrentProject: kind %d", got)
	}
	if all, err := m.Organizations.List(t.Context(), manage.Caller{}); err != nil || len(all) != 0 {
		t.Errorf("Organizations.List = %v, %v", all, err)
	}
	if a, err := m.Project(t.Context(), manage.System("test"), 1); err != nil || a.Level != manage.LevelOwner {
		t.Errorf("Project for the system = %+v, %v", a, err)
	}
}

// TestUnreadableFilters: what an older version left behind can be looked at,
// switched off and replaced.
func TestUnreadableFilters(t *testing.T) {
	st, m := open(t)
	if _, err := m.Bootstrap(t.Context(), manage.BootstrapOptions{}); err != nil {
		t.Fatal(err)
	}
	who := manage.System("test")
	for _, filters := range []string{`{"groups": "x"}`, `{"groups": [{"properties": [{"type": "martian"}]}]}`, `{"groups": [5]}`, `{"groups": [{"rollout_percentage": "x"}], "multivariate": 5}`} {
		var id int64
		_, err := st.Edit(t.Context(), store.Author{}, func(tx store.Tx) error {
			f, err := tx.InsertFlag(store.Flag{Project: 1, Key: "broken", Filters: []byte(filters), Active: true})
			id = f.ID
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		ref := strconv.FormatInt(id, 10)
		for what, change := range map[string]manage.FlagChange{
			"renamed":      {Name: manage.Given("n")},
			"switched off": {Active: manage.Given(false)},
			"replaced":     {Filters: manage.Given([]byte(`{"groups": [], "multivariate": null}`))},
		} {
			if _, err := m.Flags.Update(t.Context(), who, 1, ref, change); err != nil {
				t.Errorf("%s: cannot be %s: %v", filters, what, err)
			}
		}
		if _, err := m.Flags.Update(t.Context(), who, 1, ref, manage.FlagChange{Deleted: manage.Given(true)}); err != nil {
			t.Errorf("%s: cannot be deleted: %v", filters, err)
		}
		if _, _, err := m.Flags.List(t.Context(), 1, manage.FlagFilter{}); err != nil {
			t.Errorf("%s: List: %v", filters, err)
		}
	}
}

// TestDependencyDepth: a chain of dependencies may have 100 flags.
func TestDependencyDepth(t *testing.T) {
	_, m := open(t)
	if _, err := m.Bootstrap(t.Context(), manage.BootstrapOptions{}); err != nil {
		t.Fatal(err)
	}
	who, last := manage.System("test"), ""
	for i := range 101 {
		ch := manage.FlagChange{Key: manage.Given("f" + strconv.Itoa(i+1))}
		if last != "" {
			ch.Filters = manage.Given([]byte(`{"groups":[{"properties":[{"key":"` + last + `","type":"flag","operator":"flag_evaluates_to","value":true}]}]}`))
		}
		v, err := m.Flags.Create(t.Context(), who, 1, ch)
		if (err != nil) != (i == 100) {
			t.Fatalf("flag %d of the chain: %v", i+1, err)
		}
		last = strconv.FormatInt(v.ID, 10)
	}
}

// TestUnpublished: Published hears of each change once it is stored.
func TestUnpublished(t *testing.T) {
	st, _ := open(t)
	var seen []store.Revision
	m := manage.New(st, manage.Options{Now: func() time.Time { return now }, Published: func(ctx context.Context, rev store.Revision) error {
		head, err := st.Head(ctx)
		if err != nil || head < rev {
			t.Errorf("published revision %d before it is stored (head %d, %v)", rev, head, err)
		}
		seen = append(seen, rev)
		return nil
	}})
	if _, err := m.Bootstrap(t.Context(), manage.BootstrapOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 {
		t.Errorf("published %v", seen)
	}
}

// TestPersonsNeedOperations: without them, operations on persons fail and
// change nothing.
func TestPersonsNeedOperations(t *testing.T) {
	_, m := open(t)
	if err := m.Persons.Delete(t.Context(), manage.System("test"), 1, "1"); err == nil || !strings.Contains(err.Error(), "configured") {
		t.Errorf("Delete = %v", err)
	}
}
