package state

import (
	"context"
	"errors"
	"fmt"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// ErrUnknownRequest is returned for a request that was never inducted or is forgotten.
var ErrUnknownRequest = errors.New("request is not known")

// ErrEnded is returned to those who wait for an answer when the network stops. It may
// come after the next start.
var ErrEnded = errors.New("the network is stopping")

// request is an inducted ingress message.
type request struct {
	Status   Status
	Expiry   uint64
	Finished uint64 // time of the answer
	waiting  chan struct{}
}

// Submit inducts an update call, or says why not. A request whose id is known is not
// executed again.
func (m *Machine) Submit(ctx context.Context, in Ingress) *Reject {
	if in.Canister == principal.Management {
		defer m.compileInstall(ctx, in.Method, in.Arg)()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClockLocked()
	if m.mu.requests[in.ID] != nil {
		return nil
	}
	if m.mu.ended {
		return reject(CodeEnded, "%v", ErrEnded)
	}
	if rej := m.admitLocked(ctx, &in); rej != nil {
		return rej
	}
	m.mu.requests[in.ID] = &request{
		Status:  Status{Phase: Received, Sender: in.Sender, Canister: in.Canister, Effective: in.Effective},
		Expiry:  uint64(max(in.Expiry.UnixNano(), 0)),
		waiting: make(chan struct{}),
	}
	m.enqueueLocked(&message{
		Kind: ingressMessage, To: in.Canister, Caller: in.Sender, Method: in.Method, Arg: in.Arg,
		Request: in.ID, Effective: in.Effective, Info: in.Info,
	})
	m.signal()
	return nil
}

func (m *Machine) admitLocked(ctx context.Context, in *Ingress) *Reject {
	if len(in.Arg) > MaxIngress {
		return reject(CodeRefused, "an ingress message of %d bytes is over the limit of %d", len(in.Arg), MaxIngress)
	}
	if uint64(max(in.Expiry.UnixNano(), 0)) < m.mu.Time {
		return reject(CodeIngressTimeout, "the request expired before it was inducted")
	}
	if in.Canister == principal.Management {
		return m.admitManagementLocked(in)
	}
	in.Effective = in.Canister
	c, rej := m.readyLocked(in.Canister)
	if rej != nil {
		return rej
	}
	if rej := m.inspectLocked(ctx, c, in); rej != nil {
		return rej
	}
	return m.payIngressLocked(c, in)
}

func (m *Machine) payIngressLocked(c *canister, in *Ingress) *Reject {
	fee := m.config.Prices.Ingress(len(in.Method) + len(in.Arg))
	if c.Balance.Less(m.frozenLocked(c).Add(fee)) {
		return outOfCycles(c)
	}
	m.spendLocked(c, fee)
	return nil
}

func outOfCycles(c *canister) *Reject {
	return reject(CodeOutOfCycles, "Canister %s is out of cycles: please top it up", c.ID)
}

// readyLocked is a canister that takes messages, or why it does not.
func (m *Machine) readyLocked(id principal.Principal) (*canister, *Reject) {
	c := m.mu.canisters[id]
	switch {
	case c == nil:
		return nil, notFound(id)
	case c.State == Stopped:
		return nil, reject(CodeStopped, "Canister %s is stopped and therefore does not accept messages", id)
	case c.State == Stopping:
		return nil, reject(CodeStopping, "Canister %s is stopping and therefore does not accept messages", id)
	case c.module == nil:
		return nil, reject(CodeNoModule, "Canister %s has no wasm module installed", id)
	}
	return c, nil
}

// inspectLocked asks the canister whether it wants the message. Whatever it does is
// undone.
func (m *Machine) inspectLocked(ctx context.Context, c *canister, in *Ingress) *Reject {
	if !c.module.Exports("canister_inspect_message") {
		return nil
	}
	input := m.inputLocked(c, in.Sender, InspectLimit)
	input.Arg, input.Method = in.Arg, in.Method
	r := m.runLocked(ctx, c, "inspect", in.Method, input, func(x *host.Execution) *host.Trap {
		return x.Run(ctx, c.instance, c.stable, host.Inspect, "canister_inspect_message")
	}, undo)
	if r.trap != nil {
		return trapReject(c, r.trap)
	}
	if !r.x.Accept {
		return reject(CodeRefused, "Canister %s rejected the message", c.ID)
	}
	return nil
}

// Status is what is known of a request.
func (m *Machine) Status(id RequestID) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.mu.requests[id]
	if r == nil {
		return Status{}, false
	}
	return r.Status, true
}

// Await waits until a request is answered.
func (m *Machine) Await(ctx context.Context, id RequestID) (Status, error) {
	m.mu.Lock()
	r := m.mu.requests[id]
	m.mu.Unlock()
	if r == nil {
		return Status{}, fmt.Errorf("await request %x: %w", id, ErrUnknownRequest)
	}
	select {
	case <-r.waiting:
	case <-m.sealed:
		return m.lastWord(id, r)
	case <-ctx.Done():
		return Status{}, fmt.Errorf("await request %x: %w", id, ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return r.Status, nil
}

// lastWord is the answer of a request if it came before the end.
func (m *Machine) lastWord(id RequestID, r *request) (Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Status.Phase.Final() {
		return r.Status, nil
	}
	return Status{}, fmt.Errorf("await request %x: %w", id, ErrEnded)
}

func (m *Machine) answerRequestLocked(id RequestID, a answer) {
	r := m.mu.requests[id]
	if r == nil {
		return // forgotten: it was open for very long
	}
	r.Status.Phase, r.Status.Reply, r.Status.Reject = Replied, a.Reply, a.Reject
	if a.Reject != nil {
		r.Status.Phase, r.Status.Reply = Rejected, nil
	}
	r.Finished = m.mu.Time
	close(r.waiting)
}

// pruneRequestsLocked drops old answers, and then ids that can no longer be replayed.
// Requests without an answer stay.
func (m *Machine) pruneRequestsLocked() {
	if m.mu.Time-m.mu.pruned < uint64(pruneEvery) {
		return
	}
	m.mu.pruned = m.mu.Time
	for id, r := range m.mu.requests {
		if !r.Status.Phase.Final() || m.mu.Time-r.Finished < uint64(statusLife) {
			continue
		}
		r.Status.Phase, r.Status.Reply, r.Status.Reject = Done, nil, nil
		if m.mu.Time > r.Expiry+uint64(statusLife) {
			delete(m.mu.requests, id)
		}
	}
}
