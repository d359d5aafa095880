package auth

import "errors"

// What can be wrong with a credential.
var (
	// ErrNoCredential: none was presented.
	ErrNoCredential = errors.New("no credential")
	// ErrInvalidKey: there certainly is no such key, or its user is no longer
	// active, or it belongs to another project.
	ErrInvalidKey = errors.New("invalid key")
	// ErrNoScope: the key is good but does not cover the action.
	ErrNoScope = errors.New("key lacks the required scope")
	// ErrUnavailable: the key could not be checked. It may be good.
	ErrUnavailable = errors.New("credentials cannot be checked")
)
