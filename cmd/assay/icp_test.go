package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/internal/need"
)

// icp is the icp client in a project's folder, with a home of its own and this program as
// its network launcher.
type icp struct {
	t            *testing.T
	program, dir string
	home         string
}

func openICP(t *testing.T, dir string) icp {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		need.NotRun(t, "icp command line", "its package is for Linux on x64")
	}
	_, packages := need.Node(t, filepath.Join("..", "..", "ic", "interop", "clients", "icp"))
	c := icp{t, filepath.Join(packages, "node_modules", "@icp-sdk", "icp-cli-linux-x64", "bin", "icp"), dir, t.TempDir()}
	t.Cleanup(func() { c.run("network", "stop") }) // fails where it was stopped already
	return c
}

// run gives what was printed, data first.
func (c icp) run(args ...string) (string, error) {
	cmd := exec.Command(c.program, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "ICP_HOME="+c.home, "ICP_CLI_NETWORK_LAUNCHER_PATH="+binary, "DO_NOT_TRACK=1", "RUST_BACKTRACE=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.String() + stderr.String(), err
}

// ok is run for a command that has to work and print all the texts.
func (c icp) ok(command string, texts ...string) string {
	c.t.Helper()
	out, err := c.run(words(command)...)
	if err != nil {
		launcher, _ := os.ReadFile(filepath.Join(c.dir, ".icp", "cache", "networks", "local", "network-launcher", "stderr.log"))
		c.t.Fatalf("icp %s: %v\n%s\nthe launcher says:\n%s", command, err, out, launcher)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.t.Errorf("icp %s: no %q in\n%s", command, text, out)
		}
	}
	return out
}

// words splits a command; an argument in Candid is the rest after the first parenthesis.
func words(command string) []string {
	before, candid, found := strings.Cut(command, "(")
	args := strings.Fields(before)
	if found {
		args = append(args, "("+candid)
	}
	return args
}

// project writes an icp.yaml whose network takes any port.
func project(t *testing.T, canisters string) string {
	t.Helper()
	dir := t.TempDir()
	manifest := canisters + "\nnetworks:\n  - name: local\n    mode: managed\n    gateway: {port: 0}\n"
	if err := os.WriteFile(filepath.Join(dir, "icp.yaml"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestICPNetwork: the icp client starts the network through this program and does on it what
// its users do, from creating to deleting, with the stand-ins of its ledgers.
func TestICPNetwork(t *testing.T) {
	dir := project(t, "canisters:\n  - name: counter\n    build:\n      steps:\n        - type: script\n          command: cp counter.wasm \"$ICP_WASM_OUTPUT_PATH\"")
	c := openICP(t, dir)
	ok(t, nil, "canister", "build", filepath.Join("..", "..", "examples", "counter"), "-o", filepath.Join(dir, "counter.wasm"))
	c.ok("identity new tester --storage plaintext")
	c.ok("identity default tester")
	c.ok("network start -d", "Network started on port")
	c.ok("network ping", `"replica_health_status": "healthy"`)
	c.ok("network status", "Candid UI Principal", "Proxy Canister Principal")
	c.ok("canister create counter", "Created canister counter")
	c.ok("deploy", "counter")
	c.ok("canister call counter add (41 : nat64)", "(41 : nat64)")
	c.ok("canister call counter get --query ()", "(41 : nat64)")
	c.ok("canister status counter", "Status: Running", "PUBLIC_CANISTER_ID:counter")
	c.ok("cycles balance", "cycles")
	c.ok("token balance", "ICP")
	c.ok("cycles mint --icp 5", "Minted 19_999_900_000_000 cycles")
	c.ok("cycles transfer 1t 2vxsx-fae")
	c.ok("token transfer 1 2vxsx-fae", "Transferred 1.00000000 ICP")
	c.ok("canister top-up counter --amount 1t", "Topped up")
	if out, err := c.run("network", "start", "-d"); err == nil || !strings.Contains(out, "already running") {
		t.Errorf("started twice: %v\n%s", err, out)
	}
	c.ok("canister stop counter")
	c.ok("canister delete counter", "Recovered")
	c.ok("network stop", "stopped")
	if out, err := c.run("network", "ping"); err == nil {
		t.Errorf("it answers after it was stopped:\n%s", out)
	}
}

// TestICPDeploysAssay: `icp deploy` of this repository's icp.yaml builds and installs all of
// its canisters, which find each other by the ids in their environment.
func TestICPDeploysAssay(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join("..", "..", "icp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	// The same manifest in another folder, so that nothing lands in this one: its builds run here.
	local := strings.ReplaceAll(string(manifest), "command: go run ./cmd/assay", "command: cd '"+source+"' && '"+binary+"'")
	if local == string(manifest) {
		t.Fatal("icp.yaml does not build with `go run ./cmd/assay`")
	}
	c := openICP(t, project(t, local))
	c.ok("network start -d", "Network started on port")
	c.ok("deploy", "root", "dao", "market", "vectors", "dapp", "ledger")
	c.ok("canister call dao members --query ()", "nobody")
	c.ok("canister call market books --query ()", "covered = true")
	c.ok("canister call dapp status --query ()", "passages = 0")
	c.ok("canister call ledger icrc1_symbol --query ()", "TEST")
	c.ok("network stop", "stopped")
}

// TestLauncherSaysWhatIsMissing: what the network cannot be reaches the client's user.
func TestLauncherSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "icp.yaml"), []byte("canisters: []\nnetworks:\n  - name: local\n    mode: managed\n    ii: true\n    gateway: {port: 0}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := openICP(t, dir)
	out, err := c.run("network", "start", "-d")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, "Internet Identity is not there") {
		t.Errorf("%v\n%s", err, out)
	}
}
