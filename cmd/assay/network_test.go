package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

type started struct {
	URL        string `json:"url"`
	Port       int    `json:"port"`
	RootKey    string `json:"root_key"`
	SubnetSize int    `json:"subnet_size"`
	Pace       string `json:"pace"`
	Seeded     bool   `json:"seeded"`
	Kind       string `json:"kind"`
}

// startNetwork runs `assay network start` and reads what it says of itself.
func startNetwork(t *testing.T, args ...string) (*background, started) {
	t.Helper()
	b := start(t, append([]string{"network", "start", "--json"}, args...)...)
	b.waitFor(t, "}")
	for !json.Valid([]byte(b.output())) {
		b.waitFor(t, "}")
	}
	var s started
	if err := json.Unmarshal([]byte(b.output()), &s); err != nil {
		t.Fatalf("%v in %s", err, b.output())
	}
	return b, s
}

// TestNetworkStart: the bare network says where it is, in its files too, answers, and takes
// its traces away at a clean end; the next start is at the same port under the same key.
func TestNetworkStart(t *testing.T) {
	dir := t.TempDir()
	portFile := filepath.Join(t.TempDir(), "port")
	b, s := startNetwork(t, "--state", dir, "--port-file", portFile, "--subnet-size", "34", "--page-touch", "read-write", "--seed", "7", "--log-level", "error")
	if s.SubnetSize != 34 || !s.Seeded || !strings.Contains(s.Kind, "no consensus") {
		t.Errorf("it says of itself %+v", s)
	}
	if got, err := os.ReadFile(portFile); err != nil || string(got) != strconv.Itoa(s.Port)+"\n" {
		t.Errorf("port file holds %q (%v), want %d and a newline", got, err, s.Port)
	}
	var ping struct {
		RootKey string `json:"root_key"`
		Health  string `json:"health"`
	}
	for _, where := range [][]string{{"--state", dir}, {"--network", s.URL}} {
		ok(t, &ping, append([]string{"network", "ping", "--json"}, where...)...)
		if ping.RootKey != s.RootKey || ping.Health != "healthy" {
			t.Errorf("ping %v: %+v, want root key %s", where, ping, s.RootKey)
		}
	}
	var status struct {
		RootKey    string `json:"root_key"`
		Pace       string `json:"pace"`
		Canisters  *int   `json:"canisters"`
		SubnetSize int    `json:"subnet_size"`
		PageTouch  string `json:"page_touch"`
	}
	ok(t, &status, "network", "status", "--json", "--state", dir)
	if status.RootKey != s.RootKey || status.Pace != s.Pace || status.Canisters == nil || *status.Canisters != 0 || status.SubnetSize != 34 || status.PageTouch != "read-write" {
		t.Errorf("status says %+v", status)
	}
	if r := assay(t, "network", "start", "--state", dir); r.code != 1 || !strings.Contains(r.stderr, "another process") {
		t.Errorf("a second network in the folder: exit code %d with %q", r.code, r.stderr)
	}
	if r := assay(t, "network", "start", "--port", strconv.Itoa(s.Port)); r.code != 1 || !strings.Contains(r.stderr, "--port") {
		t.Errorf("a second network on the port: exit code %d with %q", r.code, r.stderr)
	}
	b.stop(t)
	if _, err := os.Stat(portFile); !os.IsNotExist(err) {
		t.Errorf("the port file outlives the network (%v)", err)
	}
	if r := assay(t, "network", "ping", "--state", dir); r.code != 4 || !strings.Contains(r.stderr, "network start") {
		t.Errorf("ping after the end: exit code %d with %q", r.code, r.stderr)
	}
	b, again := startNetwork(t, "--state", dir)
	if again.SubnetSize != 34 {
		t.Errorf("started again with the prices of %d nodes, they were of 34", again.SubnetSize)
	}
	if again.URL != s.URL || again.RootKey != s.RootKey {
		t.Errorf("started again at %s, was at %s; same root key: %v", again.URL, s.URL, again.RootKey == s.RootKey)
	}
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-b.ended
	if b.failed != nil || !strings.Contains(b.output(), "the state is kept in "+dir) {
		t.Errorf("after SIGTERM it ended with %v:\n%s", b.failed, b.output())
	}
}

// TestNetworkStartOpen: a network that others can reach says so.
func TestNetworkStartOpen(t *testing.T) {
	b := start(t, "network", "start", "--bind", "0.0.0.0")
	b.waitFor(t, "warning: 0.0.0.0 is not loopback")
	b.waitFor(t, "ready; stop with Ctrl-C (development network: one process, no consensus)")
	b.stop(t)
}

// TestNetworkStartCannotListen: an address of nobody's is an error, not a network elsewhere.
func TestNetworkStartCannotListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	state := filepath.Join(t.TempDir(), "state")
	if r := assay(t, "network", "start", "--state", state, "--port", strconv.Itoa(port)); r.code != 1 || !strings.Contains(r.stderr, strconv.Itoa(port)) {
		t.Errorf("exit code %d with %q", r.code, r.stderr)
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("a network that did not start made its folder (%v)", err)
	}
}

// TestNetworkPace: auto-progress has three states, which the network tells.
func TestNetworkPace(t *testing.T) {
	for flag, want := range map[string]string{"": "live until the first tick or set-time", "--auto-progress": "live", "--auto-progress=false": "manual"} {
		b, s := startNetwork(t, strings.Fields(flag)...)
		if s.Pace != want {
			t.Errorf("%q: pace %q, want %q", flag, s.Pace, want)
		}
		b.stop(t)
	}
}

// TestLauncher: called as the icp client calls its launcher, the program says in status.json
// where the network with the stand-ins is, and takes that away after an interrupt.
func TestLauncher(t *testing.T) {
	status := t.TempDir()
	b := start(t, "--interface-version", "1.1.0", "--state-dir", t.TempDir(), "--bind", "127.0.0.1", "--status-dir", status, "--subnet=application", "--artificial-delay-ms=5", "--domain=localhost")
	b.waitFor(t, "Assay serves the icp client at")
	if !strings.Contains(b.output(), "--artificial-delay-ms is not applied") {
		t.Errorf("it does not say that there is no delay:\n%s", b.output())
	}
	file := filepath.Join(status, "status.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		V       string `json:"v"`
		Port    int    `json:"gateway_port"`
		RootKey string `json:"root_key"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.V != "1" || !strings.HasSuffix(string(text), "}\n") {
		t.Fatalf("status.json holds %q (%v)", text, err)
	}
	var ping struct {
		RootKey string `json:"root_key"`
	}
	ok(t, &ping, "network", "ping", "--json", "--network", "http://127.0.0.1:"+strconv.Itoa(said.Port))
	if ping.RootKey != said.RootKey {
		t.Errorf("root key %s, status.json says %s", ping.RootKey, said.RootKey)
	}
	b.stop(t)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("status.json outlives the network (%v)", err)
	}
}
