package clients

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/replicatest"
)

// issued is what an identity provider would hand out: a delegation to a session key, and
// something that it says of the user, both signed by a canister.
type issued struct {
	Session    string `json:"session"`    // seed of the session's Ed25519 key
	PublicKey  string `json:"public_key"` // of the user, in DER: a canister signature's
	SessionKey string `json:"session_key"`
	Expiration string `json:"expiration"` // ns, in decimal
	Signature  string `json:"signature"`  // of the delegation
	Signer     string `json:"signer"`     // the canister
	Info       string `json:"info"`
	InfoSig    string `json:"info_signature"`
}

const callerInfo = `{"name":"Ada"}`

// issue lets a canister sign for a user, as identity providers do: it certifies the
// root of a tree of signatures, and a query gives the certificate.
func issue(t *testing.T, engine *replica.Network, issuer principal.Principal) issued {
	t.Helper()
	session, user := bytes.Repeat([]byte{7}, ed25519.SeedSize), []byte("a user, in a seed of any 32 bytes")
	public := ed25519.NewKeyFromSeed(session).Public().(ed25519.PublicKey)
	sessionKey := append([]byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"), public...)
	expiration := uint64(time.Now().Add(time.Hour).UnixNano())
	hash := hashOfMap(map[string][]byte{"pubkey": sessionKey, "expiration": binary.AppendUvarint(nil, expiration)})
	delegation, info := append([]byte("\x1aic-request-auth-delegation"), hash[:]...), []byte("\x0eic-sender-info"+callerInfo)

	signatures := hashtree.NewBuilder()
	for _, payload := range [][]byte{delegation, info} {
		signatures.Set(nil, signatureOf(user, payload)...)
	}
	tree, err := signatures.Tree()
	if err != nil {
		t.Fatal(err)
	}
	root := tree.Digest()
	run(t, engine, issuer, replicatest.Program{}.Certify(root[:]).Send())
	certificate, reject := engine.Query(t.Context(), replica.Query{
		Sender: principal.Anonymous, Canister: issuer, Effective: issuer, Method: "read", Arg: replicatest.Program{}.AppendCertificate().Send(),
	})
	if reject != nil {
		t.Fatal(reject)
	}
	sign := func(payload []byte) string {
		witness := cbor.RawMessage(tree.Prune(signatureOf(user, payload)).Encode())
		b, err := cbor.Marshal(cbor.Tag{Number: 55799, Content: map[string]any{"certificate": certificate, "tree": witness}})
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(b)
	}
	return issued{
		hex.EncodeToString(session), hex.EncodeToString(canisterKey(t, issuer, user)), hex.EncodeToString(sessionKey),
		strconv.FormatUint(expiration, 10), sign(delegation), issuer.String(), hex.EncodeToString([]byte(callerInfo)), sign(info),
	}
}

// signatureOf is where a canister's signature of a payload is in its tree.
func signatureOf(user, payload []byte) [][]byte {
	u, p := sha256.Sum256(user), sha256.Sum256(payload)
	return [][]byte{[]byte("sig"), u[:], p[:]}
}

// canisterKey is the public key of a user of a canister, in DER.
func canisterKey(t *testing.T, issuer principal.Principal, user []byte) []byte {
	t.Helper()
	key := append(append([]byte{byte(len(issuer.Bytes()))}, issuer.Bytes()...), user...)
	type algorithm struct{ OID asn1.ObjectIdentifier }
	b, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       asn1.BitString
	}{algorithm{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 2}}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hashOfMap is the hash of a map whose values are encoded already.
func hashOfMap(m map[string][]byte) [32]byte {
	var fields [][]byte
	for name, value := range m {
		n, v := sha256.Sum256([]byte(name)), sha256.Sum256(value)
		fields = append(fields, append(n[:], v[:]...))
	}
	sort.Slice(fields, func(i, j int) bool { return bytes.Compare(fields[i], fields[j]) < 0 })
	return sha256.Sum256(bytes.Join(fields, nil))
}

// run lets the test canister execute a program.
func run(t *testing.T, engine *replica.Network, canister principal.Principal, program replicatest.Program) {
	t.Helper()
	if _, err := call(t.Context(), engine, replica.Ingress{Canister: canister, Effective: canister, Method: "run", Arg: program}); err != nil {
		t.Fatal(err)
	}
}

// call submits a message of the anonymous principal and waits for the answer.
func call(ctx context.Context, engine *replica.Network, in replica.Ingress) ([]byte, error) {
	in.Sender, in.Expiry = principal.Anonymous, engine.Time().Add(4*time.Minute)
	binary.BigEndian.PutUint64(in.ID[:], requests.Add(1))
	if reject := engine.Submit(ctx, in); reject != nil {
		return nil, reject
	}
	status, err := engine.Await(ctx, in.ID)
	if err == nil && status.Reject != nil {
		err = status.Reject
	}
	return status.Reply, err
}
