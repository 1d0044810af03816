//go:build wasip1

package system

import (
	"encoding/binary"
	"unsafe"
)

// Canister is the real thing: calls into the host that runs this module.
type Canister struct{}

var _ API = Canister{}

// at is a pointer that is valid for an empty slice too.
func at(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func size(b []byte) uint32 { return uint32(len(b)) }

// The two stable memory calls take addresses as numbers, so the compiler must be told
// that the buffers may not live on a stack, which moves when it grows.

//go:uintptrescapes
func writeFrom(src uintptr, offset, size uint64) { stableWrite(offset, uint64(src), size) }

//go:uintptrescapes
func readInto(dst uintptr, offset, size uint64) { stableRead(uint64(dst), offset, size) }

// collect copies out what a pair of size and copy calls offers.
func collect(n uint32, read func(unsafe.Pointer, uint32, uint32)) []byte {
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	read(at(b), 0, n)
	return b
}

func halves(read func(unsafe.Pointer)) (hi, lo uint64) {
	b := make([]byte, 16)
	read(at(b))
	return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b)
}

// Arg copies the message's argument or the reply.
func (Canister) Arg() []byte { return collect(msgArgDataSize(), msgArgDataCopy) }

// Caller is the raw principal that sent the message.
func (Canister) Caller() []byte { return collect(msgCallerSize(), msgCallerCopy) }

// RejectCode is 0 for a reply.
func (Canister) RejectCode() uint32 { return msgRejectCode() }

// RejectMessage is the text of a reject.
func (Canister) RejectMessage() []byte { return collect(msgRejectMsgSize(), msgRejectMsgCopy) }

// Deadline is when the caller stops waiting.
func (Canister) Deadline() uint64 { return msgDeadline() }

// ReplyAppend adds to the reply.
func (Canister) ReplyAppend(data []byte) { msgReplyDataAppend(at(data), size(data)) }

// Reply sends the reply.
func (Canister) Reply() { msgReply() }

// Reject answers the caller with a text.
func (Canister) Reject(text []byte) { msgReject(at(text), size(text)) }

// CyclesAvailable is what the caller attached and was not accepted yet.
func (Canister) CyclesAvailable() (hi, lo uint64) { return halves(msgCyclesAvailable) }

// CyclesAccept takes at most so many cycles.
func (Canister) CyclesAccept(hi, lo uint64) (gotHi, gotLo uint64) {
	return halves(func(p unsafe.Pointer) { msgCyclesAccept(hi, lo, p) })
}

// CyclesRefunded is what a callee did not accept.
func (Canister) CyclesRefunded() (hi, lo uint64) { return halves(msgCyclesRefunded) }

// Balance is all that the canister holds.
func (Canister) Balance() (hi, lo uint64) { return halves(canisterCycleBalance) }

// LiquidBalance is what the canister may spend without being frozen.
func (Canister) LiquidBalance() (hi, lo uint64) { return halves(canisterLiquidBalance) }

// Self is the canister's raw principal.
func (Canister) Self() []byte { return collect(canisterSelfSize(), canisterSelfCopy) }

// Status says running, stopping or stopped.
func (Canister) Status() uint32 { return canisterStatus() }

// Version rises with every change of the canister.
func (Canister) Version() uint64 { return canisterVersion() }

// Time is the host's time.
func (Canister) Time() uint64 { return now() }

// MethodName is the method that an inspected message wants.
func (Canister) MethodName() []byte { return collect(msgMethodNameSize(), msgMethodNameCopy) }

// AcceptMessage lets an inspected message in.
func (Canister) AcceptMessage() { acceptMessage() }

// CallNew begins a call.
func (Canister) CallNew(callee, method []byte, replyFun, replyEnv, rejectFun, rejectEnv uint32) {
	callNew(at(callee), size(callee), at(method), size(method), replyFun, replyEnv, rejectFun, rejectEnv)
}

// CallOnCleanup names the cleanup callback.
func (Canister) CallOnCleanup(fun, env uint32) { callOnCleanup(fun, env) }

// CallDataAppend adds to the argument.
func (Canister) CallDataAppend(data []byte) { callDataAppend(at(data), size(data)) }

// CallCyclesAdd attaches cycles.
func (Canister) CallCyclesAdd(hi, lo uint64) { callCyclesAdd(hi, lo) }

// CallBestEffort bounds the wait.
func (Canister) CallBestEffort(seconds uint32) { callBestEffort(seconds) }

// CostCall is the price of a call.
func (Canister) CostCall(name, arg uint64) (hi, lo uint64) {
	return halves(func(p unsafe.Pointer) { costCall(name, arg, p) })
}

// CallPerform sends the call.
func (Canister) CallPerform() uint32 { return callPerform() }

// StableSize is in pages.
func (Canister) StableSize() uint64 { return stableSize() }

// StableGrow adds pages.
func (Canister) StableGrow(pages uint64) uint64 { return stableGrow(pages) }

// StableWrite stores bytes.
func (Canister) StableWrite(offset uint64, data []byte) {
	writeFrom(uintptr(unsafe.Pointer(unsafe.SliceData(data))), offset, uint64(len(data)))
}

// StableRead fills into.
func (Canister) StableRead(offset uint64, into []byte) {
	readInto(uintptr(unsafe.Pointer(unsafe.SliceData(into))), offset, uint64(len(into)))
}

// RootKey is the network's root key, DER.
func (Canister) RootKey() []byte { return collect(rootKeySize(), rootKeyCopy) }

// SetCertifiedData sets up to [MaxCertified] bytes.
func (Canister) SetCertifiedData(data []byte) { certifiedDataSet(at(data), size(data)) }

// DataCertificate is present in a query that was not replicated.
func (Canister) DataCertificate() ([]byte, bool) {
	if dataCertificatePresent() == 0 {
		return nil, false
	}
	return collect(dataCertificateSize(), dataCertificateCopy), true
}

// SetTimer arms the timer.
func (Canister) SetTimer(at uint64) uint64 { return globalTimerSet(at) }

// PerformanceCounter counts instructions.
func (Canister) PerformanceCounter(kind uint32) uint64 { return performanceCounter(kind) }

// Environment is the value of an environment variable, false if there is none of the name.
func (Canister) Environment(name []byte) ([]byte, bool) {
	if envVarNameExists(at(name), size(name)) == 0 {
		return nil, false
	}
	return collect(envVarValueSize(at(name), size(name)), func(dst unsafe.Pointer, offset, n uint32) {
		envVarValueCopy(at(name), size(name), dst, offset, n)
	}), true
}

// IsController asks whether the principal controls this canister.
func (Canister) IsController(principal []byte) bool {
	return isController(at(principal), size(principal)) != 0
}

// Replicated tells an update from a query that one node runs.
func (Canister) Replicated() bool { return inReplicatedExecution() != 0 }

// Print writes to the canister's log.
func (Canister) Print(text []byte) { debugPrint(at(text), size(text)) }

// Trap does not return.
func (Canister) Trap(text []byte) {
	trap(at(text), size(text))
	panic("unreachable: the host trapped")
}
