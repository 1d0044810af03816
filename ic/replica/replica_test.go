package replica_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"assay/ic/certificate/hashtree"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

type program = replicatest.Program

var user = principal.SelfAuthenticating([]byte("a user"))

// user sends requests with ids of their own.
type client struct {
	t testing.TB
	n *replica.Network
}

var nonces atomic.Uint64

func (c *client) submit(in replica.Ingress) (replica.Status, *replica.Reject) {
	in.ID = sha256.Sum256(binary.BigEndian.AppendUint64(nil, nonces.Add(1)))
	in.Sender, in.Expiry = user, time.Now().Add(4*time.Minute)
	if rej := c.n.Submit(c.t.Context(), in); rej != nil {
		return replica.Status{}, rej
	}
	s, err := c.n.Await(c.t.Context(), in.ID)
	if err != nil {
		c.t.Error(err)
	}
	return s, s.Reject
}

func (c *client) update(to principal.Principal, p program) []byte {
	c.t.Helper()
	s, rej := c.submit(replica.Ingress{Canister: to, Method: "run", Arg: p})
	if rej != nil {
		c.t.Error(rej)
	}
	return s.Reply
}

func (c *client) read(id principal.Principal, p program) []byte {
	c.t.Helper()
	b, rej := c.n.Query(c.t.Context(), replica.Query{Sender: user, Canister: id, Method: "read", Arg: p})
	if rej != nil {
		c.t.Error(rej)
	}
	return b
}

// actor installs the test canister.
func (c *client) actor() principal.Principal {
	c.t.Helper()
	return actor(c.t, func(in replica.Ingress) replica.Status {
		s, rej := c.submit(in)
		if rej != nil {
			c.t.Fatal(rej)
		}
		return s
	})
}

func actor(t testing.TB, submit func(replica.Ingress) replica.Status) principal.Principal {
	t.Helper()
	return actorOf(t, replicatest.Plain(), submit)
}

func actorOf(t testing.TB, wasm []byte, submit func(replica.Ingress) replica.Status) principal.Principal {
	t.Helper()
	manage := func(about principal.Principal, method string, arg []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return submit(replica.Ingress{Effective: about, Method: method, Arg: arg}).Reply
	}
	arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	created, err := managementapi.DecodeProvisionalCreateCanisterWithCyclesResults(manage(principal.Canister(0), "provisional_create_canister_with_cycles", arg, err))
	if err != nil {
		t.Fatal(err)
	}
	arg, err = managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: created.CanisterId, WasmModule: wasm,
	})
	manage(created.CanisterId, "install_code", arg, err)
	return created.CanisterId
}

// running opens a network and runs it; stop ends it and returns Run's error.
func running(t testing.TB, config replica.Config) (c *client, stop func() error) {
	t.Helper()
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return &client{t: t, n: n}, stop
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	config := replica.Config{Dir: t.TempDir(), CompilationCacheDir: t.TempDir()}
	c, stop := running(t, config)
	a := c.actor()
	at := uint64(time.Now().Add(150 * time.Millisecond).UnixNano())
	c.update(a, program{}.Add(0, 7).StableGrow(1).StableWrite(0, []byte("stable")).Timer(at).OnTimer(program{}.Add(1, 1)).Reply(nil))
	before := c.n.Time()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c, _ = running(t, config)
	want := fmt.Sprintf("stable%s", binary.LittleEndian.AppendUint64(nil, 7))
	if got := c.read(a, program{}.AppendStable(0, 6).AppendCell(0).Send()); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if now := c.n.Time(); now.Before(before) {
		t.Errorf("time went back from %v to %v", before, now)
	}
	for binary.LittleEndian.Uint64(c.read(a, program{}.AppendCell(1).Send())) == 0 {
		if t.Context().Err() != nil || c.n.Time().Sub(before) > 10*time.Second {
			t.Fatal("the timer that was set before the stop did not fire")
		}
	}
}

func TestStopTellsWhoWaits(t *testing.T) {
	t.Parallel()
	n, err := replica.Open(replica.Config{}) // nobody runs it, so nothing is answered
	if err != nil {
		t.Fatal(err)
	}
	in := replica.Ingress{ID: replica.RequestID{1}, Sender: user, Effective: principal.Canister(0), Method: "provisional_create_canister_with_cycles", Arg: []byte("DIDL\x00\x00"), Expiry: time.Now().Add(time.Minute)}
	if rej := n.Submit(t.Context(), in); rej != nil {
		t.Fatal(rej)
	}
	told := make(chan error, 1)
	go func() {
		_, err := n.Await(t.Context(), in.ID)
		told <- err
	}()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, state.ErrEnded) {
		t.Errorf("who waits got %v", err)
	}
	in.ID[0]++
	if rej := n.Submit(t.Context(), in); rej == nil || rej.Code != 2 {
		t.Errorf("submission after the end: %v", rej)
	}
	if _, rej := n.Query(t.Context(), replica.Query{Canister: principal.Canister(0)}); rej == nil || rej.Code != 2 {
		t.Errorf("query after the end: %v", rej)
	}
}

func TestManyClients(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{Seed: []byte("seed")})
	a, b := c.actor(), c.actor()
	const clients, each = 8, 20
	done := make(chan bool)
	for range clients {
		go func() {
			for range each {
				c.update(a, program{}.Call(replicatest.Call{To: b, Arg: program{}.Add(0, 1).Reply(nil), OnReply: program{}.Add(0, 1).Reply(nil)}))
				c.read(b, program{}.AppendCell(0).Send())
			}
			done <- true
		}()
	}
	for range clients {
		<-done
	}
	for _, id := range []principal.Principal{a, b} {
		if got := binary.LittleEndian.Uint64(c.read(id, program{}.AppendCell(0).Send())); got != clients*each {
			t.Errorf("%v counted %d, want %d", id, got, clients*each)
		}
	}
	books := c.n.Books()
	if books.Held.Add(books.Spent) != books.Minted {
		t.Errorf("books do not add up: %+v", books)
	}
}

// treeOnly is a certifier whose certificate is the bare tree.
type treeOnly struct{}

func (treeOnly) Certify(tree hashtree.Node, sharded bool) ([]byte, error) {
	if !sharded {
		return nil, errors.New("flat ranges in a query's certificate")
	}
	return tree.Encode(), nil
}

func TestDataCertificate(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{Certifier: treeOnly{}})
	a := c.actor()
	c.update(a, program{}.Certify([]byte("certified")).Reply(nil))
	tree, err := hashtree.Decode(c.read(a, program{}.AppendCertificate().Send()))
	if err != nil {
		t.Fatal(err)
	}
	value, found := tree.Lookup([]byte("canister"), a.Bytes(), []byte("certified_data"))
	if string(value) != "certified" {
		t.Errorf("certified data %q %v", value, found)
	}
	stamp, _ := tree.Lookup([]byte("time"))
	if ns, _ := binary.Uvarint(stamp); time.Since(time.Unix(0, int64(ns))).Abs() > time.Minute {
		t.Errorf("certified time %d", ns)
	}
}
