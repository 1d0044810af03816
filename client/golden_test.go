package client_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	goldenBundle = "testdata/receipt-v1.json"
	goldenKey    = "testdata/receipt-v1.rootkey.hex"
)

// TestGoldenBundle opens and verifies the bundle of every released version.
func TestGoldenBundle(t *testing.T) {
	t.Parallel()
	if *update {
		writeGolden(t)
	}
	data, err := os.ReadFile(goldenBundle)
	if err != nil {
		t.Fatal(err)
	}
	b, err := client.DecodeBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	rootKey, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.VerifyBundle(b, rootKey, marketID)
	if err != nil {
		t.Fatal(err)
	}
	if f.Receipt.Job.Seq != 7 || f.Receipt.State != "final" || !bytes.Equal(f.ModuleHash, moduleHash[:]) {
		t.Errorf("findings %+v", f)
	}
	if again, err := b.Encode(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("the bundle encodes to other bytes: %v", err)
	}
}

// writeGolden makes the bundle of a network with fixed keys and times.
func writeGolden(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	n := certtest.Seeded(t, rand.NewChaCha8([32]byte{1}), certtest.Sharded, at, certificate.Range{From: principal.Canister(0), To: principal.Canister(9)})
	m, _ := setUp(t)
	m.net.Network, m.certTime = n, at
	m.fill()
	certified, err := m.certify(m.receipt)
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) [][]byte { return [][]byte{[]byte("canister"), marketID.Bytes(), []byte(name)} }
	state := n.Certify(t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(at.UnixNano())), []byte("time")).
		Set(moduleHash[:], path("module_hash")...).
		Set(certificate.EncodePrincipals([]principal.Principal{rootID}), path("controllers")...))
	b := client.Bundle{
		Version: client.BundleVersion, Kind: "assay receipt", Receipt: encodeReceipt(t, m.receipt),
		Certificate: certified.Certificate, Witness: certified.Witness, State: state,
	}
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{goldenBundle: data, goldenKey: []byte(fmt.Sprintf("%x\n", n.RootKey))} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReceiptHash is the golden receipt of package commitment, seen through Candid.
func TestReceiptHash(t *testing.T) {
	t.Parallel()
	name := func(s string) principal.Principal {
		p, err := principal.FromBytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	filled := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	output, owner := filled(5), name("a")
	got, err := client.ReceiptHash(marketapi.Receipt{
		Network: filled(1), Job: marketapi.JobId{Market: principal.Canister(2), Seq: 7}, Requester: name("user"),
		Model: filled(2), Input: filled(3), Parameters: filled(4), Output: &output, State: "final",
		Executors: []principal.Principal{name("a"), name("b")},
		Evidence:  []marketapi.Claim{{Word: "signed", Detail: "2 workers"}, {Word: "agreed", Detail: "2 commits of 2 operators"}},
		Price:     candid.NewNat(1000), Shares: []marketapi.Share{{Account: "provider", Owner: &owner, Cycles: candid.NewNat(450)}},
		Submitted: 1, Settled: 2, Window: 3,
	})
	const want = "fa961857a716c08d2926b209881112a4336038349444588d4909cfe961d69040"
	if err != nil || got.String() != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
	if _, err := client.ReceiptHash(marketapi.Receipt{Network: []byte{1}}); err == nil {
		t.Error("a network of one byte was hashed")
	}
}
