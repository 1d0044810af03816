package cdk

import (
	"errors"
	"slices"

	"assay/ic/cdk/stable"
	"assay/ic/principal"
)

// Guard decides before a method runs whether it may: nil lets it run, an error is the
// reject's text. Guards run in the method's own message, and in the inspection of an
// ingress message, where [Message.Method] is the method that is wanted too. They may read
// and write stable memory; in queries and inspections what they write is dropped. They
// do not call.
type Guard func(m *Message) error

// EveryMethod is the key of [Program.Guards] for guards of all methods. They run before
// a method's own.
const EveryMethod = "*"

// What guards refuse with.
var (
	ErrAnonymous     = errors.New("the caller is anonymous")
	ErrNotController = errors.New("the caller is no controller of this canister")
	ErrNotListed     = errors.New("the caller is not on the list")
)

// NotAnonymous refuses callers without an identity.
func NotAnonymous(m *Message) error {
	if m.caller.IsAnonymous() {
		return ErrAnonymous
	}
	return nil
}

// OnlyControllers refuses everybody but the canister's controllers.
func OnlyControllers(m *Message) error {
	if !m.IsController(m.caller) {
		return ErrNotController
	}
	return nil
}

// OnlySelf refuses everybody but the canister, which may call its own methods.
func OnlySelf(m *Message) error {
	if m.caller != m.self {
		return ErrNotAllowed
	}
	return nil
}

// Either refuses whom all guards refuse, with what the last one says.
func Either(guards ...Guard) Guard {
	return func(m *Message) (err error) {
		err = ErrNotAllowed
		for _, g := range guards {
			if err = g(m); err == nil {
				return nil
			}
		}
		return err
	}
}

// AllowList is a named list of principals in stable memory. Its Guard lets only them in:
//
//	const operators = cdk.AllowList("operators")
//	Guards: map[string][]cdk.Guard{"pause": {operators.Guard}}
//
// The name is at most 255 bytes and stays the same over upgrades; a new list is empty.
type AllowList string

// key is a u8 length, the list's name and a principal.
func (l AllowList) key(p principal.Principal) []byte { return append(l.prefix(), p.Bytes()...) }

func (l AllowList) prefix() []byte {
	if len(l) > 255 {
		panic("cdk: the name of an allow-list has at most 255 bytes")
	}
	return append([]byte{byte(len(l))}, l...)
}

func lists() *stable.Map { return stable.NewMap(active().manager.Region(regionLists)) }

// Add puts p on the list.
func (l AllowList) Add(p principal.Principal) error { return lists().Put(l.key(p), nil) }

// Remove takes p off the list.
func (l AllowList) Remove(p principal.Principal) { lists().Delete(l.key(p)) }

// Has reports whether p is on the list.
func (l AllowList) Has(p principal.Principal) bool { return lists().Has(l.key(p)) }

// Members are the principals on the list, at most so many.
func (l AllowList) Members(most int) (out []principal.Principal) {
	prefix := l.prefix()
	lists().Scan(prefix, func(k, _ []byte) bool {
		if len(out) >= most || !slices.Equal(k[:min(len(k), len(prefix))], prefix) {
			return false
		}
		p, err := principal.FromBytes(k[len(prefix):])
		if err != nil {
			panic(err) // only Add writes here
		}
		out = append(out, p)
		return true
	})
	return out
}

// Guard refuses callers who are not on the list.
func (l AllowList) Guard(m *Message) error {
	if !l.Has(m.caller) {
		return ErrNotListed
	}
	return nil
}

// guarded says why a method may not run.
func (c *method) guarded(m *Message) error {
	for _, g := range c.guards {
		if err := g(m); err != nil {
			return err
		}
	}
	return nil
}
