package agent

import (
	"context"
	"errors"
	"net/http"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Update calls a method that may change state, waits for the certified answer and
// returns the reply. Errors are [*Error].
func (a *Agent) Update(ctx context.Context, canister principal.Principal, method string, arg []byte) ([]byte, error) {
	return a.UpdateEffective(ctx, canister, canister, method, arg)
}

// UpdateEffective is Update with the effective id, which differs from the canister for
// calls of the management canister alone.
func (a *Agent) UpdateEffective(ctx context.Context, canister, effective principal.Principal, method string, arg []byte) ([]byte, error) {
	req, expiry := a.request("call", canister, method, arg)
	body, id, err := req.sign(a.cfg.Identity)
	if err != nil {
		return nil, problem("update", canister, method, No, err)
	}
	reply, err := a.call(ctx, effective, body, id, expiry)
	if err != nil {
		return nil, problem("update", canister, method, Unknown, err)
	}
	return reply, nil
}

func (a *Agent) call(ctx context.Context, effective principal.Principal, body []byte, id [32]byte, expiry uint64) ([]byte, error) {
	raw, err := a.send(ctx, effective, body)
	if err != nil {
		return nil, err
	}
	if raw == nil { // 202: taken, not yet answered
		return a.poll(ctx, effective, id, expiry)
	}
	c, err := a.verify(raw, effective)
	if err != nil {
		return nil, err
	}
	reply, done, err := outcome(c, id)
	if err != nil || done {
		return reply, err
	}
	return a.poll(ctx, effective, id, expiry)
}

// maxSends is how often a call is sent while connections break.
const maxSends = 3

// send sends the call, and the same bytes again if the connection broke: the network
// knows a request by its id and executes it once.
func (a *Agent) send(ctx context.Context, effective principal.Principal, body []byte) ([]byte, error) {
	arrived := false // an earlier try may have, although its answer did not
	for try := 1; ; try++ {
		raw, err := a.client.Call(ctx, foreign(effective), body)
		if err != nil && arrived {
			err = &sentError{err}
		}
		if err == nil || !broken(ctx, err) || try == maxSends {
			return raw, err
		}
		arrived = arrived || !undialled(err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(a.cfg.Poll):
		}
	}
}

// broken reports whether the transport failed, rather than the network or the caller's
// context.
func broken(ctx context.Context, err error) bool {
	var answer *AnswerError
	var status *HTTPError
	var reject *RejectError
	return ctx.Err() == nil && !errors.As(err, &answer) && !errors.As(err, &status) && !errors.As(err, &reject) && !errors.Is(err, ErrTooLarge)
}

// poll looks at the call's status until it has one that is final, or its validity has
// passed by the network's clock without a trace of it.
func (a *Agent) poll(ctx context.Context, effective principal.Principal, id [32]byte, expiry uint64) ([]byte, error) {
	reply, err := a.look(ctx, effective, id, expiry)
	if err != nil {
		return nil, &sentError{err}
	}
	return reply, nil
}

func (a *Agent) look(ctx context.Context, effective principal.Principal, id [32]byte, expiry uint64) ([]byte, error) {
	pause := a.cfg.Poll
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
		}
		c, _, err := a.readState(ctx, effective, [][][]byte{{[]byte("request_status"), id[:]}})
		if err == nil {
			if reply, done, err := outcome(c, id); err != nil || done {
				return reply, err
			}
			if expired(c, id, expiry) {
				return nil, ErrExpired
			}
		} else if !passing(ctx, err) || a.cfg.Now().After(time.Unix(0, int64(expiry)).Add(a.cfg.MaxAge)) {
			return nil, err
		}
		pause = min(pause*3/2, 8*a.cfg.Poll)
		timer.Reset(pause)
	}
}

// passing reports whether a look at the status failed for a reason that may pass, such
// as a lost connection or a busy network: the call itself goes on.
func passing(ctx context.Context, err error) bool {
	var status *HTTPError
	if errors.As(err, &status) {
		return status.Status == http.StatusTooManyRequests || status.Status >= 500
	}
	return broken(ctx, err)
}

func expired(c *certificate.Certificate, id [32]byte, expiry uint64) bool {
	at, err := c.Time()
	if err != nil || uint64(at.UnixNano()) <= expiry {
		return false
	}
	_, result := c.Tree.Lookup([]byte("request_status"), id[:], []byte("status"))
	return result == hashtree.Absent
}

// outcome reads a call's fate from a verified certificate. Done is false while the
// network works on it or has not heard of it.
func outcome(c *certificate.Certificate, id [32]byte) (reply []byte, done bool, err error) {
	look := func(name string) ([]byte, hashtree.Result) {
		return c.Tree.Lookup([]byte("request_status"), id[:], []byte(name))
	}
	status, result := look("status")
	if result == hashtree.Absent {
		return nil, false, nil
	}
	if result != hashtree.Found {
		return nil, false, refuse("status of request %x is %s in the certificate", id, result)
	}
	switch string(status) {
	case "received", "processing":
		return nil, false, nil
	case "replied":
		reply, result := look("reply")
		if result != hashtree.Found {
			return nil, false, refuse("reply of request %x is %s in the certificate", id, result)
		}
		return append([]byte{}, reply...), true, nil
	case "rejected":
		return nil, true, rejected(look)
	case "done":
		return nil, true, ErrReplyLost
	}
	return nil, false, refuse("status %.32q", status)
}

func rejected(look func(string) ([]byte, hashtree.Result)) error {
	rawCode, codeResult := look("reject_code")
	message, messageResult := look("reject_message")
	if codeResult != hashtree.Found || messageResult != hashtree.Found {
		return refuse("a reject with code %s and message %s", codeResult, messageResult)
	}
	n, err := certificate.ParseNat(rawCode)
	if err != nil {
		return &AnswerError{err}
	}
	code, err := rejectCode(n)
	if err != nil {
		return err
	}
	errorCode, _ := look("error_code")
	return &RejectError{Code: code, ErrorCode: string(errorCode), Message: string(message), Certified: true}
}
