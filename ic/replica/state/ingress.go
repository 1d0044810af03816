package state

import (
	"context"
	"errors"
	"fmt"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

// ErrUnknownRequest is returned for a request that was never inducted or is forgotten.
var ErrUnknownRequest = errors.New("request is not known")

// ErrEnded is returned to those who wait for an answer when the network stops. It may
// come after the next start.
var ErrEnded = errors.New("the network is stopping")

// ErrNotKept is returned to those who wait for a message that could not be written to the
// log. It was not executed and will not be, unless it is sent again.
var ErrNotKept = errors.New("the message could not be kept")

// What may wait for a round: enough for the bursts of a few thousand connections.
const (
	maxWaitingMessages = 50_000
	maxWaitingBytes    = 512 << 20
)

// request is an ingress message from its submission on.
type request struct {
	Status   Status
	Expiry   uint64
	Finished uint64        // time of the answer
	waiting  chan struct{} // closed when it is answered
	kept     chan struct{} // closed when it is in a batch, or lost
	lost     error         // why it is in none; set before kept is closed
}

func newRequest(in *Ingress) *request {
	return &request{
		Status:  Status{Phase: Received, Sender: in.Sender, Canister: in.Canister, Effective: in.Effective},
		Expiry:  in.expiry(),
		waiting: make(chan struct{}), kept: make(chan struct{}),
	}
}

// lose tells who waits that the message is in no batch and will be in none.
func (r *request) lose(why error) {
	r.lost = why
	close(r.kept)
}

func (in *Ingress) expiry() uint64 { return uint64(max(in.Expiry.UnixNano(), 0)) }

// size is what the message takes while it waits, with something for what is around it.
func (in *Ingress) size() int { return len(in.Arg) + len(in.Method) + 256 }

// Submit checks an update call and puts it aside for the next batch, or says why not. A
// request whose id is known is not executed again. [Machine.Kept] tells when nothing can
// undo the submission any more; the canister pays when a round takes the message in.
func (m *Machine) Submit(ctx context.Context, in Ingress) *Reject {
	if in.Canister == principal.Management {
		defer m.compileInstall(ctx, in.Method, in.Arg)()
	} else {
		in.Effective = in.Canister
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClockLocked()
	if m.mu.requests[in.ID] != nil || m.mu.coming[in.ID] != nil {
		return nil
	}
	if m.mu.ended {
		return reject(CodeEnded, "%v", ErrEnded)
	}
	if len(m.mu.coming)+len(m.mu.pool) >= maxWaitingMessages || m.mu.waiting+in.size() > maxWaitingBytes {
		return reject(CodeQueueFull, "the network has %d messages waiting and takes no more now", len(m.mu.coming)+len(m.mu.pool))
	}
	if rej := m.admitLocked(ctx, &in); rej != nil {
		return rej
	}
	m.mu.coming[in.ID] = newRequest(&in)
	m.mu.waiting += in.size()
	m.mu.pending = append(m.mu.pending, Input{Ingress: &in})
	m.signal()
	return nil
}

// Feed puts an input that nobody checks into the next batch.
func (m *Machine) Feed(in Input) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.pending = append(m.mu.pending, in)
	m.signal()
}

// admitLocked is why a message is not taken. It changes nothing.
func (m *Machine) admitLocked(ctx context.Context, in *Ingress) *Reject {
	if len(in.Arg) > MaxIngress {
		return reject(CodeRefused, "an ingress message of %d bytes is over the limit of %d", len(in.Arg), MaxIngress)
	}
	if in.expiry() < m.mu.Time {
		return reject(CodeIngressTimeout, "the request expired before it was inducted")
	}
	payer, rej := m.payerLocked(in)
	if rej != nil {
		return rej
	}
	if in.Canister != principal.Management {
		if rej := m.inspectLocked(ctx, payer, in); rej != nil {
			return rej
		}
	}
	_, rej = m.ingressFeeLocked(payer, in)
	return rej
}

// payerLocked is the canister that pays for a message, nil where nobody does, or why the
// message cannot be taken.
func (m *Machine) payerLocked(in *Ingress) (*canister, *Reject) {
	if in.Canister == principal.Management {
		return m.admitManagementLocked(in)
	}
	return m.readyLocked(in.Canister)
}

func (m *Machine) ingressFeeLocked(payer *canister, in *Ingress) (cycles.Amount, *Reject) {
	if payer == nil {
		return cycles.Amount{}, nil
	}
	fee := m.config.Prices.Ingress(len(in.Method) + len(in.Arg))
	if payer.Balance.Less(m.frozenLocked(payer).Add(fee)) {
		return fee, outOfCycles(payer)
	}
	return fee, nil
}

func outOfCycles(c *canister) *Reject {
	return reject(CodeOutOfCycles, "Canister %s is out of cycles: please top it up", c.ID)
}

// keepLocked takes a message of a batch into the pool, where it waits for a round.
func (m *Machine) keepLocked(in *Ingress) {
	r := m.mu.coming[in.ID]
	if r == nil { // the batch comes from a log
		if m.mu.requests[in.ID] != nil {
			return
		}
		r = newRequest(in)
		m.mu.waiting += in.size()
	}
	delete(m.mu.coming, in.ID)
	m.mu.requests[in.ID] = r
	m.mu.pool = append(m.mu.pool, in)
	close(r.kept)
}

// inductLocked puts the messages of the pool into the queue, paid for. What has become
// impossible since it was submitted is answered with a reject.
func (m *Machine) inductLocked() {
	for _, in := range m.mu.pool {
		m.mu.waiting -= in.size()
		msg := &message{
			Kind: ingressMessage, To: in.Canister, Caller: in.Sender, Method: in.Method, Arg: in.Arg,
			Request: in.ID, Effective: in.Effective, Info: in.Info,
		}
		payer, rej := m.payerLocked(in)
		fee := cycles.Amount{}
		if rej == nil {
			fee, rej = m.ingressFeeLocked(payer, in)
		}
		if rej != nil {
			m.respondLocked(msg.origin(), rejectOf(rej), cycles.Amount{})
			continue
		}
		if payer != nil {
			m.spendLocked(payer, &payer.Consumed.Ingress, fee)
		}
		m.enqueueLocked(msg)
	}
	m.mu.pool = nil
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
	input.Arg, input.Method, input.Info, input.Grow = in.Arg, in.Method, in.Info, nil
	r := m.readLocked(ctx, c, "inspect", in.Method, input, m.idleLocked(c), func(x *host.Execution, at place) *host.Trap {
		return x.Run(ctx, at.instance, at.stable, host.Inspect, "canister_inspect_message")
	})
	if r.trap != nil {
		return trapReject(c, r.trap)
	}
	if !r.x.Accept {
		return reject(CodeRefused, "Canister %s rejected the message", c.ID)
	}
	return nil
}

// Status is what is known of a request. One that is in no batch yet is not known.
func (m *Machine) Status(id RequestID) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.mu.requests[id]
	if r == nil {
		return Status{}, false
	}
	return r.Status, true
}

