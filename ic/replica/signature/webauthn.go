package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/fxamacker/cbor/v2"
)

// coseKey is a public key in COSE. What the negative labels hold depends on the type.
type coseKey struct {
	Type      int64           `cbor:"1,keyasint"`
	Algorithm int64           `cbor:"3,keyasint"`
	First     cbor.RawMessage `cbor:"-1,keyasint"` // curve; modulus of RSA
	Second    []byte          `cbor:"-2,keyasint"` // x; exponent of RSA
	Third     []byte          `cbor:"-3,keyasint"` // y of ECDSA
}

// Types, algorithms and curves of COSE that may sign.
const (
	typeOKP, typeEC2, typeRSA          = 1, 2, 3
	algES256, algEdDSA, algRS256       = -7, -8, -257
	curveP256, curveEd25519            = 1, 6
	maxModulus                         = 1024 // bytes
	minExponent, maxExponent     int64 = 3, 1<<31 - 1
)

// assertion is what an authenticator answers to a challenge.
type assertion struct {
	AuthenticatorData []byte `cbor:"authenticator_data"`
	ClientData        string `cbor:"client_data_json"`
	Signature         []byte `cbor:"signature"`
}

func verifyWebAuthn(cose, payload, signature []byte) error {
	check, err := parseCOSE(cose)
	if err != nil {
		return err
	}
	var a assertion
	if err := decMode().Unmarshal(bytes.TrimPrefix(signature, []byte(selfDescribe)), &a); err != nil {
		return fmt.Errorf("web authentication: %w: %w", ErrSignature, err)
	}
	if a.AuthenticatorData == nil || a.Signature == nil {
		return fmt.Errorf("web authentication: a field is missing: %w", ErrSignature)
	}
	if err := checkChallenge(a.ClientData, payload); err != nil {
		return fmt.Errorf("web authentication: %w: %w", ErrSignature, err)
	}
	client := sha256.Sum256([]byte(a.ClientData))
	return check(append(bytes.Clone(a.AuthenticatorData), client[:]...), a.Signature)
}

// checkChallenge wants the payload to be the challenge that the authenticator answered.
func checkChallenge(clientData string, payload []byte) error {
	var fields map[string]json.RawMessage // and not a struct, whose names match in any case
	if err := json.Unmarshal([]byte(clientData), &fields); err != nil {
		return fmt.Errorf("client data: %w", err)
	}
	var challenge string
	if err := json.Unmarshal(fields["challenge"], &challenge); err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	if want := base64.RawURLEncoding.EncodeToString(payload); challenge != want {
		return fmt.Errorf("challenge %.100q, want %q", challenge, want)
	}
	if kind, ok := fields["type"]; ok && string(kind) != `"webauthn.get"` {
		return fmt.Errorf("type %.100s, want webauthn.get", kind)
	}
	return nil
}

// parseCOSE returns the check of an authenticator's key.
func parseCOSE(b []byte) (check func(message, signature []byte) error, err error) {
	var key coseKey
	if err := decMode().Unmarshal(b, &key); err != nil {
		return nil, fmt.Errorf("COSE: %w: %w", ErrKey, err)
	}
	switch [2]int64{key.Type, key.Algorithm} {
	case [2]int64{typeEC2, algES256}:
		return key.ecdsa()
	case [2]int64{typeRSA, algRS256}:
		return key.rsa()
	case [2]int64{typeOKP, algEdDSA}:
		return key.eddsa()
	}
	return nil, fmt.Errorf("COSE key of type %d with algorithm %d: %w", key.Type, key.Algorithm, ErrKey)
}

func (k *coseKey) curve(want int64) error {
	var curve int64
	if err := decMode().Unmarshal(k.First, &curve); err != nil || curve != want {
		return fmt.Errorf("COSE: curve %d, want %d: %w", curve, want, ErrKey)
	}
	return nil
}

func (k *coseKey) ecdsa() (func(message, signature []byte) error, error) {
	if err := k.curve(curveP256); err != nil {
		return nil, err
	}
	if len(k.Second) != 32 || len(k.Third) != 32 {
		return nil, fmt.Errorf("COSE: a coordinate has not 32 bytes: %w", ErrKey)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytes.Join([][]byte{{4}, k.Second, k.Third}, nil))
	if err != nil {
		return nil, fmt.Errorf("COSE: %w", ErrKey)
	}
	return func(message, signature []byte) error {
		hash := sha256.Sum256(message)
		if !ecdsa.VerifyASN1(key, hash[:], signature) {
			return ErrSignature
		}
		return nil
	}, nil
}

func (k *coseKey) rsa() (func(message, signature []byte) error, error) {
	var modulus []byte
	if err := decMode().Unmarshal(k.First, &modulus); err != nil || len(modulus) > maxModulus || len(k.Second) > 8 {
		return nil, fmt.Errorf("COSE: RSA modulus or exponent: %w", ErrKey)
	}
	exponent := new(big.Int).SetBytes(k.Second)
	if !exponent.IsInt64() || exponent.Int64() < minExponent || exponent.Int64() > maxExponent {
		return nil, fmt.Errorf("COSE: RSA exponent: %w", ErrKey)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(exponent.Int64())}
	return func(message, signature []byte) error {
		hash := sha256.Sum256(message)
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) != nil {
			return ErrSignature
		}
		return nil
	}, nil
}

func (k *coseKey) eddsa() (func(message, signature []byte) error, error) {
	if err := k.curve(curveEd25519); err != nil {
		return nil, err
	}
	key := k.Second
	return func(message, signature []byte) error { return verifyEd25519(key, message, signature) }, nil
}
