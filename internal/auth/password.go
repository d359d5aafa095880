package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// The cost of a password hash: 19 MiB and about 25 ms.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonHash   = 32
)

// ErrWrongPassword is returned by Passwords.Check.
var ErrWrongPassword = errors.New("wrong password")

// Passwords hashes and checks passwords with Argon2id. Only a few run at a
// time, so that a flood of logins costs neither much memory nor all processors.
type Passwords struct{ slots *semaphore.Weighted }

// NewPasswords returns a Passwords with two slots.
func NewPasswords() *Passwords { return &Passwords{slots: semaphore.NewWeighted(2)} }

// Hash returns password in the form that is stored, the customary
// "$argon2id$v=19$m=…,t=…,p=…$salt$hash". The error is ctx's.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer p.slots.Release(1)
	var salt [argonSalt]byte
	rand.Read(salt[:])
	sum := argon2.IDKey([]byte(password), salt[:], argonTime, argonMemory, argonLanes, argonHash)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonLanes, enc(salt[:]), enc(sum)), nil
}

// Check returns nil if password is the one that stored was made from,
// ErrWrongPassword if it is not or stored is empty, and another error if
// stored cannot be read or ctx ends first. A wrong password and an empty
// stored hash take equally long.
func (p *Passwords) Check(ctx context.Context, stored, password string) error {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.slots.Release(1)
	if stored == "" {
		argon2.IDKey([]byte(password), make([]byte, argonSalt), argonTime, argonMemory, argonLanes, argonHash)
		return ErrWrongPassword
	}
	var version int
	var memory, time uint32
	var lanes uint8
	var rest string
	if _, err := fmt.Sscanf(stored, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &time, &lanes, &rest); err != nil {
		return fmt.Errorf("stored password: %w", err)
	}
	salt, want, err := splitHash(rest)
	if err != nil || version != argon2.Version || len(want) == 0 || time == 0 || lanes == 0 || memory > 1<<20 {
		return errors.New("stored password: not an Argon2id hash")
	}
	got := argon2.IDKey([]byte(password), salt, time, memory, lanes, uint32(len(want)))
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return ErrWrongPassword
	}
	return nil
}

// splitHash decodes "salt$hash".
func splitHash(text string) (salt, hash []byte, err error) {
	for i := range len(text) {
		if text[i] != '$' {
			continue
		}
		if salt, err = base64.RawStdEncoding.DecodeString(text[:i]); err != nil {
			return nil, nil, err
		}
		hash, err = base64.RawStdEncoding.DecodeString(text[i+1:])
		return salt, hash, err
	}
	return nil, nil, errors.New("no salt")
}
