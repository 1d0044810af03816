package door

import (
	"context"
	"net/http"
	"time"

	"assay/ic/replica"
)

// submit hands a call in and waits until it is kept.
func (d *door) submit(x *exchange) (*replica.Reject, error) {
	if len(x.arg) > maxArg {
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request 0x%x is too large: its argument has %d bytes, more than the %d allowed.", x.request.id, len(x.arg), maxArg)
	}
	reject := d.Engine.Submit(x.ctx, replica.Ingress{
		ID: x.request.id, Sender: x.authority.sender, Canister: x.canister, Effective: x.id,
		Method: x.method, Arg: x.arg, Info: x.callerInfo(), Expiry: time.Unix(0, int64(x.expiry)),
	})
	if reject != nil && reject.ErrorCode == codeQueueFull {
		return nil, refuse(http.StatusTooManyRequests, "Service is overloaded, try again later: %s", reject.Message)
	}
	if reject != nil {
		return reject, nil
	}
	if err := d.Engine.Kept(x.ctx, x.request.id); err != nil {
		return nil, refuse(http.StatusServiceUnavailable, "The call was not taken: %v", err)
	}
	return nil, nil
}

// codeQueueFull is the rejection of a network that has too many calls waiting.
const codeQueueFull = "IC0201"

// callerInfo is what the canister that signed for the sender says of it.
func (x *exchange) callerInfo() replica.CallerInfo {
	if x.info == nil {
		return replica.CallerInfo{}
	}
	return replica.CallerInfo{Data: x.info.info, Signer: x.info.signer}
}

// callAsync takes a call and answers at once: 202, or why it was not taken.
func (d *door) callAsync(x *exchange) error {
	reject, err := d.submit(x)
	if err != nil {
		return err
	}
	if reject != nil {
		return x.answer(rejectFields(reject))
	}
	x.WriteHeader(http.StatusAccepted)
	return nil
}

// callSync takes a call and waits for its answer, which it certifies; 202 means that
// the client has to ask again with read_state.
func (d *door) callSync(x *exchange) error {
	reject, err := d.submit(x)
	if err != nil {
		return err
	}
	if reject != nil {
		answer := rejectFields(reject)
		answer["status"] = "non_replicated_rejection"
		return x.answer(answer)
	}
	ctx, cancel := context.WithTimeout(x.ctx, d.Wait)
	defer cancel()
	status, err := d.Engine.Await(ctx, x.request.id)
	if err != nil || !status.Phase.Final() {
		x.WriteHeader(http.StatusAccepted)
		return nil
	}
	// The sender is the request's own: the id covers it.
	certificate, err := d.answers.certify(x.request.id, status, x.sharded)
	if err != nil {
		return err
	}
	return x.answer(map[string]any{"status": "replied", "certificate": certificate})
}

func rejectFields(r *replica.Reject) map[string]any {
	return map[string]any{"reject_code": uint64(r.Code), "reject_message": r.Message, "error_code": r.ErrorCode}
}
