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

// managed is one call of the management canister.
type managed struct {
	origin origin
	caller principal.Principal
	method string
	arg    []byte
	cycles cycles.Amount // attached; what stays here goes back
	used   uint64        // instructions
	later  bool          // the handler kept origin and cycles, and answers by itself
}

// handler serves one method.
type handler struct {
	users bool // may be called by ingress
	free  bool // costs its target nothing
	// target decodes whom the call is about; nil: nobody, or anybody.
	target func(arg []byte) (principal.Principal, error)
	// mayCall says who may call it; nil: anybody who can.
	mayCall func(c *canister, caller principal.Principal) bool
	run     func(m *Machine, ctx context.Context, c *canister, call *managed) answer
}

func controllers(c *canister, p principal.Principal) bool { return c.controlledBy(p) }

func controllersAndSelf(c *canister, p principal.Principal) bool {
	return c.controlledBy(p) || c.ID == p
}

// about makes a target of a decoder and the field that names it.
func about[T any](decode func([]byte) (T, error), id func(T) principal.Principal) func([]byte) (principal.Principal, error) {
	return func(arg []byte) (principal.Principal, error) {
		v, err := decode(arg)
		if err != nil {
			return principal.Principal{}, err
		}
		return id(v), nil
	}
}

func canisterOf(v managementapi.Canister) principal.Principal { return v.CanisterId }

var aboutCanister = about(managementapi.DecodeStartCanisterArgs, canisterOf)

var handlers map[string]handler

func init() {
	handlers = map[string]handler{
		"create_canister":                         {run: (*Machine).createLocked},
		"provisional_create_canister_with_cycles": {users: true, free: true, run: (*Machine).provisionalCreateLocked},
		"provisional_top_up_canister": {
			users: true, free: true, run: (*Machine).topUpLocked,
			target: about(managementapi.DecodeProvisionalTopUpCanisterArgs, func(v managementapi.ProvisionalTopUpCanisterArg) principal.Principal { return v.CanisterId }),
		},
		"install_code": {
			users: true, mayCall: controllers, run: (*Machine).installLocked,
			target: about(managementapi.DecodeInstallCodeArgs, func(v managementapi.InstallCode) principal.Principal { return v.CanisterId }),
		},
		"update_settings": {
			users: true, free: true, mayCall: controllers, run: (*Machine).updateSettingsLocked,
			target: about(managementapi.DecodeUpdateSettingsArgs, func(v managementapi.UpdateSettingsArg) principal.Principal { return v.CanisterId }),
		},
		"uninstall_code": {
			users: true, mayCall: controllers, run: (*Machine).uninstallLocked,
			target: about(managementapi.DecodeUninstallCodeArgs, func(v managementapi.UninstallCodeArg) principal.Principal { return v.CanisterId }),
		},
		"start_canister":  {users: true, mayCall: controllers, target: aboutCanister, run: (*Machine).startLocked},
		"stop_canister":   {users: true, mayCall: controllers, target: aboutCanister, run: (*Machine).stopLocked},
		"delete_canister": {users: true, mayCall: controllers, target: aboutCanister, run: (*Machine).deleteLocked},
		"canister_status": {users: true, mayCall: controllersAndSelf, target: aboutCanister, run: (*Machine).statusLocked},
		"deposit_cycles":  {target: aboutCanister, run: (*Machine).depositLocked},
		"raw_rand":        {run: (*Machine).randomLocked},
	}
}

// admitManagementLocked checks an ingress message to the management canister before it
// is taken, and again when a round takes it in. It changes nothing and returns who pays
// for the message, nil for nobody.
func (m *Machine) admitManagementLocked(in *Ingress) (payer *canister, rej *Reject) {
	h, ok := handlers[in.Method]
	if !ok || !h.users {
		return nil, reject(CodeUnknownMethod, "Management canister has no method '%s' for users", in.Method)
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

// targetLocked is whom a call is about, after the check of access; nil for nobody.
func (m *Machine) targetLocked(h handler, method string, arg []byte, caller principal.Principal) (*canister, *Reject) {
	if h.target == nil {
		return nil, nil
	}
	id, err := h.target(arg)
	if err != nil {
		return nil, reject(CodeBadPayload, "%s: %v", method, err)
	}
	c := m.mu.canisters[id]
	if c == nil {
		return nil, notFound(id)
	}
	if h.mayCall != nil && !h.mayCall(c, caller) {
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
		return rejectOf(reject(CodeUnknownMethod, "Management canister has no method '%s'", call.method))
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

// queryManagementLocked answers canister_status.
func (m *Machine) queryManagementLocked(q Query) ([]byte, *Reject) {
	const method = "canister_status"
	if q.Method != method {
		return nil, reject(CodeMethodNotFound, "Management canister has no query method '%s'", q.Method)
	}
	c, rej := m.targetLocked(handlers[method], method, q.Arg, q.Sender)
	if rej != nil {
		return nil, rej
	}
	a := m.statusOfLocked(c)
	return a.Reply, a.Reject
}