// Kept waits until a submitted message is in a batch: from then on it is executed or
// rejected, whatever happens to the process. The error is [ErrNotKept], [ErrEnded],
// [ErrUnknownRequest] or the context's.
func (m *Machine) Kept(ctx context.Context, id RequestID) error {
	r, err := m.find(id)
	if err != nil {
		return fmt.Errorf("keep request %x: %w", id, err)
	}
	return m.untilKept(ctx, id, r)
}

func (m *Machine) untilKept(ctx context.Context, id RequestID, r *request) error {
	select {
	case <-r.kept:
	case <-ctx.Done():
		return fmt.Errorf("keep request %x: %w", id, ctx.Err())
	}
	if r.lost != nil {
		return fmt.Errorf("keep request %x: %w", id, r.lost)
	}
	return nil
}

func (m *Machine) find(id RequestID) (*request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.mu.requests[id]; r != nil {
		return r, nil
	}
	if r := m.mu.coming[id]; r != nil {
		return r, nil
	}
	if m.mu.ended {
		return nil, ErrEnded
	}
	return nil, ErrUnknownRequest
}

// Await waits until a request is answered.
func (m *Machine) Await(ctx context.Context, id RequestID) (Status, error) {
	r, err := m.find(id)
	if err != nil {
		return Status{}, fmt.Errorf("await request %x: %w", id, err)
	}
	if err := m.untilKept(ctx, id, r); err != nil {
		return Status{}, err
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
