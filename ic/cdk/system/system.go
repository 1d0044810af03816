// Package system is the Internet Computer's system API as Go functions: one method per
// raw call, bytes instead of pointers, no policy.
//
// [Canister] makes the real calls and exists in Wasm builds alone; elsewhere [Double]
// plays one canister in the memory of a test and holds the same rules about which call
// is allowed in which kind of message. Package cdk is the caller; canister authors use
// cdk. What a call means is left to the Internet Computer's interface specification.
package system

// Limits of the Internet Computer that callers must keep.
const (
	PageBytes      = 1 << 16 // bytes in a page of stable memory
	MaxCertified   = 32      // bytes of certified data
	MaxEnvironment = 128     // bytes of an environment variable's name
	MaxBestEffort  = 300     // seconds a bounded-wait call may ask for
	MaxPayload     = 2 << 20 // bytes of an argument or a reply between subnets
	PerformMessage = 0       // PerformanceCounter: instructions of this message
	PerformContext = 1       // PerformanceCounter: instructions of the call context
	StatusRunning  = 1
	StatusStopping = 2
	StatusStopped  = 3
	PerformedCall  = 0 // CallPerform: the call leaves when this message succeeds
)

// API is what a canister can ask of its host. Cycles are a pair of halves of 128 bits.
type API interface {
	// Arg is the argument of a call, or the reply in a reply callback.
	Arg() []byte
	Caller() []byte
	// RejectCode is 0 in a reply callback and the code of the reject elsewhere.
	RejectCode() uint32
	RejectMessage() []byte
	// Deadline is in ns since 1970, 0 for a caller that waits without bound.
	Deadline() uint64
	ReplyAppend(data []byte)
	Reply()
	Reject(text []byte)

	CyclesAvailable() (hi, lo uint64)
	CyclesAccept(hi, lo uint64) (gotHi, gotLo uint64)
	CyclesRefunded() (hi, lo uint64)
	Balance() (hi, lo uint64)
	LiquidBalance() (hi, lo uint64)

	Self() []byte
	Status() uint32
	Version() uint64
	// Time is in ns since 1970 and stands still inside a message.
	Time() uint64
	MethodName() []byte
	AcceptMessage()

	CallNew(callee, method []byte, replyFun, replyEnv, rejectFun, rejectEnv uint32)
	CallOnCleanup(fun, env uint32)
	CallDataAppend(data []byte)
	CallCyclesAdd(hi, lo uint64)
	// CallBestEffort makes the call under construction a bounded-wait one, in seconds.
	CallBestEffort(seconds uint32)
	// CostCall is what a call with a name and an argument of so many bytes holds back.
	CostCall(name, arg uint64) (hi, lo uint64)
	// CallPerform is [PerformedCall], or another number when no callback will run.
	CallPerform() uint32

	// StableSize is in pages of [PageBytes].
	StableSize() uint64
	// StableGrow returns the size before, or all ones when the host refuses.
	StableGrow(pages uint64) uint64
	StableWrite(offset uint64, data []byte)
	StableRead(offset uint64, into []byte)

	RootKey() []byte
	SetCertifiedData(data []byte)
	DataCertificate() ([]byte, bool)
	// SetTimer arms the one timer for a time in ns since 1970, 0 for never, and returns the time before.
	SetTimer(at uint64) uint64
	PerformanceCounter(kind uint32) uint64
	IsController(principal []byte) bool
	// Environment is the value of an environment variable, false if there is none of the
	// name, which has at most [MaxEnvironment] bytes.
	Environment(name []byte) ([]byte, bool)
	Replicated() bool
	Print(text []byte)
	// Trap ends the message and undoes all it did. It does not return.
	Trap(text []byte)
}
