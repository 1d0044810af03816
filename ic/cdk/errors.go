package cdk

import (
	"errors"
	"fmt"
	"strings"
)

// What a use of a message handle can be refused for. Nothing has changed then.
var (
	// ErrForeign is returned when a handle is used outside its own execution and callbacks.
	ErrForeign = errors.New("the message handle belongs to another message")
	// ErrCleanup is returned to deferred code that calls or answers after a trap.
	ErrCleanup = errors.New("the message is cleaning up after a trap: it cannot call or answer")
	// ErrAnswered is returned for a second reply or reject.
	ErrAnswered = errors.New("the message has been answered")
	// ErrNotAllowed is returned for what this kind of message cannot do, such as a call in a query.
	ErrNotAllowed = errors.New("not allowed in this kind of message")
	// ErrGoroutine is returned off chain for a call from a goroutine that a handler started.
	ErrGoroutine = errors.New("off chain only the handler's own goroutine may call; use cdk.All for parallel calls")
	// ErrPanicking is returned for a call from a deferred function that runs because of a
	// panic, recovered or not: waiting there would keep what the message is about to undo.
	ErrPanicking = errors.New("a deferred function cannot call while it runs for a panic")
	// ErrUnknownTask is returned for a task that [Program.Tasks] does not name.
	ErrUnknownTask = errors.New("unknown task")
)

// Code is a reject code of the Internet Computer.
type Code uint32

// The reject codes.
const (
	SysFatal           Code = 1
	SysTransient       Code = 2
	DestinationInvalid Code = 3
	CanisterReject     Code = 4
	CanisterError      Code = 5
	SysUnknown         Code = 6 // a bounded-wait call whose outcome is not known
)

// String is the code's name in the Internet Computer's interface specification.
func (c Code) String() string {
	switch c {
	case SysFatal:
		return "SYS_FATAL"
	case SysTransient:
		return "SYS_TRANSIENT"
	case DestinationInvalid:
		return "DESTINATION_INVALID"
	case CanisterReject:
		return "CANISTER_REJECT"
	case CanisterError:
		return "CANISTER_ERROR"
	case SysUnknown:
		return "SYS_UNKNOWN"
	}
	return fmt.Sprintf("reject code %d", uint32(c))
}

// Happened says whether a call had an effect.
type Happened uint8

// Answers of [CallError.Happened].
const (
	Unknown Happened = iota
	No
	Yes
)

// RetryPrefix begins the text of a reject after which the same call may be made again at
// once. The kit sends it for calls that an upgrade cut off and for errors made by
// [Retryable].
const RetryPrefix = "retry: "

// CallError is how a call to another canister failed.
type CallError struct {
	Code    Code
	Message string
	// Sent is false when the call never left this canister.
	Sent bool
}

// Error names the code and gives the text.
func (e *CallError) Error() string {
	if !e.Sent {
		return "call not sent: " + e.Message
	}
	return fmt.Sprintf("call rejected, %s: %s", e.Code, e.Message)
}

// Happened says whether the callee ran: Yes after a reject of its own, which may have
// left effects; Unknown after a trap, whose earlier messages may have left some, and when
// no answer came in time.
func (e *CallError) Happened() Happened {
	switch {
	case !e.Sent, e.Code == SysFatal, e.Code == SysTransient, e.Code == DestinationInvalid:
		return No
	case e.Code == CanisterReject:
		return Yes
	}
	return Unknown
}

// Retry reports whether the same call may be made again without harm and may succeed.
func (e *CallError) Retry() bool {
	return e.Code == SysTransient || e.Code == CanisterReject && strings.HasPrefix(e.Message, RetryPrefix)
}

// Retryable is err, marked by a handler to tell its caller that the same call may be made
// again at once.
func Retryable(err error) error { return retryable{err} }

type retryable struct{ error }

func (r retryable) Unwrap() error { return r.error }

// rejectText is the text of a reject for a handler's error.
func rejectText(err error) string {
	var r retryable
	if errors.As(err, &r) {
		return RetryPrefix + err.Error()
	}
	return err.Error()
}
