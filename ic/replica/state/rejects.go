package state

import (
	"fmt"

	"assay/ic/principal"
)

// Error codes that the network gives; the first digit is the reject code. Those of
// failed executions are in ic/replica/host.
const (
	CodeOversubscribed   = "IC0101"
	CodeQueueFull        = "IC0201"
	CodeQueueNotEmpty    = "IC0203"
	CodeIngressTimeout   = "IC0202"
	CodeStopTimeout      = "IC0206"
	CodeOutOfCycles      = "IC0207"
	CodeIDExists         = "IC0205"
	CodeEnded            = "IC0208"
	CodeCanisterNotFound = "IC0301"
	CodeSnapshotNotFound = "IC0305"
	CodeTooFewToCreate   = "IC0403"
	CodeSubnetNotFound   = "IC0404"
	CodeNotHosted        = "IC0405"
	CodeRefused          = "IC0406"
	CodeUnknownMethod    = "IC0407"
	CodeBadPayload       = "IC0408"
	CodeSnapshotFixed    = "IC0409"
	CodeNotEnabled       = "IC0504"
	CodeInvalidWasm      = "IC0505"
	CodeNoReply          = "IC0506"
	CodeStopped          = "IC0508"
	CodeStopping         = "IC0509"
	CodeNotStopped       = "IC0510"
	CodeStopCancelled    = "IC0511"
	CodeNotController    = "IC0512"
	CodeNotEmpty         = "IC0514"
	CodeTooFewAttached   = "IC0520"
	CodeEngine           = "IC0521"
	CodeQueryDepth       = "IC0525"
	CodeQueryInstr       = "IC0526"
	CodeComposite        = "IC0527"
	CodeComputeCycles    = "IC0530"
	CodeMemoryCycles     = "IC0531"
	CodeGrowCycles       = "IC0532"
	CodeAllocReserved    = "IC0533"
	CodeGrowReserved     = "IC0534"
	CodeMethodNotFound   = "IC0536"
	CodeNoModule         = "IC0537"
	CodeInstalled        = "IC0538"
	CodeLimitTooLow      = "IC0540"
	CodeDeadline         = "IC0601"
)

// reject makes a reject; its code is the error code's first digit.
func reject(code, format string, args ...any) *Reject {
	return &Reject{Code: int(code[3] - '0'), ErrorCode: code, Message: fmt.Sprintf(format, args...)}
}

func notFound(canister principal.Principal) *Reject {
	return reject(CodeCanisterNotFound, "Canister %s not found", canister)
}

func uninstalled(canister principal.Principal) *Reject {
	return reject(CodeRefused, "Canister %s has been uninstalled", canister)
}

// answer is a reply, or a reject where Reject is not nil.
type answer struct {
	Reply  []byte
	Reject *Reject
}

func replyOf(b []byte) answer   { return answer{Reply: b} }
func rejectOf(r *Reject) answer { return answer{Reject: r} }
func (a answer) size() (n uint64) {
	if a.Reject != nil {
		return uint64(len(a.Reject.Message))
	}
	return uint64(len(a.Reply))
}
