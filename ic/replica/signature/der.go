package signature

import "fmt"

// The object ids, as DER encodes them, of keys that are not plain.
const (
	oidCOSE     = "\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x01" // 1.3.6.1.4.1.56387.1.1
	oidCanister = "\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x02" // 1.3.6.1.4.1.56387.1.2
)

const (
	tagSequence  = 0x30
	tagBitString = 0x03
)

// maxWrapped is the longest public key in bytes: an RSA key of 8192 bits has a little
// over 1 KiB, a canister's seed is free to choose.
const maxWrapped = 64 << 10

// unwrap takes the SubjectPublicKeyInfo off a key: a sequence of an algorithm, which here
// is an object id alone, and a bit string of whole bytes.
func unwrap(der []byte) (id string, key []byte, err error) {
	if len(der) > maxWrapped {
		return "", nil, fmt.Errorf("%d bytes: %w", len(der), ErrKey)
	}
	info, rest, ok := element(der, tagSequence)
	algorithm, bits, ok2 := element(info, tagSequence)
	key, after, ok3 := element(bits, tagBitString)
	if !ok || !ok2 || !ok3 || len(rest) > 0 || len(after) > 0 || len(key) == 0 || key[0] != 0 {
		return "", nil, ErrKey
	}
	if id = string(algorithm); id != oidCOSE && id != oidCanister {
		return "", nil, ErrKey
	}
	return id, key[1:], nil
}

// element splits off one DER element. Lengths have one spelling, the shortest.
func element(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	if n >= 0x80 {
		size := n & 0x7f
		if size < 1 || size > 3 || len(b) < size {
			return nil, nil, false
		}
		n = 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		if n < 0x80 || n>>(8*(size-1)) == 0 {
			return nil, nil, false
		}
		b = b[size:]
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
