package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"assay/ic/candid"
)

const recordVersion = 1

var (
	keyHead   = []byte{'h'}
	keyConfig = []byte{'c'}
)

// RecordError is a stored value that this package did not write.
type RecordError struct{ What string }

func (e *RecordError) Error() string {
	return fmt.Sprintf("the stored %s is not of version %d", e.What, recordVersion)
}

type head struct {
	supply       Amount
	transactions uint64
	repeats      uint64
}

func (l *Ledger) saveHead() {
	b := appendAmount([]byte{recordVersion}, l.head.supply)
	b = binary.BigEndian.AppendUint64(b, l.head.transactions)
	l.store.Put(keyHead, binary.BigEndian.AppendUint64(b, l.head.repeats))
}

func decodeHead(b []byte) (h head, err error) {
	if len(b) != 33 || b[0] != recordVersion {
		return h, &RecordError{"head"}
	}
	return head{amountAt(b[1:]), binary.BigEndian.Uint64(b[17:]), binary.BigEndian.Uint64(b[25:])}, nil
}

// encode: version · decimals · fee · window · drift · minting account · name and symbol,
// each after its length in one byte.
func (c *Config) encode() []byte {
	b := appendAmount([]byte{recordVersion, c.Decimals}, c.Fee)
	b = binary.BigEndian.AppendUint64(b, c.Window)
	b = binary.BigEndian.AppendUint64(b, c.Drift)
	b = appendAccount(b, c.Minting)
	for _, s := range [...]string{c.Name, c.Symbol} {
		b = append(append(b, byte(len(s))), s...)
	}
	return b
}

func decodeConfig(b []byte) (c Config, err error) {
	bad := &RecordError{"configuration"}
	if len(b) < 34 || b[0] != recordVersion {
		return c, bad
	}
	c = Config{Decimals: b[1], Fee: amountAt(b[2:]), Window: binary.BigEndian.Uint64(b[18:]), Drift: binary.BigEndian.Uint64(b[26:])}
	b = b[34:]
	var ok bool
	var owner, sub []byte
	if owner, b, ok = field(b); !ok || len(b) < 32 {
		return Config{}, bad
	}
	sub, b = b[:32], b[32:]
	c.Minting = Account{Owner: string(owner), Sub: [32]byte(sub)}
	var name, symbol []byte
	if name, b, ok = field(b); !ok {
		return Config{}, bad
	}
	if symbol, b, ok = field(b); !ok || len(b) != 0 {
		return Config{}, bad
	}
	c.Name, c.Symbol = string(name), string(symbol)
	if c.validate() != nil {
		return Config{}, bad
	}
	return c, nil
}

// field cuts off bytes behind their length.
func field(b []byte) (f, rest []byte, ok bool) {
	if len(b) < 1 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

func appendAmount(b []byte, n Amount) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, n.Hi), n.Lo)
}

func amountAt(b []byte) Amount {
	return candid.Nat{Hi: binary.BigEndian.Uint64(b), Lo: binary.BigEndian.Uint64(b[8:])}
}

func encodeAmount(n Amount) []byte { return appendAmount([]byte{recordVersion}, n) }

func decodeAmount(b []byte) (n Amount, err error) {
	if len(b) != 17 || b[0] != recordVersion {
		return n, &RecordError{"amount"}
	}
	return amountAt(b[1:]), nil
}

func appendAccount(b []byte, a Account) []byte {
	b = append(append(b, byte(len(a.Owner))), a.Owner...)
	return append(b, a.Sub[:]...)
}

func balanceKey(a Account) []byte { return appendAccount([]byte{'b'}, a) }

func allowanceKey(a, spender Account) []byte {
	return appendAccount(appendAccount([]byte{'a'}, a), spender)
}

func encodeAllowance(a Allowance) []byte {
	return binary.BigEndian.AppendUint64(appendAmount([]byte{recordVersion}, a.Amount), a.Expires)
}

func decodeAllowance(b []byte) (a Allowance, err error) {
	if len(b) != 25 || b[0] != recordVersion {
		return a, &RecordError{"allowance"}
	}
	return Allowance{amountAt(b[1:]), binary.BigEndian.Uint64(b[17:])}, nil
}

func repeatKey(created uint64, payload [sha256.Size]byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{'d'}, created), payload[:]...)
}
