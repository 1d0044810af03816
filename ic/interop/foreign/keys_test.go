package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/ic/candid/text"
	"assay/internal/need"
)

// TestThresholdKeys lets a Rust canister sign and derive keys, and libraries of other
// makers check what it got.
func TestThresholdKeys(t *testing.T) {
	t.Parallel()
	node, dir := need.Node(t, "keys")
	check := func(arg string) string {
		cmd := exec.CommandContext(t.Context(), node, "check.mjs", arg)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	transport, err := hex.DecodeString(check("transport"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	c := s.install(rust(t, "factory"))
	message, context, input := []byte("a message"), []byte("a context"), []byte("alice")
	hash := sha256.Sum256(message)
	told := map[string]any{
		"message": hexed(message), "hash": hexed(hash[:]), "context": hexed(context), "input": hexed(input),
		"ecdsa":         c.bytes("ecdsa", "("+blob(hash[:])+")"),
		"bip340":        c.bytes("schnorr", "("+blob(message)+", false)"),
		"ed":            c.bytes("schnorr", "("+blob(message)+", true)"),
		"canister_key":  c.bytes("vetkd_public", `(blob "")`)[0],
		"context_key":   c.bytes("vetkd_public", "("+blob(context)+")")[0],
		"encrypted_key": c.bytes("vetkd_derive", "("+blob(input)+", "+blob(context)+", "+blob(transport)+")")[0],
	}
	b, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "told.json")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	check(file)
}

func hexed(b []byte) string { return hex.EncodeToString(b) }

// bytes are the blobs of a reply (variant { Ok = … }), in hex.
func (c canister) bytes(method, args string) (out []string) {
	c.T.Helper()
	reply := c.gives(method, args)
	values, err := text.Parse(reply)
	c.Must(err)
	answer, _ := values[0].(text.Variant)
	switch v := answer.V.(type) {
	case text.Blob:
		return []string{hexed(v)}
	case text.Record:
		for _, f := range v {
			out = append(out, hexed(f.V.(text.Blob)))
		}
		return out
	}
	c.T.Fatalf("%s: %s", method, reply)
	return nil
}
