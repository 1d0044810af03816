package door

import (
	"context"
	"errors"
	"net/http"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica"
)

// checkEffective holds that the id in the path is the canister called, or for the
// management canister some canister that the call is about.
func (x *exchange) checkEffective() error {
	if x.canister != principal.Management && x.canister != x.id {
		return refuse(http.StatusBadRequest, "Specified CanisterId %s does not match effective canister id in URL %s", x.canister, x.id)
	}
	return nil
}

// submit hands a call in and waits until it is kept.
func (d *door) submit(x *exchange) (*replica.Reject, error) {
	if err := x.checkEffective(); err != nil {
		return nil, err
	}
	reject := d.Engine.Submit(x.ctx, replica.Ingress{
		ID: x.id32(), Sender: x.sender(), Canister: x.canister, Effective: x.id,
		Method: x.method, Arg: x.arg, Expiry: time.Unix(0, int64(x.expiry)),
	})
	if reject != nil {
		return reject, nil
	}
	err := d.Engine.Kept(x.ctx, x.id32())
	if errors.Is(err, replica.ErrNotKept) || errors.Is(err, replica.ErrEnded) {
		return nil, refuse(http.StatusServiceUnavailable, "The call was not taken: %v", err)
	}
	return nil, err
}

func (x *exchange) id32() replica.RequestID { return x.request.id }

func (x *exchange) sender() principal.Principal { return x.authority.sender }

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
	status, err := d.Engine.Await(ctx, x.id32())
	if err != nil || !status.Phase.Final() {
		x.WriteHeader(http.StatusAccepted)
		return nil
	}
	// The sender is the request's own: the id covers it.
	b := d.tree()
	setStatus(b, x.id32(), status)
	return d.answerCertificate(x, b, map[string]any{"status": "replied"})
}

func rejectFields(r *replica.Reject) map[string]any {
	return map[string]any{"reject_code": uint64(r.Code), "reject_message": r.Message, "error_code": r.ErrorCode}
}

// tree begins a certificate's tree with the network's time.
func (d *door) tree() *hashtree.Builder {
	now := uint64(d.Engine.Time().UnixNano())
	return hashtree.NewBuilder().Set(certificate.AppendNat(nil, now), []byte("time"))
}

// setStatus puts what is known of a request into a tree.
func setStatus(b *hashtree.Builder, id replica.RequestID, s replica.Status) {
	set := func(name string, value []byte) {
		b.Set(value, []byte("request_status"), id[:], []byte(name))
	}
	set("status", []byte(s.Phase.String()))
	switch {
	case s.Phase == replica.Replied:
		set("reply", s.Reply)
	case s.Phase == replica.Rejected && s.Reject != nil:
		set("reject_code", certificate.AppendNat(nil, uint64(s.Reject.Code)))
		set("reject_message", []byte(s.Reject.Message))
		set("error_code", []byte(s.Reject.ErrorCode))
	}
}

// answerCertificate signs the tree and sends it with the other fields.
func (d *door) answerCertificate(x *exchange, b *hashtree.Builder, fields map[string]any) error {
	tree, err := b.Tree()
	if err != nil {
		return err
	}
	if fields["certificate"], err = d.Certifier.Certify(tree, x.sharded); err != nil {
		return err
	}
	return x.answer(fields)
}
