package auth_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a store that can be cut off, and counts questions.
type faulty struct {
	*sqlite.Store
	down  atomic.Bool
	views atomic.Int64
	uses  atomic.Int64
}

func (f *faulty) View(ctx context.Context, fn func(store.ReadTx) error) error {
	f.views.Add(1)
	if f.down.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, fn)
}

func (f *faulty) KeyUsed(ctx context.Context, kind store.KeyKind, id string, at time.Time) error {
	f.uses.Add(1)
	return f.Store.KeyUsed(ctx, kind, id, at)
}

// projects is what a snapshot.Set would say.
type projects struct {
	secrets  map[string]int64
	unsure   atomic.Bool
	revision atomic.Int64
}

func (p *projects) ProjectBySecret(hash string) (int64, bool, bool) {
	id, ok := p.secrets[hash]
	return id, ok, ok || !p.unsure.Load()
}

func (p *projects) CredentialsRevision() store.Revision { return store.Revision(p.revision.Load()) }

const organization = "018f0000-0000-7000-8000-000000000001"

// The keys of the fixture.
const (
	personal  = "phx_all"
	readOnly  = "phx_read"
	noScope   = "phx_cohort"
	scopeless = "phx_none"
	elsewhere = "phx_elsewhere" // scoped to another project
	foreign   = "phx_foreign"   // its user is not in the organization
	inactive  = "phx_inactive"
	secretKey = "phs_key"
	badScope  = "phs_other"
	otherKey  = "phs_two" // of project 2
	secret    = "phs_token"
)

type fixture struct {
	store    *faulty
	projects *projects
	auth     *auth.Authenticator
	now      atomic.Int64
}

// later lets time pass.
func (f *fixture) later(d time.Duration) { f.now.Add(int64(d)) }

func newFixture(t *testing.T, o auth.Options) *fixture {
	t.Helper()
	st, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	f := &fixture{
		store:    &faulty{Store: st},
		projects: &projects{secrets: map[string]int64{auth.Hash(secret): 1}},
	}
	f.now.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	o.Now = func() time.Time { return time.Unix(0, f.now.Load()).UTC() }
	f.edit(t, seed)
	f.auth = auth.New(f.store, f.projects, o)
	t.Cleanup(f.auth.Close)
	return f
}

func (f *fixture) edit(t *testing.T, fn func(store.Tx) error) {
	t.Helper()
	rev, err := f.store.Edit(t.Context(), store.Author{Reason: "test"}, fn)
	if err != nil {
		t.Fatal(err)
	}
	f.projects.revision.Store(int64(rev))
}

func seed(tx store.Tx) error {
	var errs []error
	errs = append(errs, tx.InsertOrganization(store.Organization{ID: organization, Name: "Org", Slug: "org"}))
	for id := int64(1); id <= 2; id++ {
		_, err := tx.InsertProject(store.Project{
			ID: id, OrganizationID: organization, Name: "P", Token: fmt.Sprintf("phc_%d", id),
			UUID: fmt.Sprintf("018f0000-0000-7000-8000-00000000010%d", id), Settings: []byte("{}"),
		})
		errs = append(errs, err)
	}
	users := map[string]int64{}
	for _, name := range []string{"member", "stranger", "former"} {
		u, err := tx.InsertUser(store.User{
			Email: name + "@example.com", Active: name != "former", PasswordHash: "x",
			UUID: "018f0000-0000-7000-8000-0000000002" + fmt.Sprint(len(users)+10), DistinctID: name,
		})
		errs = append(errs, err)
		users[name] = u.ID
		if name != "stranger" {
			errs = append(errs, tx.PutMembership(store.Membership{OrganizationID: organization, UserID: u.ID, Level: 1}))
		}
	}
	for _, k := range []struct {
		key, user string
		scopes    []string
		projects  []int64
	}{
		{personal, "member", []string{"*"}, nil},
		{readOnly, "member", []string{"feature_flag:read"}, nil},
		{noScope, "member", []string{"cohort:write"}, nil},
		{scopeless, "member", nil, nil},
		{elsewhere, "member", []string{"*"}, []int64{2}},
		{foreign, "stranger", []string{"*"}, nil},
		{inactive, "former", []string{"*"}, nil},
	} {
		errs = append(errs, tx.InsertPersonalKey(store.PersonalKey{
			ID: "id-" + k.key, UserID: users[k.user], Label: k.key, Hash: auth.Hash(k.key), Mask: auth.Mask(k.key),
			Scopes: k.scopes, ScopedProjects: k.projects,
		}))
	}
	for _, k := range []struct {
		key     string
		project int64
		scopes  []string
	}{{secretKey, 1, []string{"feature_flag:read"}}, {badScope, 1, []string{"experiment:read"}}, {otherKey, 2, []string{"*"}}} {
		errs = append(errs, tx.InsertProjectKey(store.ProjectKey{
			ID: "id-" + k.key, Project: k.project, Label: k.key, Hash: auth.Hash(k.key), Mask: auth.Mask(k.key), Scopes: k.scopes,
		}))
	}
	return errors.Join(errs...)
}

