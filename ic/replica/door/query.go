package door

import (
	"assay/ic/replica"
)

// query runs a query and signs what it answered with the node's key.
func (d *door) query(x *exchange) error {
	if err := x.checkEffective(); err != nil {
		return err
	}
	arg, reject := d.Engine.Query(x.ctx, replica.Query{
		Sender: x.sender(), Canister: x.canister, Effective: x.id, Method: x.method, Arg: x.arg,
	})
	answer := map[string]any{"status": "replied", "reply": map[string]any{"arg": arg}}
	if arg == nil {
		answer["reply"] = map[string]any{"arg": []byte{}}
	}
	if reject != nil {
		answer = rejectFields(reject)
		answer["status"] = "rejected"
	}
	now := uint64(d.Engine.Time().UnixNano())
	id := x.id32()
	signed := map[string]any{"request_id": id[:], "timestamp": now}
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
