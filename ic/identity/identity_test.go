package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"assay/ic/principal"
)

func keys(t testing.TB) map[string]*Key {
	t.Helper()
	ed, err := NewEd25519()
	if err != nil {
		t.Fatal(err)
	}
	secp, err := NewSecp256k1()
	if err != nil {
		t.Fatal(err)
	}
	p256, err := NewP256()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*Key{"ed25519": ed, "secp256k1": secp, "p256": p256}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	for name, k := range keys(t) {
		path := filepath.Join(t.TempDir(), "key.pem")
		if err := Save(path, k); err != nil {
			t.Fatal(err)
		}
		if err := Save(path, k); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: second save: got %v, want ErrExist", name, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", name, info.Mode())
		}
		again, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := again.Sign([]byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		if again.Sender() != k.Sender() || !k.Verify([]byte("message"), sig) || k.Verify([]byte("other"), sig) {
			t.Errorf("%s: loaded key is another key", name)
		}
		if k.Verify([]byte("message"), sig[:63]) {
			t.Errorf("%s: short signature taken", name)
		}
	}
}

func TestSeedIsStable(t *testing.T) {
	t.Parallel()
	k, err := Ed25519FromSeed([32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "302a300506032b65700321003b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
	if got := hex.EncodeToString(k.PublicKeyDER()); got != want {
		t.Errorf("key of the zero seed is %s, want %s", got, want)
	}
	if !k.Sender().IsSelfAuthenticating() {
		t.Errorf("sender %s is not self-authenticating", k.Sender())
	}
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	var id Identity = Anonymous{}
	sig, err := id.Sign([]byte("x"))
	if id.Sender() != principal.Anonymous || id.PublicKeyDER() != nil || sig != nil || err != nil {
		t.Errorf("anonymous: %v %v %v %v", id.Sender(), id.PublicKeyDER(), sig, err)
	}
}

func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	good, err := keys(t)["secp256k1"].PEM()
	if err != nil {
		t.Fatal(err)
	}
	mixed := mixedHalves(t)
	for name, b := range map[string][]byte{
		"empty":             nil,
		"text":              []byte("not a key"),
		"other curve":       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"a public key":      pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"garbage inside":    pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte{1, 2, 3}}),
		"two keys":          append(append([]byte{}, good...), good...),
		"halves of two":     mixed,
		"far too long":      make([]byte, maxPEM+1),
		"nothing in a PEM":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}),
		"parameters, alone": pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 43, 129, 4, 0, 10}}),
	} {
		var want *KeyError
		if _, err := ParsePEM(b); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want a KeyError", name, err)
		}
	}
}

// TestForms: a P-256 key is the same in both forms that tools write.
func TestForms(t *testing.T) {
	t.Parallel()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.MarshalPKIXPublicKey(secret.Public())
	if err != nil {
		t.Fatal(err)
	}
	for kind, b := range map[string][]byte{"PRIVATE KEY": pkcs8, "EC PRIVATE KEY": sec1} {
		k, err := ParsePEM(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if got := k.PublicKeyDER(); hex.EncodeToString(got) != hex.EncodeToString(want) {
			t.Errorf("%s: key %x, want %x", kind, got, want)
		}
	}
}

// mixedHalves is a secp256k1 key file with the public point of another key.
func mixedHalves(t *testing.T) []byte {
	t.Helper()
	a, b := keys(t)["secp256k1"], keys(t)["secp256k1"]
	data, err := a.PEM()
	if err != nil {
		t.Fatal(err)
	}
	_, rest := pem.Decode(data)
	block, _ := pem.Decode(rest)
	other := b.PublicKeyDER()
	copy(block.Bytes[len(block.Bytes)-64:], other[len(other)-64:])
	return pem.EncodeToMemory(block)
}

func TestLoadRefusesOpenFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no file modes on windows")
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	k, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrCreate(path)
	if err != nil || again.Sender() != k.Sender() {
		t.Fatalf("second LoadOrCreate: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var want *KeyError
	if _, err := Load(path); !errors.As(err, &want) {
		t.Errorf("mode 0644: got %v, want a KeyError", err)
	}
}

func FuzzParsePEM(f *testing.F) {
	for _, k := range keys(f) {
		b, err := k.PEM()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParsePEM(b)
		if err != nil {
			var want *KeyError
			if !errors.As(err, &want) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		out, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParsePEM(out); err != nil || again.Sender() != k.Sender() {
			t.Errorf("does not survive encoding: %v", err)
		}
	})
}
