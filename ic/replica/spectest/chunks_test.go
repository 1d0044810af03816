package spectest_test

import (
	"bytes"
	"crypto/sha256"
)

func init() {
	describe("chunks", "management canister",
		row{"IC method upload_chunk", "it gives the chunk's hash", func(w *world) {
			c := w.create()
			want := sha256.Sum256([]byte("chunk"))
			if got := w.manage(owner, "upload_chunk", c, "chunk", []byte("chunk")).result("upload_chunk").at("hash").bytes(); !bytes.Equal(got, want[:]) {
				w.Errorf("hash %x", got)
			}
		}},
		row{"IC method upload_chunk", "1 MiB fits, more is rejected", func(w *world) {
			c := w.create()
			w.manage(owner, "upload_chunk", c, "chunk", make([]byte, 1<<20)).replied()
			w.manage(owner, "upload_chunk", c, "chunk", make([]byte, 1<<20+1)).fails(rejected, failed)
		}},
		row{"IC method upload_chunk", "controllers and the canister itself upload, others do not", func(w *world) {
			c := w.canister()
			w.manage(stranger, "upload_chunk", c, "chunk", []byte("x")).fails(destination, failed)
			w.viaCanister(c, "upload_chunk", "canister_id", c, "chunk", []byte("x")).result("upload_chunk")
			rejectedWith(w.viaCanister(w.canister(), "upload_chunk", "canister_id", c, "chunk", []byte("x")), destination, failed)
		}},
		row{"IC method stored_chunks", "it lists the hashes, each once", func(w *world) {
			c := w.create()
			for _, chunk := range []string{"a", "b", "a"} {
				w.manage(owner, "upload_chunk", c, "chunk", []byte(chunk)).replied()
			}
			if got := w.manage(owner, "stored_chunks", c).result("stored_chunks").list(); len(got) != 2 {
				w.Errorf("%d chunks", len(got))
			}
			w.manage(stranger, "stored_chunks", c).fails(destination, failed)
		}},
		row{"IC method clear_chunk_store", "the store is empty then", func(w *world) {
			c := w.create()
			w.manage(owner, "upload_chunk", c, "chunk", []byte("a")).replied()
			w.manage(stranger, "clear_chunk_store", c).fails(destination, failed)
			w.manage(owner, "clear_chunk_store", c).replies("DIDL\x00\x00")
			if got := w.manage(owner, "stored_chunks", c).result("stored_chunks").list(); len(got) != 0 {
				w.Errorf("%d chunks", len(got))
			}
		}},
		row{"IC method upload_chunk", "it can hold 100 chunks and no more", func(w *world) {
			c := w.create()
			for i := range 100 {
				w.manage(owner, "upload_chunk", c, "chunk", []byte{byte(i)}).replied()
			}
			w.manage(owner, "upload_chunk", c, "chunk", []byte("one more")).fails(rejected, failed)
			w.manage(owner, "upload_chunk", c, "chunk", []byte{5}).replied() // is there already
		}},
		row{"IC method install_chunked_code", "it installs what the chunks make together", func(w *world) {
			c := w.create()
			hashes := w.uploadModule(c, plain())
			w.chunked(owner, c, nil, hashes, plain()).replies("DIDL\x00\x00")
			w.hasModule(c, plain())
			if w.cell(c, 1) != 7 {
				w.Error("init did not get the argument")
			}
		}},
		row{"IC method install_chunked_code", "the chunks may be another canister's that the caller controls", func(w *world) {
			store, c := w.create(), w.create()
			w.chunked(owner, c, store, w.uploadModule(store, plain()), plain()).replied()
			w.hasModule(c, plain())
		}},
		row{"IC method install_chunked_code", "the chunks of a canister that the caller does not control are refused", func(w *world) {
			store, c := w.create(), w.createAs(stranger, 10*trillion)
			w.chunked(stranger, c, store, w.uploadModule(store, plain()), plain()).fails(destination, rejected, failed)
		}},
		row{"IC method install_chunked_code", "a wrong hash of the module is rejected", func(w *world) {
			c := w.create()
			w.chunked(owner, c, nil, w.uploadModule(c, plain()), other).fails(rejected, failed)
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
		}},
		row{"IC method install_chunked_code", "a chunk that is not there is rejected", func(w *world) {
			c := w.create()
			hashes := append(w.uploadModule(c, plain()), fields("hash", make([]byte, 32)))
			w.chunked(owner, c, nil, hashes, plain()).fails(rejected, failed)
		}},
		row{"IC method install_chunked_code", "only controllers of the target", func(w *world) {
			c := w.create()
			w.chunked(stranger, c, nil, w.uploadModule(c, plain()), plain()).fails(destination, failed)
		}},
		row{"IC method uninstall_code", "chunks stay over installations and are gone after uninstall", func(w *world) {
			c := w.create()
			w.manage(owner, "upload_chunk", c, "chunk", []byte("a")).replied()
			w.load(c, plain())
			w.install("upgrade", c, plain(), nil).replied()
			if got := w.manage(owner, "stored_chunks", c).result("stored_chunks").list(); len(got) != 1 {
				w.Errorf("%d chunks", len(got))
			}
			w.manage(owner, "uninstall_code", c).replied()
			if got := w.manage(owner, "stored_chunks", c).result("stored_chunks").list(); len(got) != 0 {
				w.Errorf("%d chunks", len(got))
			}
		}},
		row{"Memory Metrics", "chunks are counted in canister_status", func(w *world) {
			c := w.create()
			w.manage(owner, "upload_chunk", c, "chunk", []byte("a")).replied()
			if got := w.statusOf(c).at("memory_metrics.wasm_chunk_store_size").number(); got == 0 {
				w.Error("the store has size 0")
			}
		}},
	)
}
