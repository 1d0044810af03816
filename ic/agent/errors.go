package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"assay/ic/principal"
)

// Happened says whether a failed call may have changed the canister's state.
type Happened uint8

// The answers to: did anything happen?
const (
	Unknown Happened = iota // it may have
	No                      // it did not and will not
	Yes                     // it did: the canister ran
)

// String is the answer in a word.
func (h Happened) String() string { return [...]string{"unknown", "no", "yes"}[h%3] }

var (
	// ErrTooLarge: the request or the answer is larger than allowed.
	ErrTooLarge = errors.New("message too large")
	// ErrReplyLost: the call was executed, but the network no longer knows the reply.
	ErrReplyLost = errors.New("call is done, its reply is no longer known")
	// ErrExpired: the call's validity passed without the network taking it.
	ErrExpired = errors.New("call expired before it was executed")
)

// Error is what every failing call returns: what was done, why it failed, whether it
// happened and whether to try again. Inside is a [*RejectError], [*HTTPError],
// [*AnswerError] or a cause of the transport.
type Error struct {
	Op       string // "update", "query", "read state"
	Canister principal.Principal
	Method   string
	Err      error
	happened Happened
}

// Error says what was done, to which canister, why it failed.
func (e *Error) Error() string {
	if e.Method == "" {
		return fmt.Sprintf("%s of %s: %v", e.Op, e.Canister, e.Err)
	}
	return fmt.Sprintf("%s %s of %s: %v", e.Op, e.Method, e.Canister, e.Err)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Happened says whether the call may have changed state. Queries never do.
func (e *Error) Happened() Happened { return e.happened }

// Retry reports whether the same call may succeed later. Unless Happened is No, repeat
// only calls that are safe to repeat. It goes by what an honest network means, signed or
// not: a busy one asks to come back, one that refused a request will refuse it again.
func (e *Error) Retry() bool {
	var reject *RejectError
	var status *HTTPError
	var answer *AnswerError
	switch {
	case errors.As(e.Err, &reject):
		return reject.Code == SysTransient || reject.Code == SysUnknown || arrivals[reject.ErrorCode].passes
	case errors.As(e.Err, &status):
		return status.Status == http.StatusTooManyRequests || status.Status >= 500
	case errors.As(e.Err, &answer), errors.Is(e.Err, ErrTooLarge), errors.Is(e.Err, ErrReplyLost), errors.Is(e.Err, context.Canceled):
		return false
	}
	return true
}

// RejectCode is why a network or canister refused a call.
type RejectCode uint8

// The reject codes of the interface specification.
const (
	SysFatal           RejectCode = 1
	SysTransient       RejectCode = 2
	DestinationInvalid RejectCode = 3
	CanisterReject     RejectCode = 4
	CanisterError      RejectCode = 5
	SysUnknown         RejectCode = 6
)

// RejectError is a refusal by the network or the canister.
type RejectError struct {
	Code      RejectCode
	ErrorCode string // such as IC0301, may be empty
	Message   string
	Certified bool // false: one node or gateway says so, no subnet signed it
}

// Error gives codes and message.
func (e *RejectError) Error() string {
	if e.ErrorCode == "" {
		return fmt.Sprintf("rejected (code %d): %s", e.Code, e.Message)
	}
	return fmt.Sprintf("rejected (code %d, %s): %s", e.Code, e.ErrorCode, e.Message)
}

// arrivals are the error codes of a call that was turned away at the canister's door,
// so that nothing ran, although the reject code is the one of a failed execution.
// passes says whether the reason may pass: a canister is stopped for an upgrade.
var arrivals = map[string]struct{ passes bool }{
	"IC0207": {true},  // out of cycles
	"IC0508": {true},  // stopped
	"IC0509": {true},  // stopping
	"IC0536": {false}, // no such method
	"IC0537": {false}, // no module
}

// happened, of a certified refusal: the codes below CanisterReject come from the network
// before the canister ran. A canister's own refusal means that it ran. After a trap, effects of before its
// last await stay.
func (e *RejectError) happened() Happened {
	_, away := arrivals[e.ErrorCode]
	switch {
	case e.Code < CanisterReject || away:
		return No
	case e.Code == CanisterReject:
		return Yes
	}
	return Unknown
}

// HTTPError is an answer that is no success.
type HTTPError struct {
	Status int
	Text   string // the beginning of the body
}

// Error gives status and text.
func (e *HTTPError) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s", e.Status, http.StatusText(e.Status), e.Text)
}

// AnswerError is an answer that must not be believed: malformed, unsigned, signed by
// somebody else, stale, or about something else.
type AnswerError struct{ Err error }

// Error says why.
func (e *AnswerError) Error() string { return "answer refused: " + e.Err.Error() }

// Unwrap is the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

func refuse(format string, args ...any) error { return &AnswerError{fmt.Errorf(format, args...)} }

// problem wraps a cause. Sent is what is known when nothing better follows from it: a
// certificate, or that nothing left this machine. Whatever is unsigned proves nothing: a
// gateway may forward a call and then answer with an HTTP error or a refusal of its own
// making, so all of these leave an update's fate unknown.
func problem(op string, canister principal.Principal, method string, sent Happened, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := &Error{Op: op, Canister: canister, Method: method, Err: err, happened: sent}
	if sent == No {
		return e
	}
	var reject *RejectError
	var arrived *sentError
	switch {
	case errors.As(err, &reject) && reject.Certified:
		e.happened = reject.happened()
	case errors.Is(err, ErrExpired):
		e.happened = No
	case errors.Is(err, ErrReplyLost):
		e.happened = Yes
	case errors.As(err, &arrived):
		// What fails now says nothing about the request that may have arrived before.
	case undialled(err):
		e.happened = No
	}
	return e
}

// sentError is a failure after the request, or an earlier try of it, may have arrived.
type sentError struct{ err error }

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

// undialled reports whether no connection came about, so that nothing was sent.
func undialled(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}
