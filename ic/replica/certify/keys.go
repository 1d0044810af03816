package certify

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"assay/ic/certificate/bls"
)

// fileName is the file of the three keys: a line of magic and version, then the root's
// and the subnet's scalar and the node's seed, 32 bytes each.
const fileName = "network.keys"

const magic = "assay network keys 1\n"

type keys struct {
	root, subnet bls.SecretKey
	node         ed25519.PrivateKey
}

func openKeys(dir string) (keys, error) {
	if dir == "" {
		return newKeys()
	}
	file := filepath.Join(dir, fileName)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createKeys(dir, file)
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

func newKeys() (k keys, err error) {
	if k.root, err = bls.GenerateKey(nil); err != nil {
		return k, err
	}
	if k.subnet, err = bls.GenerateKey(nil); err != nil {
		return k, err
	}
	_, k.node, err = ed25519.GenerateKey(nil)
	return k, err
}

// createKeys writes the file under another name first: a network never starts twice
// with different keys because a write was cut short.
func createKeys(dir, file string) (keys, error) {
	k, err := newKeys()
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
	return k, os.Rename(f.Name(), file)
}

func (k keys) encode() []byte {
	return append(append(append([]byte(magic), k.root.Bytes()...), k.subnet.Bytes()...), k.node.Seed()...)
}

func parseKeys(b []byte) (k keys, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) != 2*bls.SecretLen+ed25519.SeedSize {
		return k, errors.New("not a file of network keys of version 1")
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
