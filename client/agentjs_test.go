package client_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/internal/need"
)

// TestGoldenInJavaScript compares the hashes that the JavaScript check computes with the
// golden ones of package commitment.
func TestGoldenInJavaScript(t *testing.T) {
	t.Parallel()
	node, dir := need.Node(t, "../scripts/receipt-check")
	cmd := exec.Command(node, "golden.mjs")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../commitment/testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 10 {
		t.Errorf("only %d hashes were compared", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(string(golden), line+"\n") {
			t.Errorf("not among the golden hashes: %s", line)
		}
	}
}

// TestReceiptInJavaScript reads the receipt of the market in this process with agent-js,
// its own verification on, and a receipt and an output that lie.
func TestReceiptInJavaScript(t *testing.T) {
	t.Parallel()
	node, dir := need.Node(t, "../scripts/receipt-check")
	m, _ := setUp(t)
	check := func(rootKey []byte) (string, error) {
		cmd := exec.Command(node, "check.mjs", "--url", m.net.URL, "--market", marketID.String(), "--job", "7", "--root-key", hex.EncodeToString(rootKey))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := check(m.net.RootKey)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"ok  certificate", "ok  witness", "ok  receipt", "ok  output: 2 tensors"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	m.change(func() { m.output[0].Data[0] ^= 1 })
	if out, err := check(m.net.RootKey); err == nil || !strings.Contains(out, "the output hashes to") {
		t.Errorf("other output: %v\n%s", err, out)
	}
	m.change(func() { m.lie = func(r *marketapi.CertifiedReceipt) { r.Receipt.State = "disputed" } })
	if out, err := check(m.net.RootKey); err == nil || !strings.Contains(out, "the receipt hashes to") {
		t.Errorf("other receipt: %v\n%s", err, out)
	}
	m.change(func() { m.lie = nil })
	other := m.net.SubnetKey
	if out, err := check(other); err == nil {
		t.Errorf("other root key taken:\n%s", out)
	}
}
