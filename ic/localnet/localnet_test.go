package localnet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
)

func mustOpen(t *testing.T, c Config) *Network {
	t.Helper()
	n, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// TestServesAndKeeps: what an agent did on a network is there after it was opened again,
// at the same address and under the same root key.
func TestServesAndKeeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := mustOpen(t, Config{Dir: dir})
	a, err := agent.New(agent.Config{URL: first.URL, RootKey: first.RootKey})
	if err != nil {
		t.Fatal(err)
	}
	amount := candid.NewNat(1e12)
	created, err := managementapi.NewClient[context.Context](a.Management(principal.Canister(0))).ProvisionalCreateCanisterWithCycles(t.Context(),
		managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &amount})
	if err != nil {
		t.Fatal(err)
	}
	running, err := FindRunning(dir)
	if err != nil || running.URL != first.URL || running.Port != first.Port || running.PID != os.Getpid() {
		t.Errorf("found %+v (%v), want %s", running, err, first.URL)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := FindRunning(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the end: %v, want %v", err, ErrNotRunning)
	}
	again := mustOpen(t, Config{Dir: dir, Prefer: first.Port})
	if again.URL != first.URL || !bytes.Equal(again.RootKey, first.RootKey) {
		t.Errorf("opened again at %s, was at %s; root key equal: %v", again.URL, first.URL, bytes.Equal(again.RootKey, first.RootKey))
	}
	// Another connection: that of the first run ended with it.
	b, err := agent.New(agent.Config{URL: again.URL, RootKey: again.RootKey, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.ReadState(t.Context(), created.CanisterId, [][]byte{[]byte("canister"), created.CanisterId.Bytes(), []byte("controllers")}); err != nil {
		t.Errorf("the canister of the first run: %v", err)
	}
}

// TestRefusesWhatIsTaken: a port and a folder serve one network; who comes second is told
// which, and leaves nothing behind.
func TestRefusesWhatIsTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := mustOpen(t, Config{Dir: dir})
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("the same folder: %v, want %v", err, ErrInUse)
	}
	untouched := filepath.Join(t.TempDir(), "state")
	var taken *net.OpError
	if _, err := Open(Config{Dir: untouched, Port: n.Port}); !errors.As(err, &taken) {
		t.Errorf("the same port: %v, want an error of listening", err)
	}
	if _, err := os.Stat(untouched); !os.IsNotExist(err) {
		t.Errorf("the folder of a network that did not start is there (%v)", err)
	}
	if other := mustOpen(t, Config{Prefer: n.Port}); other.Port == n.Port {
		t.Error("two networks on one port")
	}
}

// TestFolderIsFreeAgain: a network that could not be opened holds no lock.
func TestFolderIsFreeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "network.keys")
	if err := os.WriteFile(keys, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}); err == nil {
		t.Fatal("opened with a damaged file of keys")
	}
	if err := os.Remove(keys); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Config{Dir: dir})
}

// TestOneSeedOneState: two networks of one seed that do the same at the same times are the
// same to the last bit, keys and all; another seed makes another network.
func TestOneSeedOneState(t *testing.T) {
	t.Parallel()
	now := time.Now().Add(time.Hour).Truncate(time.Second)
	request := sha256.Sum256([]byte("a request"))
	run := func(seed string) (root []byte, state [32]byte) {
		n := mustOpen(t, Config{Replica: replica.Config{Pace: replica.Manual, Seed: []byte(seed)}})
		arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Replica.SetTime(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		in := replica.Ingress{ID: request, Sender: principal.Anonymous, Effective: principal.Canister(0), Method: "provisional_create_canister_with_cycles", Arg: arg, Expiry: now.Add(time.Minute)}
		if rej := n.Replica.Submit(t.Context(), in); rej != nil {
			t.Fatal(rej)
		}
		if err := n.Replica.Tick(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if s, ok := n.Replica.Status(request); !ok || s.Phase != replica.Replied {
			t.Fatalf("%+v", s)
		}
		if state, err = n.Replica.StateHash(); err != nil {
			t.Fatal(err)
		}
		return n.RootKey, state
	}
	root, state := run("a seed")
	if r, s := run("a seed"); !bytes.Equal(r, root) || s != state {
		t.Errorf("the same seed: root keys %x and %x, states %x and %x", root, r, state, s)
	}
	if r, s := run("another"); bytes.Equal(r, root) || s == state {
		t.Error("another seed made the same network")
	}
}