var project1 = &store.Project{ID: 1, OrganizationID: organization}

func TestDefinitionsKeys(t *testing.T) {
	f := newFixture(t, auth.Options{})
	tests := []struct {
		name, key string
		want      error
	}{
		{"none", "", auth.ErrNoCredential},
		{"project token", "phc_1", auth.ErrInvalidKey},
		{"secret token", secret, nil},
		{"project key", secretKey, nil},
		{"project key without scope", badScope, auth.ErrNoScope},
		{"project key of another project", otherKey, auth.ErrInvalidKey},
		{"unknown project key", "phs_wrong", auth.ErrInvalidKey},
		{"personal key", personal, nil},
		{"personal key that reads", readOnly, nil},
		{"personal key without scope", noScope, auth.ErrNoScope},
		{"personal key with no scopes at all", scopeless, auth.ErrNoScope},
		{"personal key for another project", elsewhere, auth.ErrInvalidKey},
		{"personal key of a stranger", foreign, auth.ErrInvalidKey},
		{"personal key of an inactive user", inactive, auth.ErrInvalidKey},
		{"unknown personal key", "phx_wrong", auth.ErrInvalidKey},
		{"text without a prefix", "wrong", auth.ErrInvalidKey},
		{"a hash instead of the key", auth.Hash(personal), auth.ErrInvalidKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, how := range []string{"asked", "remembered"} {
				if _, err := f.auth.Definitions(t.Context(), test.key, project1); !errors.Is(err, test.want) {
					t.Errorf("%s: %v, want %v", how, err, test.want)
				}
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	f := newFixture(t, auth.Options{})
	p, err := f.auth.Bearer(t.Context(), personal)
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind != auth.PersonalKey || p.User.Email != "member@example.com" || p.Key != "id-"+personal {
		t.Errorf("principal %+v", p)
	}
	if p.User.PasswordHash != "" {
		t.Error("the principal carries the password's hash")
	}
	if level, ok := p.Member(organization); !ok || level != 1 {
		t.Errorf("Member = %d, %v; want 1, true", level, ok)
	}
}

func TestAllows(t *testing.T) {
	tests := []struct {
		kind   auth.Kind
		scopes string
		object string
		action string
		want   bool
	}{
		{auth.PersonalKey, "*", "cohort", "write", true},
		{auth.PersonalKey, "cohort:read", "cohort", "read", true},
		{auth.PersonalKey, "cohort:read", "cohort", "write", false},
		{auth.PersonalKey, "cohort:write", "cohort", "read", true},
		{auth.PersonalKey, "cohort:write", "cohort", "write", true},
		{auth.PersonalKey, "cohort:write", "feature_flag", "read", false},
		{auth.PersonalKey, "feature_flag:read cohort:write", "cohort", "write", true},
		{auth.PersonalKey, "", "cohort", "read", false},
		{auth.ProjectKey, "feature_flag:read", "feature_flag", "read", true},
		{auth.ProjectKey, "feature_flag:read", "feature_flag", "write", false},
		{auth.SecretToken, "", "feature_flag", "read", true},
		{auth.SecretToken, "*", "feature_flag", "write", false},
		{auth.SecretToken, "*", "cohort", "read", false},
		{auth.LoginSession, "", "cohort", "write", true},
	}
	for _, test := range tests {
		p := &auth.Principal{Kind: test.kind, Scopes: strings.Fields(test.scopes)}
		if got := p.Allows(test.object, test.action); got != test.want {
			t.Errorf("kind %d with %q: Allows(%s, %s) = %v, want %v", test.kind, test.scopes, test.object, test.action, got, test.want)
		}
	}
}

func TestAStoreThatIsDownIsNotANo(t *testing.T) {
	f := newFixture(t, auth.Options{})
	if _, err := f.auth.Bearer(t.Context(), personal); err != nil {
		t.Fatal(err)
	}
	f.store.down.Store(true)
	f.projects.unsure.Store(true)
	for _, d := range []time.Duration{0, 10 * time.Minute, 20 * time.Hour} {
		f.later(d)
		if _, err := f.auth.Bearer(t.Context(), personal); err != nil {
			t.Errorf("known key, %v on: %v", d, err)
		}
	}
	if _, err := f.auth.Bearer(t.Context(), secret); err != nil {
		t.Errorf("secret token: %v", err)
	}
	for _, key := range []string{readOnly, "phx_wrong", secretKey, "phs_wrong"} {
		if _, err := f.auth.Bearer(t.Context(), key); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", key, err)
		}
	}
	f.later(5 * time.Hour)
	if _, err := f.auth.Bearer(t.Context(), personal); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("known key after a day: %v, want ErrUnavailable", err)
	}
}

// Requests with a known key do not each wait for a store that fails.
func TestAFailingStoreIsNotAskedByEachRequest(t *testing.T) {
	f := newFixture(t, auth.Options{})
	ask := func(want int64) {
		t.Helper()
		for range 10 {
			if _, err := f.auth.Bearer(t.Context(), personal); err != nil {
				t.Fatal(err)
			}
		}
		if n := f.store.views.Load(); n != want {
			t.Errorf("asked the store %d times, want %d", n, want)
		}
	}
	ask(1)
	f.store.down.Store(true)
	f.later(2 * time.Minute)
	ask(2)
	f.later(6 * time.Second)
	ask(3)
	f.projects.revision.Add(1) // the key may have been deleted
	ask(4)
	f.store.down.Store(false)
	f.later(6 * time.Second)
	ask(5)
}

func TestSecretsOfANodeOutOfStep(t *testing.T) {
	f := newFixture(t, auth.Options{})
	f.projects.unsure.Store(true)
	if _, err := f.auth.Bearer(t.Context(), "phs_new"); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("unknown secret: %v, want ErrUnavailable", err)
	}
	if _, err := f.auth.Bearer(t.Context(), secretKey); err != nil {
		t.Errorf("project key: %v", err)
	}
}

