package state

import (
	"fmt"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// Reject codes of the interface specification.
const (
	SysFatal           = 1 // retrying does not help
	SysTransient       = 2 // retrying may help
	DestinationInvalid = 3 // no such canister or method
	CanisterReject     = 4 // the canister said no
	CanisterError      = 5 // the canister trapped, is stopped, has no module, …
	SysUnknown         = 6 // bounded-wait calls: nobody knows whether it happened
)

// Reject is the negative answer to a message.
type Reject struct {
	Code      int    // 1 to 6, the first digit of ErrorCode
	ErrorCode string // such as IC0503
	Message   string
}

// Error is the message with its codes.
func (r *Reject) Error() string {
	return fmt.Sprintf("reject code %d, %s: %s", r.Code, r.ErrorCode, r.Message)
}

// RequestID is the representation-independent hash of a request's content.
type RequestID [32]byte

// Ingress is an update call from outside. The signature was checked by whoever
// hands it in.
type Ingress struct {
	ID        RequestID
	Sender    principal.Principal
	Canister  principal.Principal // [principal.Management] for the management canister
	Effective principal.Principal // the canister a management call is about; else equal to Canister
	Method    string
	Arg       []byte
	Info      host.CallerInfo // what the canister that signed for the sender says of it
	Expiry    time.Time       // after it the request is no longer started, and its id may be forgotten
}

// Query is a read from outside; its effects are thrown away.
type Query struct {
	Sender    principal.Principal
	Canister  principal.Principal
	Effective principal.Principal // as in [Ingress]
	Method    string
	Arg       []byte
	Info      host.CallerInfo // as in [Ingress]
}

// LogRecord is one line of a canister's log.
type LogRecord struct {
	Index   uint64
	Time    uint64 // nanoseconds since 1970
	Content []byte
}

// Phase is how far an ingress message has come.
type Phase uint8

// Phases in the order in which a request passes them.
const (
	Received   Phase = iota + 1
	Processing       // its first message ran
	Replied
	Rejected
	Done // answered, and the answer is no longer kept
)

// String is the word used in the state tree.
func (p Phase) String() string {
	switch p {
	case Received:
		return "received"
	case Processing:
		return "processing"
	case Replied:
		return "replied"
	case Rejected:
		return "rejected"
	case Done:
		return "done"
	}
	return "unknown"
}

// Final reports whether nothing but forgetting follows.
func (p Phase) Final() bool { return p >= Replied }

// Status is what is known of an ingress message.
type Status struct {
	Phase     Phase
	Reply     []byte  // when [Replied]
	Reject    *Reject // when [Rejected]
	Sender    principal.Principal
	Canister  principal.Principal
	Effective principal.Principal
}

// RunState says whether a canister takes messages.
type RunState uint8

// Run states with the numbers of the system call canister_status.
const (
	Running RunState = iota + 1
	Stopping
	Stopped
)

// String is the word used by the management canister.
func (s RunState) String() string {
	switch s {
	case Running:
		return "running"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

// Metadata is one custom section of a module.
type Metadata struct {
	Public bool // readable by anyone, else by controllers
	Value  []byte
}

// Info is the public face of a canister.
type Info struct {
	ModuleHash  []byte // nil while no module is installed
	Controllers []principal.Principal
	State       RunState
	Created     uint64 // nanoseconds since 1970
	Installed   uint64 // of the last change of code; 0 while no module is installed
	Metadata    map[string]Metadata
}

// MessageStats is what one message cost.
type MessageStats struct {
	Canister     principal.Principal
	Kind         string // "update", "query", "reply", "timer", …
	Method       string // empty for tasks; the callee's method for callbacks
	Instructions uint64
	HeapPages    uint32 // of 64 KiB, after the message
	StablePages  uint64 // of 64 KiB, after the message
	DirtyPages   int    // of 4 KiB, heap and stable memory, that the message changed
	Duration     time.Duration
	Failed       bool // trapped, and rolled back
}
