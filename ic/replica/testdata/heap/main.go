// Command heap is a canister for benchmarks: a counter beside as much heap as it is told
// to hold.
package main

import (
	"encoding/binary"
	"unsafe"
)

//go:wasmimport ic0 msg_arg_data_size
func argSize() uint32

//go:wasmimport ic0 msg_arg_data_copy
func argCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_reply_data_append
func replyAppend(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 msg_reply
func reply()

var (
	count   uint64
	ballast []byte
	out     [8]byte
)

// hold is the Candid hash of that method's name, the other one is inc.
const hold = 1158859071

//go:wasmexport cdk_update
func update(method uint32) {
	if method == hold {
		var arg [8]byte
		if argSize() == 8 {
			argCopy(unsafe.Pointer(&arg), 0, 8)
		}
		ballast = make([]byte, binary.LittleEndian.Uint64(arg[:]))
		for at := 0; at < len(ballast); at += 512 {
			ballast[at] = byte(at>>9) | 1
		}
	}
	count++
	query(0)
}

//go:wasmexport cdk_query
func query(uint32) {
	binary.LittleEndian.PutUint64(out[:], count)
	replyAppend(unsafe.Pointer(&out), 8)
	reply()
}

//go:wasmexport cdk_reply
func onReply(uint32) {}

//go:wasmexport cdk_reject
func onReject(uint32) {}

//go:wasmexport cdk_cleanup
func onCleanup(uint32) {}

func main() {}
