package tiny

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

const outputName = "last_hidden_state"

// ONNX's numbers for what we write.
const (
	onnxIR      = 8
	onnxOpset   = 17
	typeFloat32 = 1
	typeInt64   = 7
	kindInt     = 2
)

// message writes protocol buffers, field by field.
type message []byte

func (m message) number(field protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) bytes(field protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), b)
}

func (m message) text(field protowire.Number, s string) message { return m.bytes(field, []byte(s)) }

// encode writes the model: every id's row of the table, zero where the mask is zero.
func encode(table []float32, tokens int) []byte {
	graph := message{}.
		bytes(1, node("Gather", "embedding", []string{"table", "input_ids"}, attribute("axis", 0))).
		bytes(1, node("Cast", "mask", []string{"attention_mask"}, attribute("to", typeFloat32))).
		bytes(1, node("Unsqueeze", "column", []string{"mask", "last"})).
		bytes(1, node("Mul", outputName, []string{"embedding", "column"})).
		text(2, "assay-tiny").
		bytes(5, tensor("table", typeFloat32, float32Bytes(table), int64(tokens), Dimension)).
		bytes(5, tensor("last", typeInt64, binary.LittleEndian.AppendUint64(nil, 2), 1)).
		bytes(11, value("input_ids", typeInt64, "batch", "sequence")).
		bytes(11, value("attention_mask", typeInt64, "batch", "sequence")).
		bytes(12, value(outputName, typeFloat32, "batch", "sequence", Dimension))
	return message{}.number(1, onnxIR).bytes(8, message{}.number(2, onnxOpset)).bytes(7, graph)
}

func node(op, output string, inputs []string, attributes ...message) message {
	var m message
	for _, in := range inputs {
		m = m.text(1, in)
	}
	m = m.text(2, output).text(3, output).text(4, op)
	for _, a := range attributes {
		m = m.bytes(5, a)
	}
	return m
}

func attribute(name string, v int64) message {
	return message{}.text(1, name).number(3, v).number(20, kindInt)
}

func tensor(name string, dtype int64, raw []byte, shape ...int64) message {
	var m message
	for _, d := range shape {
		m = m.number(1, d)
	}
	return m.number(2, dtype).text(8, name).bytes(9, raw)
}

// value declares an input or output; a dimension is a symbol or a number.
func value(name string, dtype int64, shape ...any) message {
	var dims message
	for _, d := range shape {
		switch d := d.(type) {
		case string:
			dims = dims.bytes(1, message{}.text(2, d))
		case int:
			dims = dims.bytes(1, message{}.number(1, int64(d)))
		}
	}
	tensorType := message{}.number(1, dtype).bytes(2, dims)
	return message{}.text(1, name).bytes(2, message{}.bytes(1, tensorType))
}

func float32Bytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
