package door

import "assay/ic/replica"

// query runs a query and signs what it answered with the node's key.
func (d *door) query(x *exchange) error {
	arg, reject := d.Engine.Query(x.ctx, replica.Query{
		Sender: x.authority.sender, Canister: x.canister, Effective: x.id, Method: x.method, Arg: x.arg, Info: x.callerInfo(),
	})
	if arg == nil {
		arg = []byte{}
	}
	answer := map[string]any{"status": "replied", "reply": map[string]any{"arg": arg}}
	if reject != nil {
		answer = rejectFields(reject)
		answer["status"] = "rejected"
	}
	now := d.now()
	signed := map[string]any{"request_id": x.request.id[:], "timestamp": now}
	for name, v := range answer {
		signed[name] = v
	}
	hash, err := hashMap(signed)
	if err != nil {
		return err
	}
	answer["signatures"] = []any{map[string]any{
		"timestamp": now,
		"signature": d.Certifier.SignResponse(hash),
		"identity":  d.Certifier.Node().Bytes(),
	}}
	return x.answer(answer)
}