func TestChangesCountAtOnce(t *testing.T) {
	f := newFixture(t, auth.Options{})
	const late = "phx_late"
	if _, err := f.auth.Bearer(t.Context(), late); !errors.Is(err, auth.ErrInvalidKey) {
		t.Fatalf("before it is made: %v", err)
	}
	if _, err := f.auth.Bearer(t.Context(), personal); err != nil {
		t.Fatal(err)
	}
	f.edit(t, func(tx store.Tx) error {
		k, err := tx.PersonalKeyByHash(auth.Hash(personal))
		if err != nil {
			return err
		}
		if err := tx.DeletePersonalKey(k.ID); err != nil {
			return err
		}
		return tx.InsertPersonalKey(store.PersonalKey{
			ID: "late", UserID: k.UserID, Label: "late", Hash: auth.Hash(late), Scopes: []string{"*"},
		})
	})
	if _, err := f.auth.Bearer(t.Context(), late); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := f.auth.Bearer(t.Context(), personal); !errors.Is(err, auth.ErrInvalidKey) {
		t.Errorf("a deleted key: %v, want ErrInvalidKey", err)
	}
	f.store.down.Store(true)
	f.later(time.Hour)
	if _, err := f.auth.Bearer(t.Context(), personal); err == nil {
		t.Error("a deleted key works again when the store is down")
	}
}

