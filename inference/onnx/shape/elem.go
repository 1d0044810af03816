package shape

import (
	"encoding/binary"
	"math"

	"assay/inference/onnx"
)

// elem is one element of a tensor that is followed.
type elem struct {
	kind elemKind
	expr Expr
	real float64
}

type elemKind uint8

const (
	unknown elemKind = iota
	isExpr           // a whole number; also a bool, and a float that is whole
	isReal           // any other number
)

// followed is the largest number of elements of a tensor whose contents are followed.
const followed = 1024

func whole(v int64) elem { return elem{kind: isExpr, expr: Const(v)} }

func exprElem(e Expr, ok bool) elem {
	if !ok {
		return elem{}
	}
	return elem{kind: isExpr, expr: e}
}

func realElem(v float64) elem {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return whole(int64(v))
	}
	return elem{kind: isReal, real: v}
}

// number gives a constant as a float.
func (e elem) number() (float64, bool) {
	if e.kind == isReal {
		return e.real, true
	}
	if c, ok := e.expr.Const(); ok && e.kind == isExpr {
		return float64(c), true
	}
	return 0, false
}

// decode reads the contents of a small constant; nil when it is too large or of a type that is not followed.
func decode(t *onnx.Tensor) []elem {
	n := 1
	for _, d := range t.Shape {
		if d > followed || n*int(d) > followed {
			return nil
		}
		n *= int(d)
	}
	size := len(t.Raw) / max(n, 1)
	out := make([]elem, n)
	for i := range out {
		raw := t.Raw[i*size:]
		switch t.DType {
		case onnx.Int64:
			out[i] = whole(int64(binary.LittleEndian.Uint64(raw)))
		case onnx.Int32:
			out[i] = whole(int64(int32(binary.LittleEndian.Uint32(raw))))
		case onnx.Int16:
			out[i] = whole(int64(int16(binary.LittleEndian.Uint16(raw))))
		case onnx.Int8:
			out[i] = whole(int64(int8(raw[0])))
		case onnx.Uint8, onnx.Bool:
			out[i] = whole(int64(raw[0]))
		case onnx.Uint32:
			out[i] = whole(int64(binary.LittleEndian.Uint32(raw)))
		case onnx.Float32:
			out[i] = realElem(float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		case onnx.Float64:
			out[i] = realElem(math.Float64frombits(binary.LittleEndian.Uint64(raw)))
		default:
			return nil
		}
	}
	return out
}
