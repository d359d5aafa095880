package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"math/big"
	"strings"
)

// Prefixes of the credentials; client libraries check them.
const (
	TokenPrefix    = "phc_" // project token: public, names a project
	SecretPrefix   = "phs_" // secret token of a project, or project secret key
	PersonalPrefix = "phx_" // personal key: acts for a user
)

// keyBytes is the entropy of a generated credential.
const keyBytes = 32

// NewToken makes a project token.
func NewToken() string { return TokenPrefix + random() }

// NewSecret makes a project's secret token or a project secret key.
func NewSecret() string { return SecretPrefix + random() }

// NewPersonalKey makes a personal key.
func NewPersonalKey() string { return PersonalPrefix + random() }

// NewKeyID makes the short random id under which a key is listed.
func NewKeyID() string {
	return random()[:16]
}

// random returns 256 random bits as letters and digits, always 43 of them.
func random() string {
	var raw [keyBytes]byte
	rand.Read(raw[:]) // never fails: the runtime aborts instead
	text := new(big.Int).SetBytes(raw[:]).Text(62)
	return strings.Repeat("0", 43-len(text)) + text
}

const hashPrefix = "sha256$"

// Hash returns the form in which a key is stored: "sha256$" and the lower-case
// hex of its SHA-256, without salt, since keys are random (docs/http.md, section 10).
func Hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hashPrefix + hex.EncodeToString(sum[:])
}

// Mask returns what may be shown of a key: its first and last four characters.
func Mask(key string) string {
	if len(key) < 12 {
		return "..."
	}
	return key[:4] + "..." + key[len(key)-4:]
}

// Equal compares two secrets, or hashes of secrets, in time that depends on
// their lengths only. An empty text equals nothing, not even another one.
func Equal(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// BearerToken returns the credential of an Authorization header: what follows
// exactly "Bearer ", trimmed. Empty: there is none.
func BearerToken(header string) string {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(token)
}
