// Command wasi encodes lines in a Wasm module: standard input holds the length of a
// tokenizer.json, the file, and lines behind their lengths; standard output gets the ids.
package main

import (
	"encoding/binary"
	"io"
	"os"

	"assay/inference/tokenize"
)

func main() {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	n := binary.LittleEndian.Uint32(in)
	t, err := tokenize.Load(in[4 : 4+n])
	if err != nil {
		panic(err)
	}
	encoder := t.Encoder()
	var out []byte
	for lines := in[4+n:]; len(lines) > 0; {
		n := binary.LittleEndian.Uint32(lines)
		ids, err := encoder.Encode(string(lines[4:4+n]), 0)
		if err != nil {
			panic(err)
		}
		lines = lines[4+n:]
		out = binary.LittleEndian.AppendUint32(out, uint32(len(ids)))
		for _, id := range ids {
			out = binary.LittleEndian.AppendUint32(out, id)
		}
	}
	if _, err := os.Stdout.Write(out); err != nil {
		panic(err)
	}
}
