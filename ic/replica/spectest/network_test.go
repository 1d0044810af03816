package spectest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/ic/identity"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/door"
)

// net is a network that serves HTTP, with a clock that tests can put forward.
type net struct {
	network *replica.Network
	url     string
	client  *http.Client
	root    []byte
	ahead   atomic.Int64 // ns before the system's clock
	serial  atomic.Uint64

	outsideURL string // of a server that canisters may reach

	clockOnce, friendOnce sync.Once
	friendly              principal.Principal
	clock                 principal.Principal // a canister whose top-ups make rounds
}

func (n *net) now() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) }

// open starts a network, with a subnet admin or without.
func open(t *testing.T, admins ...principal.Principal) *net {
	t.Helper()
	n := &net{client: &http.Client{}}
	keys, err := certify.Open("", n.now)
	if err != nil {
		t.Fatal(err)
	}
	n.root = keys.RootKey()
	n.network, err = replica.Open(replica.Config{Certifier: keys, RootKey: n.root, SubnetID: keys.Subnet(), Clock: n.now, Admins: admins, Outcalls: n.outside(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.network.Run(ctx) }()
	server := httptest.NewServer(door.New(door.Config{Engine: n.network, Certifier: keys}))
	n.url, n.client = server.URL, server.Client()
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n
}

// checkBooks holds that no cycles came from nowhere or went there.
func (n *net) checkBooks(t *testing.T) {
	t.Helper()
	if b := n.network.Books(); b.Minted != b.Held.Add(b.Spent) {
		t.Errorf("books: %v minted, %v held, %v spent", b.Minted, b.Held, b.Spent)
	}
}

// world is what a row works with.
type world struct {
	*testing.T
	*net
	section string
}

// later puts the clock forward and lets the network see it.
func (w *world) later(d time.Duration) {
	w.Helper()
	w.ahead.Add(int64(d))
	w.tick()
}

// user is one of several people, each with a key.
func user(n byte) identity.Identity {
	id, err := identity.Ed25519FromSeed([32]byte{31: n})
	if err != nil {
		panic(err) // the seed is a constant
	}
	return id
}

var (
	owner    = user(1) // of the canisters, unless a row says otherwise
	stranger = user(2)
	admin    = user(9) // of the subnet
	nobody   = identity.Anonymous{}
)
