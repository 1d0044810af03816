package door_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

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

// bench is a network with one canister on a real port, and clients with keys.
type bench struct {
	b       testing.TB
	url     string
	rootKey []byte
	key     *identity.Key
	id      principal.Principal
	client  *http.Client
	nonce   atomic.Uint64
}

func newBench(b testing.TB, dir string) *bench {
	b.Helper()
	keys, err := certify.Open("", nil)
	if err != nil {
		b.Fatal(err)
	}
	n, err := replica.Open(replica.Config{Dir: dir, Certifier: keys, RootKey: keys.RootKey(), SubnetID: keys.Subnet()})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := door.NewServer(door.New(door.Config{Engine: n, Certifier: keys}))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(door.Limit(listener)) })
	running.Go(func() {
		if err := n.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() {
		server.Close()
		cancel()
		running.Wait()
	})
	key, err := identity.NewEd25519()
	if err != nil {
		b.Fatal(err)
	}
	x := &bench{
		b: b, url: "http://" + listener.Addr().String(), rootKey: keys.RootKey(), key: key,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}},
	}
	x.install()
	return x
}

func (x *bench) install() {
	x.b.Helper()
	arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		x.b.Fatal(err)
	}
	created, err := managementapi.DecodeProvisionalCreateCanisterWithCyclesResults(x.call(principal.Management, principal.Canister(0), "provisional_create_canister_with_cycles", arg, true))
	if err != nil {
		x.b.Fatal(err)
	}
	x.id = created.CanisterId
	arg, err = managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: x.id, WasmModule: replicatest.Plain(),
	})
	if err != nil {
		x.b.Fatal(err)
	}
	x.call(principal.Management, x.id, "install_code", arg, true)
}

// call is one signed call with its certified answer; the certificate is verified on demand,
// as that costs more than all the rest.
func (x *bench) call(to, effective principal.Principal, method string, arg []byte, verify bool) []byte {
	content := map[string]any{
		"request_type": "call", "sender": x.key.Sender().Bytes(), "canister_id": to.Bytes(), "method_name": method, "arg": arg,
		"ingress_expiry": uint64(time.Now().Add(4 * time.Minute).UnixNano()), "nonce": binary.BigEndian.AppendUint64(nil, x.nonce.Add(1)),
	}
	id := door.HashMap(content)
	sig, err := x.key.Sign(append([]byte("\x0aic-request"), id[:]...))
	if err != nil {
		x.b.Error(err)
		return nil
	}
	body, err := cbor.Marshal(map[string]any{"content": content, "sender_pubkey": x.key.PublicKeyDER(), "sender_sig": sig})
	if err != nil {
		x.b.Error(err)
		return nil
	}
	res, err := x.client.Post(x.url+"/api/v4/canister/"+effective.String()+"/call", "application/cbor", bytes.NewReader(body))
	if err != nil {
		x.b.Error(err)
		return nil
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	var answer struct {
		Status      string `cbor:"status"`
		Certificate []byte `cbor:"certificate"`
	}
	if err == nil && res.StatusCode == 200 {
		err = cbor.Unmarshal(raw[3:], &answer)
	}
	if err != nil || answer.Status != "replied" {
		x.b.Errorf("%s: %d %s %v", method, res.StatusCode, raw, err)
		return nil
	}
	c, err := certificate.Decode(answer.Certificate)
	if err == nil && verify {
		err = c.Verify(x.rootKey, effective, time.Now(), time.Minute)
	}
	if err != nil {
		x.b.Error(err)
		return nil
	}
	reply, result := c.Tree.Lookup([]byte("request_status"), id[:], []byte("reply"))
	if result != hashtree.Found {
		x.b.Errorf("%s: reply is %s", method, result)
	}
	return reply
}

// BenchmarkCertifiedUpdates: signed updates over HTTP with certified answers, client and
// network in one process; with a folder, where each is in the log before it is answered.
// One answer in 256 is verified by the client.
func BenchmarkCertifiedUpdates(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkUpdates(b, "") })
	b.Run("folder", func(b *testing.B) { benchmarkUpdates(b, b.TempDir()) })
}

func benchmarkUpdates(b *testing.B, dir string) {
	x := newBench(b, dir)
	program := replicatest.Program{}.Add(0, 1).AppendCell(0).Send()
	const clients = 64
	var left atomic.Int64
	left.Store(int64(b.N))
	var running sync.WaitGroup
	b.ResetTimer()
	spent := cpuTime(b)
	for range clients {
		running.Go(func() {
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				if got := x.call(x.id, x.id, "run", program, n%256 == 0); len(got) != 8 {
					b.Errorf("reply %x", got)
					return
				}
			}
		})
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
	b.ReportMetric(float64((cpuTime(b)-spent).Microseconds())/float64(b.N), "cpu-µs/update")
}

// cpuTime is what the process has used of all cores. Where other work runs beside a
// benchmark it tells more than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
