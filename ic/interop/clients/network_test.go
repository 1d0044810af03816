package clients

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/door"
	"assay/ic/replica/replicatest"
	"assay/internal/cache"
)

// world is what a client program is told: one network, listeners in front of it, and
// programs that the test canister runs. Bytes are in hex.
type world struct {
	URL      string            `json:"url"`
	RootKey  string            `json:"root_key"`
	Subnet   string            `json:"subnet"`
	Canister string            `json:"canister"` // the test canister, with one controller: the management canister's anonymous caller
	Other    string            `json:"other"`    // the same module, for delegations with targets
	Nobody   string            `json:"nobody"`   // an id of the subnet without a canister
	Module   string            `json:"module"`   // file of the test canister's module
	Candid   string            `json:"candid"`   // public metadata candid:service
	Program  map[string]string `json:"program"`
	Large    int               `json:"large"` // bytes of an argument close to the limit; the program is padded with zeros
	Huge     int               `json:"huge"`  // bytes of an argument over the limit

	// Issued is signed by the canister Other.
	Issued issued `json:"issued"`

	// Impatient answers calls of v3 and v4 before they are executed, so clients poll.
	Impatient string `json:"impatient"`
	// The others answer wrongly; see tamper_test.go.
	Tampered map[string]string `json:"tampered"`

	network *replica.Network
}

const (
	large      = 2<<20 - 1024 // a request of 2 MiB less what surrounds the argument
	huge       = 2<<20 + 1
	candidText = "service : { run : (blob) -> (text) }"
)

// open starts a network with its listeners; it ends with the test.
func open(t *testing.T) *world {
	t.Helper()
	keys := newKeys(t)
	engine := start(t, keys, time.Now)
	w := &world{
		RootKey: hex.EncodeToString(keys.RootKey()), Subnet: keys.Subnet().String(), Candid: candidText,
		Program: programs(), Large: large, Huge: huge, Tampered: map[string]string{}, network: engine,
	}
	honest := door.New(door.Config{Engine: engine, Certifier: keys})
	w.URL = listen(t, honest)
	w.Impatient = listen(t, door.New(door.Config{Engine: hurried{engine}, Certifier: keys}))
	module := replicatest.Wasm(replicatest.Options{Inspect: true, Public: map[string]string{"candid:service": candidText}})
	w.Module = filepath.Join(t.TempDir(), "test.wasm")
	if err := os.WriteFile(w.Module, module, 0o644); err != nil {
		t.Fatal(err)
	}
	other := install(t, engine, module)
	w.Canister, w.Other, w.Issued = install(t, engine, module).String(), other.String(), issue(t, engine, other)
	w.Nobody = principal.Canister(1 << 19).String()

	otherKeys := newKeys(t)
	imposter := start(t, otherKeys, time.Now)
	stale := start(t, keys, func() time.Time { return time.Now().Add(-time.Hour) })
	for _, n := range []*replica.Network{imposter, stale} {
		for range 2 { // the same ids, since all networks count from the same start
			install(t, n, module)
		}
	}
	for name, handler := range map[string]http.Handler{
		"forged": &forger{next: honest}, "uncertified": &stripper{next: honest}, "swapped": &swapper{next: honest},
		"imposter": door.New(door.Config{Engine: imposter, Certifier: otherKeys}),
		"stale":    door.New(door.Config{Engine: stale, Certifier: keys}),
	} {
		w.Tampered[name] = listen(t, handler)
	}
	return w
}

func newKeys(t *testing.T) *certify.Certifier {
	t.Helper()
	keys, err := certify.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// start runs a network without canisters.
func start(t *testing.T, keys *certify.Certifier, clock func() time.Time) *replica.Network {
	t.Helper()
	code, err := cache.Dir("test", "code")
	if err != nil {
		t.Fatal(err)
	}
	n, err := replica.Open(replica.Config{
		Certifier: keys, RootKey: keys.RootKey(), SubnetID: keys.Subnet(), Clock: clock, CompilationCacheDir: code,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n
}

// hurried gives up waiting for answers at once.
type hurried struct{ *replica.Network }

func (hurried) Await(context.Context, replica.RequestID) (replica.Status, error) {
	return replica.Status{}, context.DeadlineExceeded
}

func listen(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// stablePages hold what the program "long" replies.
const stablePages = 48

// install makes a canister through the engine itself, as the anonymous caller.
func install(t *testing.T, engine *replica.Network, module []byte) principal.Principal {
	t.Helper()
	made, err := managementapi.NewClient[context.Context](inside{engine, principal.Canister(0)}).
		ProvisionalCreateCanisterWithCycles(t.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		t.Fatal(err)
	}
	err = managementapi.NewClient[context.Context](inside{engine, made.CanisterId}).InstallCode(t.Context(), managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: made.CanisterId, WasmModule: module,
		Arg: replicatest.Program{}.StableGrow(stablePages),
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.CanisterId
}

var requests atomic.Uint64 // numbers what [inside] submits

// inside calls the management canister without the HTTP interface.
type inside struct {
	engine    *replica.Network
	effective principal.Principal
}

func (i inside) Call(ctx context.Context, method string, _ candid.Kind, arg []byte) ([]byte, error) {
	return call(ctx, i.engine, replica.Ingress{Canister: principal.Management, Effective: i.effective, Method: method, Arg: arg})
}

// programs are what the clients let the test canister do. All replies are Candid, since
// some clients decode whatever comes.
func programs() map[string]string {
	p := replicatest.Program{}
	number := []byte("DIDL\x00\x01\x78")
	all := map[string]replicatest.Program{
		"hello":   p.Reply([]byte("DIDL\x00\x01\x71\x05hello")),
		"caller":  p.Append([]byte("DIDL\x00\x01\x68\x01\x1d")).AppendCaller().Send(), // of a key: 29 bytes
		"count":   p.Add(0, 1).Append(number).AppendCell(0).Send(),
		"counted": p.Append(number).AppendCell(0).Send(),
		"reject":  p.Reject("no, thanks"),
		"trap":    p.Trap("on purpose"),
		"deny":    p.Deny(),
		"info":    p.Append(blobHeader(uint64(len(callerInfo)))).Give(replicatest.Blob("msg_caller_info_data")).Send(),
		"echo":    p.Append(blobHeader(large)).AppendArg().Send(),
		"long":    p.Append(blobHeader(stablePages<<16-1024)).AppendStable(0, stablePages<<16-1024).Send(), // a query's limit
		"toolong": p.AppendStable(0, 2<<20+1).Send(),
	}
	out := map[string]string{}
	for name, program := range all {
		out[name] = hex.EncodeToString(append(program, 0))
	}
	return out
}

// blobHeader begins the encoding of one blob of n bytes.
func blobHeader(n uint64) []byte { return binary.AppendUvarint([]byte("DIDL\x01\x6d\x7b\x01\x00"), n) }

// file writes what the program is told.
func (w *world) file(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