func TestAnswersAreRemembered(t *testing.T) {
	f := newFixture(t, auth.Options{})
	for range 50 {
		for _, key := range []string{personal, "phx_wrong"} {
			_, _ = f.auth.Bearer(t.Context(), key)
		}
	}
	if n := f.store.views.Load(); n != 2 {
		t.Errorf("asked the store %d times, want 2", n)
	}
	f.later(2 * time.Minute)
	_, _ = f.auth.Bearer(t.Context(), personal)
	if n := f.store.views.Load(); n != 3 {
		t.Errorf("asked the store %d times after two minutes, want 3", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	f := newFixture(t, auth.Options{Entries: 4})
	if _, err := f.auth.Bearer(t.Context(), personal); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		_, _ = f.auth.Bearer(t.Context(), fmt.Sprintf("phx_wrong%d", i))
	}
	before := f.store.views.Load()
	_, _ = f.auth.Bearer(t.Context(), "phx_wrong0") // forgotten
	_, _ = f.auth.Bearer(t.Context(), "phx_wrong19")
	if n := f.store.views.Load() - before; n != 1 {
		t.Errorf("asked %d times, want 1: only the oldest is forgotten", n)
	}
	if _, err := f.auth.Bearer(t.Context(), personal); err != nil || f.store.views.Load()-before != 1 {
		t.Error("wrong keys drive out a good one")
	}
}

func TestLastUseIsWrittenOnceAnHour(t *testing.T) {
	f := newFixture(t, auth.Options{})
	use := func() {
		t.Helper()
		for _, key := range []string{personal, secretKey} {
			if _, err := f.auth.Bearer(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		use()
		f.later(10 * time.Minute)
	}
	first := f.now.Load()
	f.auth.Close() // writes
	if n := f.store.uses.Load(); n != 2 {
		t.Errorf("%d writes, want one for each key", n)
	}
	err := f.store.View(t.Context(), func(tx store.ReadTx) error {
		k, err := tx.PersonalKeyByHash(auth.Hash(personal))
		if err != nil {
			return err
		}
		pk, err := tx.ProjectKeyByHash(auth.Hash(secretKey))
		if err != nil {
			return err
		}
		want := time.Unix(0, first).Add(-30 * time.Minute).UTC()
		if !k.LastUsedAt.Equal(want) || !pk.LastUsedAt.Equal(want) {
			t.Errorf("last used %v and %v, want %v", k.LastUsedAt, pk.LastUsedAt, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGeneratedKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range []struct {
		make func() string
		form string
	}{
		{auth.NewToken, `^phc_[0-9A-Za-z]{43}$`},
		{auth.NewSecret, `^phs_[0-9A-Za-z]{43}$`},
		{auth.NewPersonalKey, `^phx_[0-9A-Za-z]{43}$`},
		{auth.NewKeyID, `^[0-9A-Za-z]{16}$`},
	} {
		for range 100 {
			key := test.make()
			if !regexp.MustCompile(test.form).MatchString(key) || seen[key] {
				t.Errorf("%q does not match %s, or came twice", key, test.form)
			}
			seen[key] = true
		}
	}
}

func TestHash(t *testing.T) {
	const want = "sha256$45af89b510a3279a817f851de5d3f95b73485d58ec2672a39e52d8aeeb014059"
	if got := auth.Hash("test_key_12345"); got != want {
		t.Errorf("Hash = %s, want %s", got, want)
	}
}

func TestMaskAndEqualAndBearer(t *testing.T) {
	for key, want := range map[string]string{"phx_abcdefghijkl": "phx_...ijkl", "short": "...", "": "..."} {
		if got := auth.Mask(key); got != want {
			t.Errorf("Mask(%q) = %q, want %q", key, got, want)
		}
	}
	for _, test := range []struct {
		a, b string
		want bool
	}{{"x", "x", true}, {"x", "y", false}, {"x", "xx", false}, {"", "", false}} {
		if got := auth.Equal(test.a, test.b); got != test.want {
			t.Errorf("Equal(%q, %q) = %v", test.a, test.b, got)
		}
	}
	for header, want := range map[string]string{
		"Bearer phx_a": "phx_a", "Bearer   phx_a ": "phx_a", "Bearer ": "", "": "", "bearer phx_a": "", "Basic phx_a": "", "Bearerphx_a": "",
	} {
		if got := auth.BearerToken(header); got != want {
			t.Errorf("BearerToken(%q) = %q, want %q", header, got, want)
		}
	}
}

func TestPasswords(t *testing.T) {
	p := auth.NewPasswords()
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := p.Hash(t.Context(), "correct horse"); again == hash {
		t.Error("two hashes of one password are equal: no salt")
	}
	tests := []struct {
		name, stored, password string
		want                   error
	}{
		{"right", hash, "correct horse", nil},
		{"wrong", hash, "correct house", auth.ErrWrongPassword},
		{"no password is set", "", "anything", auth.ErrWrongPassword},
		{"nothing and nothing", "", "", auth.ErrWrongPassword},
	}
	for _, test := range tests {
		if err := p.Check(t.Context(), test.stored, test.password); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=19456,t=0,p=1$YWFh$YWFh", "$argon2id$v=19$m=4294967295,t=1,p=1$YWFh$YWFh"} {
		if err := p.Check(t.Context(), bad, "x"); err == nil || errors.Is(err, auth.ErrWrongPassword) {
			t.Errorf("Check(%q) = %v, want an error about the stored hash", bad, err)
		}
	}
}
