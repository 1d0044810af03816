package state_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

func TestChunks(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.create(1e16)
	upload := func(to principal.Principal, chunk []byte) *state.Reject {
		_, rej := n.manage(to, "upload_chunk", must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: to, Chunk: chunk})))
		return rej
	}
	wasm := replicatest.Wasm(replicatest.Options{Different: 4})
	parts := [][]byte{wasm[:100], wasm[100:]}
	before := n.info(a).MemorySize
	var hashes []managementapi.ChunkHash
	for _, part := range parts {
		n.must(nil, upload(a, part))
		n.must(nil, upload(a, part)) // again: the same chunk
		sum := sha256.Sum256(part)
		hashes = append(hashes, managementapi.ChunkHash{Hash: sum[:]})
	}
	n.refused(upload(a, make([]byte, 1<<20+1)), "IC0504")
	out, rej := n.manage(a, "stored_chunks", about(a))
	n.must(out, rej)
	stored := must(managementapi.DecodeStoredChunksResults(out))
	if len(stored) != 2 || bytes.Compare(stored[0].Hash, stored[1].Hash) >= 0 {
		t.Errorf("stored: %x", stored)
	}
	if got := n.info(a); got.MemoryMetrics.WasmChunkStoreSize != candid.NewNat(2<<20) || must(sub(got.MemorySize, before)) != candid.NewNat(2<<20) {
		t.Errorf("memory: %+v", got.MemoryMetrics)
	}
	sum := sha256.Sum256(wasm)
	install := managementapi.InstallChunkedCode{Mode: asNew, TargetCanister: b, StoreCanister: &a, ChunkHashesList: hashes, WasmModuleHash: sum[:], Arg: program{}.Add(0, 9)}
	run := func(i managementapi.InstallChunkedCode) *state.Reject {
		_, rej := n.manage(b, "install_chunked_code", must(managementapi.EncodeInstallChunkedCodeArgs(i)))
		return rej
	}
	wrong := install
	wrong.WasmModuleHash = make([]byte, 32)
	n.refused(run(wrong), "IC0504")
	wrong = install
	wrong.ChunkHashesList = append(hashes[:1:1], managementapi.ChunkHash{Hash: make([]byte, 32)})
	n.refused(run(wrong), "IC0504")
	wrong.ChunkHashesList = append(hashes[:1:1], managementapi.ChunkHash{Hash: []byte("short")})
	n.refused(run(wrong), "IC0504")
	n.must(nil, run(install))
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(9)) {
		t.Errorf("installed from chunks: %x", got)
	}
	n.must(nil, n.settings(a, managementapi.Settings{Controllers: &[]principal.Principal{other}}))
	install.Mode = asReinstall
	n.refused(run(install), "IC0512") // the store is somebody else's
	self := n.via(a, "upload_chunk", must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: a, Chunk: []byte("own")})), 0)
	if self.code != 0 {
		t.Errorf("a canister uploads to its own store: %+v", self)
	}
	n.restart()
	if got := must(managementapi.DecodeStoredChunksResults(n.allowed(a, "stored_chunks", about(a), 0))); len(got) != 3 {
		t.Errorf("after a restart: %d chunks", len(got))
	}
	n.allowed(a, "clear_chunk_store", about(a), 0)
	if got := must(managementapi.DecodeStoredChunksResults(n.allowed(a, "stored_chunks", about(a), 0))); len(got) != 0 {
		t.Errorf("cleared: %d chunks", len(got))
	}
	n.balanced()
}

func sub(a, b candid.Nat) (candid.Nat, error) {
	d, ok := a.Sub(b)
	if !ok {
		panic("difference under zero")
	}
	return d, nil
}

func TestChunkStoreIsFull(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(1e16)
	for i := range 101 {
		_, rej := n.manage(a, "upload_chunk", must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: a, Chunk: u64(uint64(i))})))
		if i < 100 {
			n.must(nil, rej)
		} else {
			n.refused(rej, "IC0504")
		}
	}
	poor := n.create(1)
	_, rej := n.submit(state.Ingress{Effective: poor, Method: "upload_chunk", Arg: must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: poor, Chunk: []byte("x")}))})
	n.refused(rej, "IC0207")
	n.balanced()
}
