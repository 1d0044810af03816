package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	agentgo "github.com/aviate-labs/agent-go/identity"
)

// maxPEM is the longest key file in bytes.
const maxPEM = 16 << 10

// KeyError says why bytes or a file are not a usable key.
type KeyError struct{ Reason string }

// Error gives the reason.
func (e *KeyError) Error() string { return "identity: " + e.Reason }

// ParsePEM reads a secret key: Ed25519 in PKCS #8 ("PRIVATE KEY"), secp256k1 in SEC 1
// ("EC PRIVATE KEY", with or without "EC PARAMETERS" in front), or P-256 in either.
func ParsePEM(data []byte) (*Key, error) {
	if len(data) > maxPEM {
		return nil, &KeyError{fmt.Sprintf("PEM of %d bytes, at most %d are read", len(data), maxPEM)}
	}
	data = append(bytes.TrimSpace(data), '\n')
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, &KeyError{"no PEM block"}
	}
	if key := parseP256(block); key != nil && len(rest) == 0 {
		return newKey(agentgo.NewPrime256v1Identity(key))
	}
	inner, err := parseBlock(block.Type, data, rest)
	if err != nil {
		return nil, err
	}
	return newKey(inner)
}

// parseP256 is the key of a block if it is one on that curve.
func parseP256(block *pem.Block) *ecdsa.PrivateKey {
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil
	}
	return key
}

// parseBlock hands the file to agent-go's parser for the type of its first block.
func parseBlock(kind string, data, rest []byte) (inner agentgo.Identity, err error) {
	defer func() { // a wrong file must not panic the program, whatever the parser does with it
		if r := recover(); r != nil {
			inner, err = nil, &KeyError{fmt.Sprintf("%s: malformed", kind)}
		}
	}()
	switch kind {
	case "PRIVATE KEY":
		inner, err = agentgo.NewEd25519IdentityFromPEM(data)
	case "EC PARAMETERS":
		inner, err = agentgo.NewSecp256k1IdentityFromPEM(data)
	case "EC PRIVATE KEY":
		inner, err = agentgo.NewSecp256k1IdentityFromPEMWithoutParameters(data)
	default:
		return nil, &KeyError{fmt.Sprintf("PEM block %q is not a secret key", kind)}
	}
	if err != nil {
		return nil, &KeyError{fmt.Sprintf("%s: %v (%d bytes follow)", kind, err, len(rest))}
	}
	return inner, nil
}

// PEM is the secret key in the form that [ParsePEM] reads.
func (k *Key) PEM() ([]byte, error) {
	b, err := k.inner.ToPEM()
	if err != nil {
		return nil, fmt.Errorf("encode key of %s: %w", k.sender, err)
	}
	return b, nil
}

// Load reads a key file. It refuses one that others may read.
func Load(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load %s: %w", path, &KeyError{fmt.Sprintf("mode %#o lets others read the key: run chmod 600", info.Mode().Perm())})
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	k, err := ParsePEM(data)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return k, nil
}

// Save writes the key to a new file that only its owner may read. It never overwrites:
// the error is then [fs.ErrExist].
func Save(path string, k *Key) (err error) {
	data, err := k.PEM()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	return nil
}

// LoadOrCreate loads a key file, or makes a new Ed25519 key and saves it there.
func LoadOrCreate(path string) (*Key, error) {
	k, err := Load(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = NewEd25519(); err != nil {
		return nil, err
	}
	if err := Save(path, k); err != nil {
		return nil, err
	}
	return k, nil
}
