package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

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
)

// embedded starts an embedded network with its door and returns its address and root key.
func embedded(t *testing.T) (url string, rootKey []byte) {
	t.Helper()
	keys, err := certify.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := replica.Open(replica.Config{
		Dir: t.TempDir(), CompilationCacheDir: t.TempDir(), Certifier: keys, RootKey: keys.RootKey(), SubnetID: keys.Subnet(),
	})
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
	return server.URL, keys.RootKey()
}

func caller(t *testing.T, url string, rootKey []byte, id identity.Identity) *agent.Agent {
	t.Helper()
	a, err := agent.New(agent.Config{URL: url, RootKey: rootKey, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// install creates a canister that runs the programs it is sent.
func install(t *testing.T, a *agent.Agent) principal.Principal {
	t.Helper()
	created, err := managementapi.NewClient[context.Context](a.Management(principal.Canister(0))).
		ProvisionalCreateCanisterWithCycles(t.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		t.Fatal(err)
	}
	err = managementapi.NewClient[context.Context](a.Management(created.CanisterId)).InstallCode(t.Context(), managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: created.CanisterId, WasmModule: replicatest.Plain(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return created.CanisterId
}

// TestEmbeddedNetwork talks to the project's own network with every check on.
func TestEmbeddedNetwork(t *testing.T) {
	t.Parallel()
	url, rootKey := embedded(t)
	if fetched, err := agent.FetchRootKey(t.Context(), url); err != nil || !bytes.Equal(fetched, rootKey) {
		t.Fatalf("root key %x %v", fetched, err)
	}
	ed, err := identity.NewEd25519()
	if err != nil {
		t.Fatal(err)
	}
	secp, err := identity.NewSecp256k1()
	if err != nil {
		t.Fatal(err)
	}
	owner := caller(t, url, rootKey, ed)
	id := install(t, owner)
	for name, a := range map[string]*agent.Agent{"ed25519": owner, "secp256k1": caller(t, url, rootKey, secp), "anonymous": caller(t, url, rootKey, nil)} {
		sender := a.Sender()
		reply, err := a.Update(t.Context(), id, "run", replicatest.Program{}.AppendCaller().Send())
		if err != nil || !bytes.Equal(reply, sender.Bytes()) {
			t.Errorf("%s update: %x %v", name, reply, err)
		}
		reply, err = a.Query(t.Context(), id, "read", replicatest.Program{}.AppendCaller().Send())
		if err != nil || !bytes.Equal(reply, sender.Bytes()) {
			t.Errorf("%s query: %x %v", name, reply, err)
		}
	}
	checkRejects(t, owner, id)
	checkState(t, owner, id, rootKey)
}

func checkRejects(t *testing.T, a *agent.Agent, id principal.Principal) {
	t.Helper()
	for _, tc := range []struct {
		name     string
		to       principal.Principal
		method   string
		program  replicatest.Program
		code     agent.RejectCode
		happened agent.Happened
	}{
		{"trap", id, "run", replicatest.Program{}.Trap("boom"), agent.CanisterError, agent.Unknown},
		{"reject", id, "run", replicatest.Program{}.Reject("no"), agent.CanisterReject, agent.Yes},
		{"no method", id, "nothing", nil, agent.CanisterError, agent.No},
		{"no canister", principal.Canister(77), "run", nil, agent.DestinationInvalid, agent.Unknown},
	} {
		_, err := a.Update(t.Context(), tc.to, tc.method, tc.program)
		var reject *agent.RejectError
		var e *agent.Error
		if !errors.As(err, &reject) || reject.Code != tc.code || reject.ErrorCode == "" || !errors.As(err, &e) {
			t.Errorf("%s: got %v, want code %d", tc.name, err, tc.code)
		} else if e.Happened() != tc.happened {
			t.Errorf("%s: happened %v, want %v", tc.name, e.Happened(), tc.happened)
		}
	}
	_, err := a.Query(t.Context(), id, "read", replicatest.Program{}.Trap("boom"))
	var reject *agent.RejectError
	if !errors.As(err, &reject) || reject.Code != agent.CanisterError {
		t.Errorf("query trap: got %v", err)
	}
}

// checkState reads module hash and controllers, and certified data with its certificate
// from inside a query.
func checkState(t *testing.T, a *agent.Agent, id principal.Principal, rootKey []byte) {
	t.Helper()
	at := func(name string) [][]byte { return [][]byte{[]byte("canister"), id.Bytes(), []byte(name)} }
	c, _, err := a.ReadState(t.Context(), id, at("module_hash"), at("controllers"))
	if err != nil {
		t.Fatal(err)
	}
	module := sha256.Sum256(replicatest.Plain())
	if value, result := c.Tree.Lookup(at("module_hash")...); result != hashtree.Found || !bytes.Equal(value, module[:]) {
		t.Errorf("module hash: %v %x, want %x", result, value, module)
	}
	value, _ := c.Tree.Lookup(at("controllers")...)
	if list, err := certificate.DecodePrincipals(value); err != nil || len(list) != 1 || list[0] != a.Sender() {
		t.Errorf("controllers: %v %v", list, err)
	}
	tree, err := hashtree.NewBuilder().Set([]byte("value"), []byte("label")).Tree()
	if err != nil {
		t.Fatal(err)
	}
	digest := tree.Digest()
	if _, err := a.Update(t.Context(), id, "run", replicatest.Program{}.Certify(digest[:]).Reply(nil)); err != nil {
		t.Fatal(err)
	}
	raw, err := a.Query(t.Context(), id, "read", replicatest.Program{}.AppendCertificate().Send())
	if err != nil {
		t.Fatal(err)
	}
	data, err := certificate.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.Verify(rootKey, id, time.Now(), time.Minute); err != nil {
		t.Errorf("certificate of data: %v", err)
	}
	if _, err := data.VerifyWitness(id, tree.Encode()); err != nil {
		t.Errorf("witness: %v", err)
	}
}
