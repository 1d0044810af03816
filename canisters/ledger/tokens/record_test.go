package tokens

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Stored records keep their bytes: a ledger that was upgraded reads what it wrote before.
func TestLayout(t *testing.T) {
	l, h := newLedger(t)
	if _, err := l.Transfer(Caller{"alice", start}, Transfer{To: account(bob, 7), Amount: nat(100), Common: at(start)}); err != nil {
		t.Fatal(err)
	}
	carol := holder("carol")
	for name, row := range map[string]struct {
		key  []byte
		want string
	}{
		"head":      {keyHead, "01" + "000000000000000000000000000003cf" + "0000000000000005" + "0000000000000001"},
		"config":    {keyConfig, "0108" + "0000000000000000000000000000000a" + "00000000000003e8" + "0000000000000032" + "046d696e74" + zeros(32) + "0454657374" + "03545354"},
		"balance":   {append([]byte("b\x03bob"), append(make([]byte, 31), 7)...), "01" + zeros(15) + "64"},
		"allowance": {append(append([]byte("a\x05alice"), make([]byte, 32)...), append([]byte("\x05carol"), make([]byte, 32)...)...), "01" + zeros(14) + "01f4" + "00000000000f42a4"},
	} {
		if got, _ := h.Get(row.key); hex.EncodeToString(got) != row.want {
			t.Errorf("%s: %x, want %s", name, got, row.want)
		}
	}
	if !bytes.Equal(allowanceKey(alice, carol), append(append([]byte("a\x05alice"), make([]byte, 32)...), append([]byte("\x05carol"), make([]byte, 32)...)...)) {
		t.Error("an allowance's key")
	}
}

func zeros(n int) string { return hex.EncodeToString(make([]byte, n)) }

// FuzzDecode: no stored bytes crash a decoder, and what is read is written back the same.
func FuzzDecode(f *testing.F) {
	c := testConfig()
	f.Add(c.encode())
	f.Add(encodeAmount(nat(7)))
	f.Add(encodeAllowance(Allowance{nat(7), 9}))
	f.Add(make([]byte, 33))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeConfig(b); err == nil && !bytes.Equal(c.encode(), b) {
			t.Errorf("configuration %x reads as %+v", b, c)
		}
		if n, err := decodeAmount(b); err == nil && !bytes.Equal(encodeAmount(n), b) {
			t.Errorf("amount %x reads as %s", b, n)
		}
		if a, err := decodeAllowance(b); err == nil && !bytes.Equal(encodeAllowance(a), b) {
			t.Errorf("allowance %x reads as %+v", b, a)
		}
		if _, err := decodeHead(b); err == nil && (len(b) != 33 || b[0] != recordVersion) {
			t.Errorf("head %x was taken", b)
		}
	})
}
