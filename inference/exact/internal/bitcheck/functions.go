package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"

	"assay/inference/exact/internal/kernel"
)

// functions hashes what a set of kernels makes of numbers of every size: each function of one number and of two, the
// row reductions and the conversions.
func functions(name string) (string, error) {
	set := kernel.Named(name)
	if set == nil {
		return "", fmt.Errorf("no kernel %q", name)
	}
	x, y := spread(1<<16+7), spread(1<<16+9)
	y = y[:len(x)]
	h := sha256.New()
	oneByOne(h, set, x)
	pairs(h, set, x, y)
	conversions(h, set, x)
	rows(h, set, x, y)
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// spread is every step-th float32, infinities and NaN of several spellings among them.
func spread(step uint32) []float32 {
	var x []float32
	for b := uint32(1); b < math.MaxUint32-step; b += step {
		x = append(x, math.Float32frombits(b))
	}
	return append(x, 0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
}

func numbers(h hash.Hash, name string, x []float32) {
	fmt.Fprintln(h, name)
	var b [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
}

func oneByOne(h hash.Hash, set *kernel.Set, x []float32) {
	out := make([]float32, len(x))
	for i, f := range []func(out, x []float32){
		set.Exp, set.Log, set.Erf, set.Tanh, set.Sigmoid, set.SiLU, set.Gelu, set.GeluTanh, set.Sqrt, set.Neg, set.Abs, set.Reciprocal, set.Relu, set.HardSwish,
		set.Sin, set.Cos, set.Tan, set.Asin, set.Acos, set.Atan, set.Sinh, set.Cosh, set.Asinh, set.Acosh, set.Atanh, set.Log1p, set.Softplus,
		func(out, x []float32) { set.LeakyRelu(out, x, 0.01) },
		func(out, x []float32) { set.Clip(out, x, -3, 6) },
		func(out, x []float32) { set.HardSigmoid(out, x, 0.2, 0.5) },
		func(out, x []float32) { set.ScalarSub(out, 1, x) },
		func(out, x []float32) { set.ScalarDiv(out, 1, x) },
		func(out, x []float32) { set.MaxScalar(out, x, 0) },
		func(out, x []float32) { set.MinScalar(out, x, 0) },
	} {
		f(out, x)
		numbers(h, fmt.Sprint("function ", i), out)
	}
}

func pairs(h hash.Hash, set *kernel.Set, x, y []float32) {
	out := make([]float32, len(x))
	for i, f := range []func(out, a, b []float32){
		set.Add, set.Sub, set.Mul, set.Div, set.Max, set.Min,
		func(out, a, b []float32) {
			for i := range out {
				out[i] = kernel.Pow(a[i], float32(math.Mod(float64(b[len(b)-1-i]), 8)))
			}
		},
	} {
		f(out, x, y)
		numbers(h, fmt.Sprint("pair ", i), out)
	}
}

func conversions(h hash.Hash, set *kernel.Set, x []float32) {
	signed, unsigned, half, out := make([]int8, len(x)), make([]uint8, len(x)), make([]uint16, len(x)), make([]float32, len(x))
	set.QuantizeInt8(signed, x, 0.03, -5)
	set.DequantizeInt8(out, signed, 0.03, -5)
	numbers(h, "int8", out)
	set.QuantizeUint8(unsigned, x, 0.03, 120)
	set.DequantizeUint8(out, unsigned, 0.03, 120)
	numbers(h, "uint8", out)
	set.ToFloat16(half, x)
	set.FromFloat16(out, half)
	numbers(h, "float16", out)
	set.ToBFloat16(half, x)
	set.FromBFloat16(out, half)
	numbers(h, "bfloat16", out)
}

// rows takes numbers of ordinary size; without that every sum would be NaN.
func rows(h hash.Hash, set *kernel.Set, x, y []float32) {
	var a, b []float32
	for i, v := range x {
		if v > -1e6 && v < 1e6 && y[i] > -1e6 && y[i] < 1e6 {
			a, b = append(a, v), append(b, y[i])
		}
	}
	for _, n := range []int{1, 17, 384, 5000, len(a)} {
		row, other, out := a[:n], b[:n], make([]float32, n)
		numbers(h, "reductions", []float32{
			set.Sum(row), set.SumSquares(row, 0.25), set.SumAbs(row), set.Norm(row), set.Prod(row), set.Highest(row), set.Lowest(row),
			set.Mean(row), set.LogSumExp(row),
		})
		set.Softmax(out, row)
		numbers(h, "softmax", out)
		set.MaskedSoftmax(out, row, other, 0.125)
		numbers(h, "masked softmax", out)
		set.LogSoftmax(out, row)
		numbers(h, "log softmax", out)
		set.LayerNorm(out, row, other, row, 1e-5)
		numbers(h, "layer norm", out)
		set.RMSNorm(out, row, other, 1e-5)
		numbers(h, "RMS norm", out)
		set.SumColumns(out[:n/16], row, 16)
		numbers(h, "columns", out[:n/16])
	}
}
