package exact

import (
	"errors"
	"testing"

	"assay/inference/onnx"
)

// FuzzProgram reads any bytes as a model, compiles and runs it under small limits: nothing may panic, and every
// error is of a known type.
func FuzzProgram(f *testing.F) {
	for _, c := range operatorCases {
		for _, first := range []int{0, 1} { // the first operand is an input, or a constant too
			g, _ := oneNode(c.op, c.attributes, c.in, c.want.DType, func(i int) bool { return i >= first })
			f.Add(onnx.Encode(g), uint8(1), uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, batch, sequence uint8) {
		g, err := onnx.Parse(data, onnx.Limits{Nodes: 200, Elements: 1 << 16})
		if err != nil {
			return
		}
		p, err := CompileWith(g, Config{Limits: Limits{Elements: 1 << 16, Total: 1 << 20, Work: 1 << 22}})
		if err == nil {
			_, err = p.Run(guess(p.Inputs(), int(batch%4), int(sequence%8)), nil)
		}
		var typed *Error
		if err != nil && !errors.As(err, &typed) {
			t.Errorf("error of type %T: %v", err, err)
		}
	})
}

// guess makes inputs that fit the declarations, as far as int64, float32 and small sizes go.
func guess(values []onnx.Value, batch, sequence int) map[string]Tensor {
	in := map[string]Tensor{}
	for _, v := range values {
		shape, n := []int{}, 1
		for i, d := range v.Shape {
			size := []int{batch, sequence}[min(i, 1)]
			if d.Size >= 0 {
				size = int(min(d.Size, 1<<10))
			}
			shape = append(shape, size)
			n = min(n*size, 1<<16)
		}
		if v.DType == onnx.Float32 {
			in[v.Name] = NewFloat32(make([]float32, n), shape...)
		} else {
			in[v.Name] = NewInt64(make([]int64, n), shape...)
		}
	}
	return in
}
