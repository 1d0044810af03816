package state_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// life is a random life of a network, from batches that are kept.
type life struct {
	*net
	*rand.Rand
	batches [][]byte
	ids     []principal.Principal
	done    int // management calls that were answered with a reply
	open    []state.RequestID
}

func newLife(t testing.TB, seed uint64) *life {
	t.Helper()
	l := &life{net: newNet(t), Rand: rand.New(rand.NewPCG(seed, 9))}
	for range 3 {
		id, rej := l.submit(creation(t))
		l.must(nil, rej)
		l.apply(true)
		created := must(managementapi.DecodeProvisionalCreateCanisterWithCyclesResults(l.status(id).Reply)).CanisterId
		_, rej = l.submit(state.Ingress{Effective: created, Method: "install_code", Arg: installArg(created, asNew, replicatest.Plain(), nil)})
		l.must(nil, rej)
		l.apply(true)
		l.ids = append(l.ids, created)
	}
	return l
}

func (l *life) apply(round bool) {
	l.t.Helper()
	b := l.m.Next(round)
	if b == nil {
		return
	}
	l.batches = append(l.batches, encode(l.t, b))
	if _, err := l.m.Apply(l.t.Context(), b); err != nil {
		l.t.Fatal(err)
	}
}

// step sends programs and management calls, and lets some rounds and time pass.
func (l *life) step(seed uint64) {
	l.t.Helper()
	for _, id := range l.ids {
		_, _ = l.submit(inState(id, randomProgram(seed, l.ids))) // some are refused
	}
	for range 3 {
		about := l.ids[l.IntN(len(l.ids))]
		method, arg, err := l.call(about)
		if err != nil {
			l.t.Fatal(err)
		}
		if id, rej := l.submit(state.Ingress{Effective: about, Method: method, Arg: arg}); rej == nil {
			l.open = append(l.open, id)
		}
	}
	l.apply(false)
	l.apply(true)
	l.apply(true)
	for _, id := range l.open {
		if s, ok := l.m.Status(id); ok && s.Phase == state.Replied {
			l.done++
		}
	}
	l.open = nil
	l.now = l.now.Add(time.Duration(l.Int64N(int64(40 * time.Second))))
}

// call is a random call of the management canister.
func (l *life) call(about principal.Principal) (method string, arg []byte, err error) {
	one := managementapi.Canister{CanisterId: about}
	snapshot := append(binary.BigEndian.AppendUint64(nil, l.Uint64N(4)), about.Bytes()...)
	switch l.IntN(12) {
	case 0:
		n := candid.NewNat(l.Uint64N(1 << 20))
		arg, err = managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: about, Settings: managementapi.Settings{FreezingThreshold: &n}})
		return "update_settings", arg, err
	case 1, 2:
		chunk := binary.BigEndian.AppendUint64(nil, l.Uint64N(9))
		arg, err = managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: about, Chunk: chunk})
		return "upload_chunk", arg, err
	case 3:
		arg, err = managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: about, Chunk: replicatest.Plain()})
		return "upload_chunk", arg, err
	case 4:
		hash := sha256.Sum256(replicatest.Plain())
		arg, err = managementapi.EncodeInstallChunkedCodeArgs(managementapi.InstallChunkedCode{
			Mode: asUpgrade, TargetCanister: about, ChunkHashesList: []managementapi.ChunkHash{{Hash: hash[:]}}, WasmModuleHash: hash[:],
		})
		return "install_chunked_code", arg, err
	case 5:
		if l.IntN(4) == 0 {
			arg, err = managementapi.EncodeClearChunkStoreArgs(one)
			return "clear_chunk_store", arg, err
		}
		fallthrough
	case 6, 7:
		arg, err = managementapi.EncodeTakeCanisterSnapshotArgs(managementapi.TakeCanisterSnapshotArg{CanisterId: about})
		return "take_canister_snapshot", arg, err
	case 8:
		arg, err = managementapi.EncodeLoadCanisterSnapshotArgs(managementapi.LoadCanisterSnapshotArg{CanisterId: about, SnapshotId: snapshot})
		return "load_canister_snapshot", arg, err
	case 9:
		arg, err = managementapi.EncodeDeleteCanisterSnapshotArgs(managementapi.SnapshotOf{CanisterId: about, SnapshotId: snapshot})
		return "delete_canister_snapshot", arg, err
	case 10:
		return "install_code", installArg(about, []managementapi.InstallMode{asUpgrade, asReinstall}[l.IntN(2)], replicatest.Plain(), program{}.Add(3, 1)), nil
	}
	arg, err = managementapi.EncodeStartCanisterArgs(one)
	return "start_canister", arg, err
}

// The same batches give the same state, whether they are applied at once, after a restart
// in between, or in another machine.
func TestBatchesDecide(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		l := newLife(t, seed)
		var hashes [][32]byte
		for i := range uint64(60) {
			l.step(seed*1000 + i)
			if i%20 == 7 {
				before := l.hash()
				l.restart()
				if after := l.hash(); after != before {
					t.Fatalf("step %d: a restart made hash %x of %x", i, after, before)
				}
			}
			hashes = append(hashes, l.hash())
		}
		other := newNet(t)
		for _, raw := range l.batches {
			b, err := state.DecodeBatch(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.m.Apply(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := other.hash(), hashes[len(hashes)-1]; got != want {
			t.Errorf("executed again the state has hash %x, not %x", got, want)
		}
		slices.SortFunc(hashes, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
		if n := len(slices.Compact(hashes)); n != 60 {
			t.Errorf("60 states have %d hashes", n)
		}
		if l.done < 60 {
			t.Errorf("of 180 management calls %d did something", l.done)
		}
		other.balanced()
	}
}

func creation(t testing.TB) state.Ingress {
	t.Helper()
	arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		t.Fatal(err)
	}
	return state.Ingress{Effective: principal.Canister(0), Method: "provisional_create_canister_with_cycles", Arg: arg}
}
