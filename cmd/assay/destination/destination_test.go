package destination

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"assay/ic/certificate/bls"
	"assay/ic/localnet"
	"assay/ic/pocketic"
)

// TestNames: names of networks are told from what is none, and mainnet from other hosts.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{Local, PocketIC, IC, "http://127.0.0.1:4943", "https://icp-api.io", "http://localhost:8000/instances/0"} {
		if err := Check(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "mainnet", "127.0.0.1:4943", "ftp://127.0.0.1", "http://", "file:///etc/passwd"} {
		if err := Check(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want %v", name, err, ErrName)
		}
	}
	for host, want := range map[string]bool{"icp-api.io": true, "ic0.app": true, "ICP0.io.": true, "x.icp0.io": true, "icp-api.io.evil.example": false, "notic0.app": false, "localhost": false} {
		if isMainnet(host) != want {
			t.Errorf("%s is mainnet: %v", host, !want)
		}
	}
}

// TestMainnetKeyIsNeverFetched: for the Internet Computer nobody is asked.
func TestMainnetKeyIsNeverFetched(t *testing.T) {
	t.Parallel()
	if _, err := bls.ParseDER(MainnetKey()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{IC, "https://icp-api.io", "https://ic0.app"} {
		n, err := Open(t.Context(), name, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if string(n.RootKey) != string(MainnetKey()) || !n.Mainnet || n.Note != "" {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

// TestURL: the root key of another network is fetched, and that is said.
func TestURL(t *testing.T) {
	t.Parallel()
	local, err := localnet.Open(localnet.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Close() })
	n, err := Open(t.Context(), local.URL, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if string(n.RootKey) != string(local.RootKey) || n.Mainnet || n.Note == "" {
		t.Errorf("%+v", n)
	}
	dumb := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(dumb.Close)
	if _, err := Open(t.Context(), dumb.URL, io.Discard); err == nil {
		t.Error("a server that is no network was taken")
	}
}

// TestPocketICWithoutBinary says which variable is missing.
func TestPocketICWithoutBinary(t *testing.T) {
	t.Setenv(pocketic.Env, "")
	if _, err := Open(t.Context(), PocketIC, io.Discard); err == nil {
		t.Error("started without a binary")
	}
}
