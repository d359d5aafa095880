// Package auth knows credentials: how project tokens, secret keys and personal
// keys look, how they and passwords are kept, and which principal a presented
// key stands for.
//
// An Authenticator answers from memory whatever it has seen before and asks
// the store for the rest. It tells "there is no such key" from "could not
// ask": the second is ErrUnavailable and never a reason to turn a client away
// for good. What a principal may do is told by Principal; which status an
// answer has is the business of the protocol.
//
// All functions and methods may be called concurrently.
package auth
