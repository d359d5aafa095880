package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/guidon-flags/guidon/internal/store"
)

// Keys is what an Authenticator needs of a store.
type Keys interface {
	View(ctx context.Context, fn func(tx store.ReadTx) error) error
	store.KeyUsage
}

// Projects is what an Authenticator needs of the node's view of all projects,
// without waiting for anything; a snapshot.Set is one.
type Projects interface {
	// ProjectBySecret finds the project that has a secret token, by the
	// token's hash. certain is false while "none" may be out of date.
	ProjectBySecret(hash string) (project int64, found, certain bool)
	// CredentialsRevision is the newest known revision that changed keys,
	// users, memberships or projects. When it rises, everything remembered is
	// asked for again.
	CredentialsRevision() store.Revision
}

// Options adjusts an Authenticator. The zero value is good.
type Options struct {
	Now func() time.Time // nil: time.Now

	// Entries bounds how many keys are remembered, known and unknown ones
	// each. 0: 10,000.
	Entries int

	// Fresh is how long an answer of the store is used without asking again,
	// unless the change feed says otherwise. 0: 1 minute.
	Fresh time.Duration

	// Stale is how long a known key goes on working while the store cannot be
	// asked. 0: 24 hours.
	Stale time.Duration

	// Timeout bounds one question to the store. 0: 1 second.
	Timeout time.Duration

	// FlushEvery is how often last uses are written. 0: 1 minute.
	FlushEvery time.Duration

	// OnError hears of errors in the background. nil: nobody does.
	OnError func(error)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Entries == 0 {
		o.Entries = 10_000
	}
	if o.Fresh == 0 {
		o.Fresh = time.Minute
	}
	if o.Stale == 0 {
		o.Stale = 24 * time.Hour
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = time.Minute
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return o
}

// askAgain is the pause after a question that failed, for keys that are known:
// their requests shall not each wait for a store that does not answer.
const askAgain = 5 * time.Second

// Authenticator turns presented keys into principals. Close it when done.
type Authenticator struct {
	keys     Keys
	projects Projects
	opts     Options
	asking   singleflight.Group // one question at a time for one key
	known    *cache
	unknown  *cache
	uses     *uses
}

// New returns an Authenticator that asks keys, and projects for secret tokens
// and for what has changed.
func New(keys Keys, projects Projects, o Options) *Authenticator {
	o = o.withDefaults()
	return &Authenticator{
		keys: keys, projects: projects, opts: o,
		known: newCache(o.Entries), unknown: newCache(o.Entries),
		uses: startUses(keys, o),
	}
}

// Close ends the background work after writing what is pending.
func (a *Authenticator) Close() { a.uses.close() }

// Bearer returns the principal of the key that a request presented, the text
// after "Bearer ". Errors: ErrNoCredential for the empty text, ErrInvalidKey,
// ErrUnavailable. A project token is no credential: it is an invalid key.
func (a *Authenticator) Bearer(ctx context.Context, key string) (*Principal, error) {
	if key == "" {
		return nil, ErrNoCredential
	}
	if strings.HasPrefix(key, TokenPrefix) {
		return nil, ErrInvalidKey
	}
	hash := Hash(key)
	if !strings.HasPrefix(key, SecretPrefix) {
		return a.byHash(ctx, key, hash)
	}
	project, found, certain := a.projects.ProjectBySecret(hash)
	if found {
		return &Principal{Kind: SecretToken, Project: project}, nil
	}
	p, err := a.byHash(ctx, key, hash)
	if errors.Is(err, ErrInvalidKey) && !certain {
		// It may be a secret token that this node has not heard of yet.
		err = fmt.Errorf("%w: not in step with the store", ErrUnavailable)
	}
	return p, err
}

// byHash finds a personal key or project secret key.
func (a *Authenticator) byHash(ctx context.Context, key, hash string) (*Principal, error) {
	now, revision := a.opts.Now(), a.projects.CredentialsRevision()
	old, seen := a.known.get(hash)
	if seen && old.revision == revision && now.Sub(old.at) < a.opts.Fresh {
		a.uses.mark(old.principal, now)
		return old.principal, nil
	}
	stale := seen && now.Sub(old.at) < a.opts.Stale
	if stale && old.failedRevision == revision && now.Sub(old.failed) < askAgain {
		return old.principal, nil
	}
	if e, ok := a.unknown.get(hash); ok && e.revision == revision && now.Sub(e.at) < a.opts.Fresh {
		return nil, ErrInvalidKey
	}

	p, err := a.question(ctx, key, hash, revision)
	switch {
	case err == nil:
		a.known.put(hash, entry{principal: p, at: now, revision: revision})
		a.unknown.drop(hash)
		a.uses.mark(p, now)
		return p, nil
	case errors.Is(err, ErrInvalidKey):
		a.known.drop(hash)
		a.unknown.put(hash, entry{at: now, revision: revision})
		return nil, ErrInvalidKey
	case stale:
		if ctx.Err() == nil { // it was not the client who gave up
			a.known.fail(hash, now, revision)
		}
		return old.principal, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// question asks the store for a key, together with all others who ask for it.
// It outlives an impatient client. Nobody joins a question that was put before
// the last change.
func (a *Authenticator) question(ctx context.Context, key, hash string, revision store.Revision) (*Principal, error) {
	result := a.asking.DoChan(strconv.FormatInt(int64(revision), 10)+hash, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.opts.Timeout)
		defer cancel()
		return a.ask(ctx, key, hash)
	})
	select {
	case r := <-result:
		p, _ := r.Val.(*Principal)
		return p, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask reads the key from the store. ErrInvalidKey if there is none that works.
func (a *Authenticator) ask(ctx context.Context, key, hash string) (p *Principal, err error) {
	err = a.keys.View(ctx, func(tx store.ReadTx) error {
		if strings.HasPrefix(key, SecretPrefix) {
			p, err = projectPrincipal(tx, hash)
		} else {
			p, err = personalPrincipal(tx, hash)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrInvalidKey
	}
	return p, err
}

func projectPrincipal(tx store.ReadTx, hash string) (*Principal, error) {
	k, err := tx.ProjectKeyByHash(hash)
	if err != nil {
		return nil, err
	}
	if !Equal(k.Hash, hash) {
		return nil, ErrInvalidKey
	}
	return &Principal{Kind: ProjectKey, Key: k.ID, Project: k.Project, Scopes: k.Scopes}, nil
}

func personalPrincipal(tx store.ReadTx, hash string) (*Principal, error) {
	k, err := tx.PersonalKeyByHash(hash)
	if err != nil {
		return nil, err
	}
	if !Equal(k.Hash, hash) {
		return nil, ErrInvalidKey
	}
	u, err := tx.User(k.UserID)
	if err != nil {
		return nil, err
	}
	if !u.Active {
		return nil, ErrInvalidKey
	}
	u.PasswordHash = ""
	m, err := tx.Memberships(u.ID)
	if err != nil {
		return nil, err
	}
	return &Principal{
		Kind: PersonalKey, Key: k.ID, User: u, Memberships: m, Scopes: k.Scopes,
		Projects: k.ScopedProjects, Organizations: k.ScopedOrganizations,
	}, nil
}

// Definitions decides whether key may read the definitions of a project for
// local evaluation (http.md 10). Errors: ErrNoCredential, ErrInvalidKey (also
// for a key that does not reach the project), ErrNoScope, ErrUnavailable.
func (a *Authenticator) Definitions(ctx context.Context, key string, project *store.Project) (*Principal, error) {
	p, err := a.Bearer(ctx, key)
	if err != nil {
		return nil, err
	}
	if !p.Reaches(project.ID, project.OrganizationID) {
		return nil, ErrInvalidKey
	}
	if !p.Allows("feature_flag", "read") {
		return nil, ErrNoScope
	}
	return p, nil
}
