package state

import (
	"context"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

var emptyReply = mustEncode(managementapi.EncodeStartCanisterResults())

func mustEncode(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func badPayload(call *managed, err error) answer {
	return rejectOf(reject(CodeBadPayload, "Error decoding candid of %s: %v", call.method, err))
}

// encoded is a reply, or what went wrong with encoding it.
func encoded(b []byte, err error) answer {
	if err != nil {
		return rejectOf(&Reject{Code: SysFatal, ErrorCode: CodeOversubscribed, Message: err.Error()})
	}
	return replyOf(b)
}

// managed is one call of the management canister.
type managed struct {
	origin origin
	caller principal.Principal
	sender *uint64 // version of the calling canister, if the argument says it
	method string
	arg    []byte
	cycles cycles.Amount // attached; what stays here goes back
	used   uint64        // instructions
	later  bool          // the handler kept origin and cycles, and answers by itself
}

// EffectiveCanister is the canister that a call of the management canister is about, by
// the rules for the effective canister id of the interface specification; any where it
// may be every canister. The error is an argument that names none.
func EffectiveCanister(method string, arg []byte) (id principal.Principal, any bool, err error) {
	switch method {
	case "create_canister", "provisional_create_canister_with_cycles", "list_canisters":
		return id, true, nil
	case "install_chunked_code":
		target, err := managementapi.DecodeTarget(arg)
		return target.TargetCanister, false, err
	}
	about, err := managementapi.DecodeCanister(arg)
	return about.CanisterId, false, err
}

// admitManagementLocked checks an ingress message to the management canister before it
// is taken, and again when a round takes it in. It changes nothing and returns who pays
// for the message, nil for nobody.
func (m *Machine) admitManagementLocked(in *Ingress) (payer *canister, rej *Reject) {
	h, ok := handlers[in.Method]
	if !ok {
		return nil, unknownMethod(in.Method)
	}
	if rej := m.usersMayLocked(h, in.Method, in.Sender); rej != nil {
		return nil, rej
	}
	if in.Effective == m.config.Subnet && in.Effective != principal.Management && !m.isAdmin(in.Sender) {
		return nil, reject(CodeRefused, "Only subnet admins can call ic00 method %s at a subnet", in.Method)
	}
	c, rej := m.targetLocked(h, in.Method, in.Arg, in.Sender)
	if rej != nil || c == nil {
		return nil, rej
	}
	if in.Effective != c.ID {
		return nil, reject(CodeBadPayload, "the effective canister id is %s, the call is about %s", in.Effective, c.ID)
	}
	if h.free {
		return nil, nil
	}
	return c, nil
}

func unknownMethod(method string) *Reject {
	return reject(CodeMethodNotFound, "Management canister has no method '%s'", method)
}

// usersMayLocked is why no user, or not this one, may call a method.
func (m *Machine) usersMayLocked(h handler, method string, user principal.Principal) *Reject {
	switch {
	case h.queryOnly:
		return onlyQueries(method)
	case h.admins && m.isAdmin(user), h.users:
		return nil
	}
	return reject(CodeRefused, "Only canisters can call ic00 method %s", method)
}

func onlyQueries(method string) *Reject {
	return reject(CodeRefused, "%s API is only accessible in non-replicated mode", method)
}

// targetLocked is whom a call is about, after the check of access; nil for nobody.
func (m *Machine) targetLocked(h handler, method string, arg []byte, caller principal.Principal) (*canister, *Reject) {
	if !h.about {
		return nil, nil
	}
	id, _, err := EffectiveCanister(method, arg)
	if err != nil {
		return nil, reject(CodeBadPayload, "Error decoding candid of %s: %v", method, err)
	}
	c := m.mu.canisters[id]
	if c == nil {
		return nil, notFound(id)
	}
	if h.mayCall != nil && !h.mayCall(m, c, caller) {
		if h.refusal != nil {
			return nil, h.refusal(id, caller)
		}
		return nil, reject(CodeNotController, "Only controllers of canister %s can call ic00 method %s", id, method)
	}
	return c, nil
}

// manageLocked serves a call of the management canister.
func (m *Machine) manageLocked(ctx context.Context, msg *message) uint64 {
	call := &managed{origin: msg.origin(), caller: msg.Caller, method: msg.Method, arg: msg.Arg, cycles: msg.Cycles}
	a := m.serveLocked(ctx, call)
	if !call.later {
		m.respondLocked(call.origin, a, call.cycles)
	}
	return call.used
}

func (m *Machine) serveLocked(ctx context.Context, call *managed) answer {
	h, ok := handlers[call.method]
	if !ok {
		return rejectOf(unknownMethod(call.method))
	}
	if h.queryOnly {
		return rejectOf(onlyQueries(call.method))
	}
	if h.versioned {
		said, err := managementapi.DecodeSenderVersion(call.arg)
		if err != nil {
			return badPayload(call, err)
		}
		call.sender = said.SenderCanisterVersion
	}
	c, rej := m.targetLocked(h, call.method, call.arg, call.caller)
	if rej != nil {
		return rejectOf(rej)
	}
	a := h.run(m, ctx, c, call)
	if c != nil {
		c.watchMemory()
	}
	return a
}

// queryManagementLocked answers the methods of the management canister that are queries.
func (m *Machine) queryManagementLocked(ctx context.Context, caller principal.Principal, method string, arg []byte) answer {
	h, ok := handlers[method]
	if !ok || !h.query {
		return rejectOf(reject(CodeMethodNotFound, "Query method %s not found: the management canister has no such query", method))
	}
	c, rej := m.targetLocked(h, method, arg, caller)
	if rej != nil {
		return rejectOf(rej)
	}
	return h.run(m, ctx, c, &managed{caller: caller, method: method, arg: arg})
}

func (m *Machine) isAdmin(p principal.Principal) bool {
	for _, admin := range m.config.Admins {
		if admin == p {
			return true
		}
	}
	return false
}
