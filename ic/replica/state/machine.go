// Package state is the network's state machine: canisters, queues, call contexts,
// cycles, and the execution of messages on them.
//
// [Machine] is used by ic/replica, which adds the clock that drives it and the disk.
// The Wasm and its system calls are in ic/replica/host; HTTP, keys and certificates
// are elsewhere.
package state

import (
	"context"
	"fmt"
	"time"

	"assay/ic/principal"
)

// Machine is the state of one subnet.
type Machine struct{}

// Round executes one round and reports whether more work waits.
func (m *Machine) Round(context.Context) bool { return false }

// Submit inducts an update call, or says why not.
func (m *Machine) Submit(_ context.Context, in Ingress) *Reject { return notFound(in.Canister) }

// Await waits until a request is answered or forgotten.
func (m *Machine) Await(ctx context.Context, id RequestID) (Status, error) {
	return Status{}, fmt.Errorf("request %x is not known", id)
}

// Status is what is known of a request.
func (m *Machine) Status(RequestID) (Status, bool) { return Status{}, false }

// Query runs a query.
func (m *Machine) Query(_ context.Context, q Query) ([]byte, *Reject) {
	return nil, notFound(q.Canister)
}

// Info is a canister's public face.
func (m *Machine) Info(principal.Principal) (Info, bool) { return Info{}, false }

// Time is the time of the latest round.
func (m *Machine) Time() time.Time { return time.Time{} }

func notFound(canister principal.Principal) *Reject {
	return &Reject{Code: DestinationInvalid, ErrorCode: "IC0301", Message: fmt.Sprintf("canister %s not found", canister)}
}
