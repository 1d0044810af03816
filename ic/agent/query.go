package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"time"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// maxNodeKeysAge is how long certified node keys are used before they are read again.
const maxNodeKeysAge = time.Hour

// Query calls a method that changes nothing and checks that nodes of the canister's
// subnet signed the answer. One node answers: what must be certain belongs into an
// update, or into certified data with a witness. Errors are [*Error].
func (a *Agent) Query(ctx context.Context, canister principal.Principal, method string, arg []byte) ([]byte, error) {
	return a.query(ctx, canister, canister, method, arg)
}

func (a *Agent) query(ctx context.Context, canister, effective principal.Principal, method string, arg []byte) ([]byte, error) {
	req, _ := a.request("query", canister, method, arg)
	reply, err := a.ask(ctx, effective, req)
	if err != nil {
		return nil, problem("query", canister, method, No, err)
	}
	return reply, nil
}

type queryAnswer struct {
	Status string `cbor:"status"`
	Reply  struct {
		Arg []byte `cbor:"arg"`
	} `cbor:"reply"`
	RejectCode    uint64          `cbor:"reject_code"`
	RejectMessage string          `cbor:"reject_message"`
	ErrorCode     *string         `cbor:"error_code"`
	Signatures    []nodeSignature `cbor:"signatures"`
}

type nodeSignature struct {
	Timestamp uint64 `cbor:"timestamp"` // ns since 1970
	Signature []byte `cbor:"signature"`
	Identity  []byte `cbor:"identity"`
}

func (a *Agent) ask(ctx context.Context, effective principal.Principal, req content) ([]byte, error) {
	body, id, err := req.sign(a.cfg.Identity)
	if err != nil {
		return nil, err
	}
	raw, err := a.client.Query(ctx, foreign(effective), body)
	if err != nil {
		return nil, err
	}
	var answer queryAnswer
	if err := unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	if err := a.checkSignatures(ctx, effective, answer, id); err != nil {
		return nil, err
	}
	if answer.Status == "replied" {
		return answer.Reply.Arg, nil
	}
	code, err := rejectCode(answer.RejectCode)
	if err != nil {
		return nil, err
	}
	reject := &RejectError{Code: code, Message: answer.RejectMessage}
	if answer.ErrorCode != nil {
		reject.ErrorCode = *answer.ErrorCode
	}
	return nil, reject
}

// signed is what a node signed for this answer at its time.
func (q queryAnswer) signed(id [32]byte, timestamp uint64) ([]byte, error) {
	c := content{{"status", q.Status}, {"timestamp", timestamp}, {"request_id", id[:]}}
	switch q.Status {
	case "replied":
		c = append(c, field{"reply", content{{"arg", q.Reply.Arg}}})
	case "rejected":
		c = append(c, field{"reject_code", q.RejectCode}, field{"reject_message", q.RejectMessage})
		if q.ErrorCode != nil {
			c = append(c, field{"error_code", *q.ErrorCode})
		}
	default:
		return nil, refuse("query status %.32q", q.Status)
	}
	h := c.hash()
	return append([]byte("\x0bic-response"), h[:]...), nil
}

// checkSignatures wants at least one signature, every one of them by another node of
// the subnet, recent, and over this answer to this request.
func (a *Agent) checkSignatures(ctx context.Context, effective principal.Principal, answer queryAnswer, id [32]byte) error {
	if len(answer.Signatures) == 0 {
		return refuse("no node signed the query's answer")
	}
	keys, err := a.nodeKeys(ctx, effective, answer.Signatures)
	if err != nil {
		return err
	}
	if len(answer.Signatures) > len(keys.byNode) {
		return refuse("%d signatures of %d nodes", len(answer.Signatures), len(keys.byNode))
	}
	for i, s := range answer.Signatures {
		for _, earlier := range answer.Signatures[:i] {
			if bytes.Equal(earlier.Identity, s.Identity) {
				return refuse("two signatures of node %x", s.Identity)
			}
		}
		key, ok := keys.byNode[string(s.Identity)]
		if !ok {
			return refuse("node %x is not one of subnet %s", s.Identity, keys.subnet)
		}
		message, err := answer.signed(id, s.Timestamp)
		if err != nil {
			return err
		}
		if !ed25519.Verify(key, message, s.Signature) {
			return refuse("node %x did not sign this answer", s.Identity)
		}
		if age := a.cfg.Now().Sub(time.Unix(0, int64(s.Timestamp))).Abs(); age > a.cfg.MaxAge {
			return refuse("node's time is %s away from ours", age.Round(time.Second))
		}
	}
	return nil
}

// nodeKeys are the node keys of a canister's subnet as a certificate gave them.
type nodeKeys struct {
	subnet principal.Principal
	byNode map[string]ed25519.PublicKey // by raw node id
	read   time.Time
}

func (k *nodeKeys) fresh(now time.Time, signatures []nodeSignature) bool {
	if k == nil || now.Sub(k.read) > maxNodeKeysAge {
		return false
	}
	for _, s := range signatures {
		if _, ok := k.byNode[string(s.Identity)]; !ok {
			return false
		}
	}
	return true
}

// nodeKeys returns the remembered keys, or reads them when they are old or lack a
// signer. Several callers may read at once; the last one is remembered.
func (a *Agent) nodeKeys(ctx context.Context, effective principal.Principal, signatures []nodeSignature) (*nodeKeys, error) {
	now := a.cfg.Now()
	a.nodes.mu.Lock()
	keys := a.nodes.mu.byCanister[effective]
	a.nodes.mu.Unlock()
	if keys.fresh(now, signatures) {
		return keys, nil
	}
	keys, err := a.readNodeKeys(ctx, effective)
	if err != nil {
		return nil, err
	}
	keys.read = now
	a.nodes.mu.Lock()
	defer a.nodes.mu.Unlock()
	if len(a.nodes.mu.byCanister) >= maxCachedCanisters {
		clear(a.nodes.mu.byCanister)
	}
	a.nodes.mu.byCanister[effective] = keys
	return keys, nil
}

// maxCachedCanisters bounds the remembered node keys; when it is reached all are
// forgotten and read again as needed.
const maxCachedCanisters = 1 << 12

func (a *Agent) readNodeKeys(ctx context.Context, effective principal.Principal) (*nodeKeys, error) {
	c, _, err := a.readState(ctx, effective, [][][]byte{{[]byte("subnet")}})
	if err != nil {
		return nil, err
	}
	subnet := c.Subnet(a.cfg.RootKey)
	nodes, result := c.Tree.List([]byte("subnet"), subnet.Bytes(), []byte("node"))
	if result != hashtree.Found {
		return nil, refuse("nodes of subnet %s: %s in the certificate", subnet, result)
	}
	keys := &nodeKeys{subnet: subnet, byNode: make(map[string]ed25519.PublicKey, len(nodes))}
	for _, n := range nodes {
		der, result := n.Tree.Lookup([]byte("public_key"))
		if result != hashtree.Found {
			return nil, refuse("key of node %x is %s in the certificate", n.Label, result)
		}
		raw, found := bytes.CutPrefix(der, ed25519Prefix)
		if !found || len(raw) != ed25519.PublicKeySize {
			return nil, refuse("key of node %x is not Ed25519 in DER", n.Label)
		}
		keys.byNode[string(n.Label)] = ed25519.PublicKey(raw)
	}
	return keys, nil
}

// ed25519Prefix is the DER of an Ed25519 public key up to its 32 bytes.
var ed25519Prefix = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}
