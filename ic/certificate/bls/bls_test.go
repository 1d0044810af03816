package bls

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A key and signature over "hello" that the JavaScript agent's tests publish.
const (
	vectorKey       = "a7623a93cdb56c4d23d99c14216afaab3dfd6d4f9eb3db23d038280b6d5cb2caaee2a19dd92c9df7001dede23bf036bc0f33982dfb41e8fa9b8e96b5dc3e83d55ca4dd146c7eb2e8b6859cb5a5db815db86810b8d12cee1588b5dbf34a4dc9a5"
	vectorSignature = "b89e13a212c830586eaa9ad53946cd968718ebecc27eda849d9232673dcd4f440e8b5df39bf14a88048c15e16cbcaabe"
)

func TestVerifyVector(t *testing.T) {
	t.Parallel()
	key, err := ParsePublicKey(unhex(t, vectorKey))
	if err != nil {
		t.Fatal(err)
	}
	sig := unhex(t, vectorSignature)
	if err := key.Verify([]byte("hello"), sig); err != nil {
		t.Errorf("published signature refused: %v", err)
	}
	if err := key.Verify([]byte("bye"), sig); !errors.Is(err, ErrSignature) {
		t.Errorf("other message: got %v, want ErrSignature", err)
	}
	for i := range sig {
		bad := bytes.Clone(sig)
		bad[i] ^= 1
		if err := key.Verify([]byte("hello"), bad); !errors.Is(err, ErrSignature) {
			t.Errorf("bit flipped in byte %d: got %v, want ErrSignature", i, err)
		}
	}
}

func TestSignRoundTrip(t *testing.T) {
	t.Parallel()
	key, err := GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSecretKey(key.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := again.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := ParseDER(key.Public().DER())
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Verify([]byte("message"), sig); err != nil {
		t.Errorf("own signature refused: %v", err)
	}
	if n := len(public.DER()); n != DERLen {
		t.Errorf("DER has %d bytes, want %d", n, DERLen)
	}
}

func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	good := unhex(t, vectorKey)
	infinity := make([]byte, PublicLen)
	infinity[0] = 0xc0
	flipped := bytes.Clone(good)
	flipped[95] ^= 1
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:95], "infinity": infinity, "not on the curve or subgroup": flipped, "zeros": make([]byte, PublicLen),
	} {
		var want *KeyError
		if _, err := ParsePublicKey(b); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want a KeyError", name, err)
		}
	}
	if _, err := ParseDER(good); err == nil {
		t.Error("raw key taken for DER")
	}
	for name, b := range map[string][]byte{"zero": make([]byte, 32), "too large": bytes.Repeat([]byte{0xff}, 32), "short": {1}} {
		if _, err := ParseSecretKey(b); err == nil {
			t.Errorf("secret %s: taken", name)
		}
	}
}

func TestInfinitySignatureRefused(t *testing.T) {
	t.Parallel()
	key, err := ParsePublicKey(unhex(t, vectorKey))
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, SignatureLen)
	sig[0] = 0xc0
	if err := key.Verify([]byte("hello"), sig); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
}

func FuzzParseDER(f *testing.F) {
	f.Add(append(bytes.Clone(derPrefix), unhex(f, vectorKey)...))
	f.Add([]byte{})
	f.Add(derPrefix)
	f.Fuzz(func(t *testing.T, b []byte) {
		if key, err := ParseDER(b); err == nil && !bytes.Equal(key.DER(), b) {
			t.Errorf("%x decodes and encodes to %x", b, key.DER())
		}
	})
}
