package onnx

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes a graph as a model file that [Parse] reads back to an equal graph. Operator sets are written in
// the order of their names, so equal graphs give equal bytes. It checks nothing: Parse does.
func Encode(g *Graph) []byte {
	var out []byte
	out = appendInt(out, 1, g.IRVersion)
	domains := make([]string, 0, len(g.Opsets))
	for domain := range g.Opsets {
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	for _, domain := range domains {
		out = appendBytes(out, 8, appendInt(appendString(nil, 1, domain), 2, g.Opsets[domain]))
	}
	return appendBytes(out, 7, encodeGraph(g))
}

func encodeGraph(g *Graph) []byte {
	var out []byte
	for i := range g.Nodes {
		out = appendBytes(out, 1, encodeNode(&g.Nodes[i]))
	}
	out = appendString(out, 2, g.Name)
	for i := range g.Initializers {
		out = appendBytes(out, 5, encodeTensor(&g.Initializers[i]))
	}
	for _, v := range g.Inputs {
		out = appendBytes(out, 11, encodeValue(v))
	}
	for _, v := range g.Outputs {
		out = appendBytes(out, 12, encodeValue(v))
	}
	return out
}

func encodeNode(n *Node) []byte {
	var out []byte
	for _, s := range n.Inputs {
		out = appendBytes(out, 1, []byte(s))
	}
	for _, s := range n.Outputs {
		out = appendBytes(out, 2, []byte(s))
	}
	out = appendString(out, 3, n.Name)
	out = appendString(out, 4, n.Op)
	for i := range n.Attributes {
		out = appendBytes(out, 5, encodeAttribute(&n.Attributes[i]))
	}
	return appendString(out, 7, n.Domain)
}

func encodeAttribute(a *Attribute) []byte {
	out := appendString(nil, 1, a.Name)
	switch a.Kind {
	case KindFloat:
		out = protowire.AppendFixed32(protowire.AppendTag(out, 2, protowire.Fixed32Type), math.Float32bits(a.Float))
	case KindInt:
		out = appendInt(out, 3, a.Int)
	case KindString:
		out = appendBytes(out, 4, []byte(a.String))
	case KindTensor:
		out = appendBytes(out, 5, encodeTensor(a.Tensor))
	case KindFloats:
		for _, v := range a.Floats {
			out = protowire.AppendFixed32(protowire.AppendTag(out, 7, protowire.Fixed32Type), math.Float32bits(v))
		}
	case KindInts:
		for _, v := range a.Ints {
			out = appendInt(out, 8, v)
		}
	case KindStrings:
		for _, s := range a.Strings {
			out = appendBytes(out, 9, []byte(s))
		}
	}
	return appendInt(out, 20, int64(a.Kind))
}

func encodeTensor(t *Tensor) []byte {
	var out []byte
	for _, d := range t.Shape {
		out = appendInt(out, 1, d)
	}
	out = appendInt(out, 2, int64(t.DType))
	out = appendString(out, 8, t.Name)
	return appendBytes(out, 9, t.Raw)
}

func encodeValue(v Value) []byte {
	tensor := appendInt(nil, 1, int64(v.DType))
	if v.Shape != nil {
		var shape []byte
		for _, d := range v.Shape {
			var dim []byte
			if d.Size >= 0 {
				dim = appendInt(nil, 1, d.Size)
			} else {
				dim = appendString(nil, 2, d.Symbol)
			}
			shape = appendBytes(shape, 1, dim)
		}
		tensor = appendBytes(tensor, 2, shape)
	}
	return appendBytes(appendString(nil, 1, v.Name), 2, appendBytes(nil, 1, tensor))
}

func appendInt(out []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(out, num, protowire.VarintType), uint64(v))
}

func appendBytes(out []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, num, protowire.BytesType), v)
}

// appendString leaves an empty string out.
func appendString(out []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return out
	}
	return appendBytes(out, num, []byte(s))
}
