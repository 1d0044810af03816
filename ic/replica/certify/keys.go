package certify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	insecure "math/rand/v2"
	"os"
	"path/filepath"

	"assay/ic/certificate/bls"
)

// fileName is the file of the three keys: a line of magic and version, then the root's
// and the subnet's scalar and the node's seed, 32 bytes each, then the SHA-256 of all that.
// Version 1, which is read still, has no sum.
const fileName = "network.keys"

const (
	magic    = "assay network keys 2\n"
	oldMagic = "assay network keys 1\n"
)

type keys struct {
	root, subnet bls.SecretKey
	node         ed25519.PrivateKey
}

// openKeys reads the keys in a folder, or draws new ones from a random source.
func openKeys(dir string, random io.Reader) (keys, error) {
	if dir == "" {
		return newKeys(random)
	}
	file := filepath.Join(dir, fileName)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createKeys(dir, file, random)
	}
	if err != nil {
		return keys{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return keys{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return keys{}, fmt.Errorf("%s can be read by others: chmod 600 it", file)
	}
	k, err := parseKeys(b)
	if err != nil {
		return keys{}, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

func newKeys(random io.Reader) (k keys, err error) {
	if k.root, err = bls.GenerateKey(random); err != nil {
		return k, err
	}
	if k.subnet, err = bls.GenerateKey(random); err != nil {
		return k, err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return k, err
	}
	k.node = ed25519.NewKeyFromSeed(seed)
	return k, nil
}

// seeded is a stream that a seed determines, of keys that are for tests alone.
func seeded(seed []byte) io.Reader {
	return insecure.NewChaCha8(sha256.Sum256(append([]byte(magic), seed...)))
}

// createKeys writes the file under another name first: a network never starts twice
// with different keys because a write was cut short.
func createKeys(dir, file string, random io.Reader) (keys, error) {
	k, err := newKeys(random)
	if err != nil {
		return k, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return k, err
	}
	f, err := os.CreateTemp(dir, ".keys-*") // mode 0600
	if err != nil {
		return k, err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(k.encode())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return k, err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return k, err
	}
	return k, syncDir(dir)
}

// syncDir makes the name last. Systems that cannot sync a folder do it by themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

func (k keys) encode() []byte {
	b := append(append(append([]byte(magic), k.root.Bytes()...), k.subnet.Bytes()...), k.node.Seed()...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// withoutSum is the keys in a file of either version.
func withoutSum(b []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(b, []byte(oldMagic)); ok {
		return rest, nil
	}
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("not a file of network keys of version 1 or 2")
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return nil, errors.New("the file is damaged: its checksum is wrong; put it back from a copy")
	}
	return rest[:len(rest)-sha256.Size], nil
}

func parseKeys(b []byte) (k keys, err error) {
	rest, err := withoutSum(b)
	if err != nil {
		return k, err
	}
	if len(rest) != 2*bls.SecretLen+ed25519.SeedSize {
		return k, errors.New("not three keys")
	}
	if k.root, err = bls.ParseSecretKey(rest[:bls.SecretLen]); err != nil {
		return k, err
	}
	if k.subnet, err = bls.ParseSecretKey(rest[bls.SecretLen : 2*bls.SecretLen]); err != nil {
		return k, err
	}
	k.node = ed25519.NewKeyFromSeed(rest[2*bls.SecretLen:])
	return k, nil
}
