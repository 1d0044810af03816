package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

type started struct {
	URL        string `json:"url"`
	Port       int    `json:"port"`
	RootKey    string `json:"root_key"`
	SubnetSize int    `json:"subnet_size"`
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
	b, s := startNetwork(t, "--state", dir, "--port-file", portFile, "--subnet-size", "34", "--seed", "7", "--log-level", "error")
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
	if again.URL != s.URL || again.RootKey != s.RootKey {
		t.Errorf("started again at %s, was at %s; same root key: %v", again.URL, s.URL, again.RootKey == s.RootKey)
	}
	b.stop(t)
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
