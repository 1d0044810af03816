package state

import (
	"context"
	"errors"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/threshold"
)

const maxPath = 255 // parts of a derivation path

// keys are the network's own, which are for development only.
func (s *Settings) keys() *threshold.Keys {
	if s.KeySeed == nil {
		return threshold.New(threshold.DevelopmentSeed)
	}
	return threshold.New(s.KeySeed)
}

// question is one of a canister to a key.
type question struct {
	call *managed
	name string // of the key
	path [][]byte
	of   *principal.Principal // whose key, of those that ask for a public one
}

// canister is whose key is meant.
func (q question) canister() []byte {
	if q.of != nil {
		return q.of.Bytes()
	}
	return q.call.caller.Bytes()
}

// answered is a reply, or the reject for what is wrong with a question.
func (q question) answered(reply []byte, err error) answer {
	switch {
	case err == nil:
		return replyOf(reply)
	case errors.Is(err, threshold.ErrUnknownKey):
		return rejectOf(reject(CodeBadPayload, "%s: Requested unknown threshold key %q, existing keys: %v", q.call.method, q.name, threshold.KeyNames))
	}
	return rejectOf(reject(CodeBadPayload, "%s: %v", q.call.method, err))
}

// checkQuestionLocked is why a question is not asked: its path is too long or, where the
// answer is not free, it brings too few cycles.
func (m *Machine) checkQuestionLocked(q question, free bool) *Reject {
	if len(q.path) > maxPath {
		return reject(CodeBadPayload, "%s: Deserialize error: The number of elements exceeds maximum allowed %d", q.call.method, maxPath)
	}
	fee, known := m.config.Prices.Signature(q.name)
	if free || !known {
		return nil
	}
	if q.call.cycles.Less(fee) {
		return reject(CodeRefused, "%s request sent with %v cycles, but %v cycles are required.", q.call.method, q.call.cycles, fee)
	}
	return nil
}

// askLocked checks a question, has it answered, and takes the fee for an answer that is not
// free.
func (m *Machine) askLocked(q question, free bool, do func(k *threshold.Keys) ([]byte, error)) answer {
	if rej := m.checkQuestionLocked(q, free); rej != nil {
		return rejectOf(rej)
	}
	a := q.answered(do(m.config.keys()))
	if a.Reject == nil && !free {
		fee, _ := m.config.Prices.Signature(q.name)
		q.call.cycles = q.call.cycles.Sub(cycles.Min(fee, q.call.cycles))
		m.loseLocked(fee)
	}
	return a
}

func publicKey(k threshold.PublicKey, err error, encode func(managementapi.PublicKey) ([]byte, error)) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return encode(managementapi.PublicKey{PublicKey: k.Key, ChainCode: k.ChainCode})
}

func signature(s []byte, err error, encode func(managementapi.Signature) ([]byte, error)) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return encode(managementapi.Signature{Signature: s})
}

func (m *Machine) ecdsaKeyLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeEcdsaPublicKeyArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, arg.DerivationPath, arg.CanisterId}
	return m.askLocked(q, true, func(k *threshold.Keys) ([]byte, error) {
		key, err := k.ECDSAPublicKey(q.name, q.canister(), q.path)
		return publicKey(key, err, managementapi.EncodeEcdsaPublicKeyResults)
	})
}

func (m *Machine) signECDSALocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeSignWithEcdsaArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, arg.DerivationPath, nil}
	return m.askLocked(q, false, func(k *threshold.Keys) ([]byte, error) {
		s, err := k.SignECDSA(q.name, q.canister(), q.path, arg.MessageHash)
		return signature(s, err, managementapi.EncodeSignWithEcdsaResults)
	})
}

func (m *Machine) schnorrKeyLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeSchnorrPublicKeyArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, arg.DerivationPath, arg.CanisterId}
	return m.askLocked(q, true, func(k *threshold.Keys) ([]byte, error) {
		public := k.BIP340PublicKey
		if arg.KeyId.Algorithm.Ed25519 {
			public = k.Ed25519PublicKey
		}
		key, err := public(q.name, q.canister(), q.path)
		return publicKey(key, err, managementapi.EncodeSchnorrPublicKeyResults)
	})
}

func (m *Machine) signSchnorrLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeSignWithSchnorrArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, arg.DerivationPath, nil}
	var root *[]byte
	if arg.Aux != nil {
		root = &arg.Aux.Bip341.MerkleRootHash
	}
	return m.askLocked(q, false, func(k *threshold.Keys) ([]byte, error) {
		if !arg.KeyId.Algorithm.Ed25519 {
			s, err := k.SignBIP340(q.name, q.canister(), q.path, arg.Message, root)
			return signature(s, err, managementapi.EncodeSignWithSchnorrResults)
		}
		if root != nil {
			return nil, errors.New("the aux parameter bip341 is for the algorithm bip340secp256k1 only")
		}
		s, err := k.SignEd25519(q.name, q.canister(), q.path, arg.Message)
		return signature(s, err, managementapi.EncodeSignWithSchnorrResults)
	})
}

func (m *Machine) vetKeyLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeVetkdPublicKeyArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, nil, arg.CanisterId}
	return m.askLocked(q, true, func(k *threshold.Keys) ([]byte, error) {
		if id := arg.CanisterId; id != nil {
			if _, ok := id.CanisterIndex(); !ok {
				return nil, errors.New(id.String() + " is not a canister id")
			}
		}
		key, err := k.VetPublicKey(q.name, q.canister(), arg.Context)
		if err != nil {
			return nil, err
		}
		return managementapi.EncodeVetkdPublicKeyResults(managementapi.VetkdPublicKeyResult{PublicKey: key})
	})
}

func (m *Machine) deriveVetKeyLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeVetkdDeriveKeyArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	q := question{call, arg.KeyId.Name, nil, nil}
	return m.askLocked(q, false, func(k *threshold.Keys) ([]byte, error) {
		key, err := k.DeriveVetKey(q.name, q.canister(), arg.Context, arg.Input, arg.TransportPublicKey)
		if err != nil {
			return nil, err
		}
		return managementapi.EncodeVetkdDeriveKeyResults(managementapi.VetkdDeriveKeyResult{EncryptedKey: key})
	})
}
