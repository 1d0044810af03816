package certify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/bls"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func tree(t *testing.T, at time.Time) hashtree.Node {
	t.Helper()
	n, err := hashtree.NewBuilder().Set(certificate.AppendNat(nil, uint64(at.UnixNano())), []byte("time")).Tree()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCertificatesVerify(t *testing.T) {
	t.Parallel()
	now := noon
	c, err := Open("", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, sharded := range []bool{true, false} {
		for _, at := range []time.Time{noon, noon.Add(40 * 24 * time.Hour)} { // the second needs a new delegation
			now = at
			raw, err := c.Certify(tree(t, at), sharded)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := certificate.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []principal.Principal{principal.Canister(0), principal.Canister(7), principal.Canister(1<<64 - 1)} {
				if err := cert.Verify(c.RootKey(), id, at, time.Minute); err != nil {
					t.Errorf("sharded %v at %v, canister %s: %v", sharded, at, id, err)
				}
			}
			if err := cert.Verify(other.RootKey(), principal.Canister(7), at, time.Minute); !errors.Is(err, bls.ErrSignature) {
				t.Errorf("another network's root key: %v", err)
			}
			if cert.Subnet(c.RootKey()) != c.Subnet() {
				t.Errorf("signed by %s, want %s", cert.Subnet(c.RootKey()), c.Subnet())
			}
			_, flat := cert.Delegation.Certificate.Tree.Lookup([]byte("subnet"), c.Subnet().Bytes(), []byte("canister_ranges"))
			if (flat == hashtree.Found) == sharded {
				t.Errorf("sharded %v: flat ranges are %v", sharded, flat)
			}
		}
	}
}

func TestSubnetTree(t *testing.T) {
	t.Parallel()
	c, err := Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := hashtree.NewBuilder()
	c.SetSubnet(b, false)
	n, err := b.Tree()
	if err != nil {
		t.Fatal(err)
	}
	der, result := n.Lookup([]byte("subnet"), c.Subnet().Bytes(), []byte("node"), c.Node().Bytes(), []byte("public_key"))
	if result != hashtree.Found {
		t.Fatalf("node key: %v", result)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	hash := [32]byte{1}
	if !ed25519.Verify(key.(ed25519.PublicKey), append([]byte("\x0bic-response"), hash[:]...), c.SignResponse(hash)) {
		t.Error("the node's signature does not verify")
	}
	if v, _ := n.Lookup([]byte("subnet"), c.Subnet().Bytes(), []byte("type")); string(v) != "application" {
		t.Errorf("type %q", v)
	}
}

func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	first, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.RootKey(), second.RootKey()) || first.Subnet() != second.Subnet() || first.Node() != second.Node() {
		t.Error("a second start has other keys")
	}
	file := filepath.Join(dir, fileName)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info.Mode(), err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"cut": good[:len(good)-1], "empty": {}, "version": bytes.Replace(good, []byte("keys 2"), []byte("keys 3"), 1),
		"zero scalar": append([]byte(oldMagic), make([]byte, 96)...),
	}
	for at := range good {
		flipped := bytes.Clone(good)
		flipped[at] ^= 0x10
		bad[fmt.Sprintf("flipped byte %d", at)] = flipped
	}
	for name, b := range bad {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, nil); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	old := append([]byte(oldMagic), good[len(magic):len(good)-sha256.Size]...)
	for name, b := range map[string][]byte{"version 1": old, "version 2": good} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(dir, nil); err != nil || !bytes.Equal(again.RootKey(), first.RootKey()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); err == nil {
		t.Error("a key file that others can read was opened")
	}
}
