// Command canister is a canister with a tokeniser inside, for the test that ids there are
// those of every other machine: append takes a part of a tokenizer.json, load reads the
// whole, encode answers lines with their ids.
package main

import (
	"encoding/binary"
	"unsafe"

	"assay/inference/tokenize"
)

//go:wasmimport ic0 msg_arg_data_size
func argSize() uint32

//go:wasmimport ic0 msg_arg_data_copy
func argCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_reply_data_append
func replyAppend(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 msg_reply
func reply()

//go:wasmimport ic0 performance_counter
func instructions(kind int32) uint64

var (
	file    []byte
	encoder *tokenize.Encoder
)

// The Candid hashes of the method names.
const (
	appendMethod = 2413027802
	loadMethod   = 1203214886
	encodeMethod = 4192465430
)

//go:wasmexport cdk_update
func update(method uint32) {
	arg := make([]byte, argSize())
	argCopy(unsafe.Pointer(unsafe.SliceData(arg)), 0, uint32(len(arg)))
	var out []byte
	switch method {
	case appendMethod:
		file = append(file, arg...)
	case loadMethod:
		out = load()
	case encodeMethod:
		out = encode(arg)
	}
	start := instructions(0)
	out = binary.LittleEndian.AppendUint64(out, start)
	replyAppend(unsafe.Pointer(unsafe.SliceData(out)), uint32(len(out)))
	reply()
}

func load() []byte {
	t, err := tokenize.Load(file)
	file = nil
	if err != nil {
		return []byte(err.Error())
	}
	encoder = t.Encoder()
	return nil
}

// encode answers lines, each behind its length, with their ids, each list behind its length.
func encode(lines []byte) (out []byte) {
	for len(lines) > 0 {
		n := binary.LittleEndian.Uint32(lines)
		ids, err := encoder.Encode(string(lines[4:4+n]), 0)
		lines = lines[4+n:]
		if err != nil {
			panic(err)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(len(ids)))
		for _, id := range ids {
			out = binary.LittleEndian.AppendUint32(out, id)
		}
	}
	return out
}

func main() {}
