package door_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"assay/ic/agent"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/door"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/signature/signaturetest"
)

// serve runs a whole network: engine, keys and door.
func serve(t *testing.T) (url string) {
	t.Helper()
	keys, err := certify.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := replica.Open(replica.Config{Certifier: keys, RootKey: keys.RootKey(), SubnetID: keys.Subnet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	server := httptest.NewServer(door.New(door.Config{Engine: n, Certifier: keys}))
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// client is an agent with a new key, every check on.
func client(t *testing.T, url string) *agent.Agent {
	t.Helper()
	id, err := identity.NewSecp256k1()
	if err != nil {
		t.Fatal(err)
	}
	root, err := agent.FetchRootKey(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Config{URL: url, RootKey: root, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func install(t *testing.T, a *agent.Agent, wasm []byte) principal.Principal {
	t.Helper()
	create := managementapi.NewClient(a.Management(principal.Canister(0)))
	made, err := create.ProvisionalCreateCanisterWithCycles(t.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		t.Fatal(err)
	}
	manage := managementapi.NewClient(a.Management(made.CanisterId))
	err = manage.InstallCode(t.Context(), managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: made.CanisterId, WasmModule: wasm,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.CanisterId
}

func TestAgentAgainstEngine(t *testing.T) {
	t.Parallel()
	url := serve(t)
	a := client(t, url)
	id := install(t, a, replicatest.Wasm(replicatest.Options{Public: map[string]string{"candid:service": "service : {}"}}))
	p := replicatest.Program{}
	got, err := a.Update(t.Context(), id, "run", p.AppendCaller().Append([]byte(" was here")).Send())
	if want := string(a.Sender().Bytes()) + " was here"; err != nil || string(got) != want {
		t.Fatalf("update: %q, %v", got, err)
	}
	if got, err = a.Query(t.Context(), id, "read", p.Reply([]byte("read"))); err != nil || string(got) != "read" {
		t.Fatalf("query: %q, %v", got, err)
	}
	var reject *agent.RejectError
	if _, err := a.Update(t.Context(), id, "run", p.Trap("on purpose")); !errors.As(err, &reject) {
		t.Errorf("a trapping update: %v", err)
	}
	if _, err := a.Query(t.Context(), id, "read", p.Reject("no")); !errors.As(err, &reject) {
		t.Errorf("a rejected query: %v", err)
	}
	cert, _, err := a.ReadState(t.Context(), id,
		[][]byte{[]byte("canister"), id.Bytes(), []byte("controllers")},
		[][]byte{[]byte("canister"), id.Bytes(), []byte("module_hash")},
		[][]byte{[]byte("canister"), id.Bytes(), []byte("metadata"), []byte("candid:service")})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := cert.Tree.Lookup([]byte("canister"), id.Bytes(), []byte("controllers"))
	if list, err := certificate.DecodePrincipals(v); err != nil || len(list) != 1 || list[0] != a.Sender() {
		t.Errorf("controllers %v, %v", list, err)
	}
	for _, path := range [][][]byte{{[]byte("module_hash")}, {[]byte("metadata"), []byte("candid:service")}} {
		if _, result := cert.Tree.Lookup(append([][]byte{[]byte("canister"), id.Bytes()}, path...)...); result != hashtree.Found {
			t.Errorf("%s: %v", path, result)
		}
	}
}

// signer is a user whose key stands for a canister of the network: it signs by certifying
// a tree, and with the certificate that a query of it gets.
type signer struct {
	t    *testing.T
	a    *agent.Agent
	id   principal.Principal
	seed string
}

func (s *signer) Sender() principal.Principal { return principal.SelfAuthenticating(s.PublicKeyDER()) }

func (s *signer) PublicKeyDER() []byte { return signaturetest.CanisterKey(s.t, s.id, s.seed) }

func (s *signer) Sign(payload []byte) ([]byte, error) {
	tree := signaturetest.SignatureTree(s.t, s.seed, payload)
	root := tree.Digest()
	if _, err := s.a.Update(s.t.Context(), s.id, "run", replicatest.Program{}.Certify(root[:]).Reply(nil)); err != nil {
		return nil, err
	}
	c, err := s.a.Query(s.t.Context(), s.id, "read", replicatest.Program{}.AppendCertificate().Send())
	if err != nil {
		return nil, err
	}
	return signaturetest.CanisterSignature(c, tree), nil
}

// TestCanisterAsUser: a canister of the network signs for a user, whose calls the network
// takes from then on.
func TestCanisterAsUser(t *testing.T) {
	t.Parallel()
	url := serve(t)
	a := client(t, url)
	id := install(t, a, replicatest.Plain())
	root, err := agent.FetchRootKey(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	user := &signer{t: t, a: a, id: install(t, a, replicatest.Plain()), seed: "a user"}
	as, err := agent.New(agent.Config{URL: url, RootKey: root, Identity: user})
	if err != nil {
		t.Fatal(err)
	}
	got, err := as.Update(t.Context(), id, "run", replicatest.Program{}.AppendCaller().Send())
	if err != nil || string(got) != string(user.Sender().Bytes()) {
		t.Errorf("the canister's user calls as %x, %v; want %s", got, err, user.Sender())
	}
	if got, err = as.Query(t.Context(), id, "read", replicatest.Program{}.AppendCaller().Send()); err != nil || string(got) != string(user.Sender().Bytes()) {
		t.Errorf("the canister's user asks as %x, %v; want %s", got, err, user.Sender())
	}
}
