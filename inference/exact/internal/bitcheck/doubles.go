package main

import (
	"crypto/sha256"
	"fmt"
	"math"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// doubles hashes what operators make of float64: every function of one number, Pow, Det and a DFT.
func doubles(kernel string) (string, error) {
	x := spread64()
	h := sha256.New()
	for _, op := range []string{
		"Exp", "Log", "Erf", "Tanh", "Sigmoid", "Softplus", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh",
		"Sqrt", "Reciprocal", "LeakyRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Mish", "Softsign", "Gelu", "Swish", "Shrink",
	} {
		if err := hashNode(h, kernel, ir.Node{Op: op}, 1, x); err != nil {
			return "", err
		}
	}
	small := tensor.New(tensor.Float64, x.Len())
	for i, v := range tensor.View[float64](&x) {
		tensor.View[float64](&small)[i] = math.Mod(v, 8)
	}
	square := tensor.Of(tensor.Float64, tensor.View[float64](&small)[:400], 4, 10, 10)
	signal := tensor.Of(tensor.Float64, tensor.View[float64](&small)[len(tensor.View[float64](&small))-2*2310:], 2, 1155, 2)
	for _, n := range []struct {
		op string
		in []exact.Tensor
	}{{"Pow", []exact.Tensor{x, small}}, {"Det", []exact.Tensor{square}}, {"DFT", []exact.Tensor{signal}}} {
		if err := hashNode(h, kernel, ir.Node{Op: n.op}, 1, n.in...); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// spread64 are float64 of every size, and then many that functions are not over with.
func spread64() exact.Tensor {
	x := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1, -1}
	for i := uint64(1); i < 5000; i++ {
		x = append(x, math.Float64frombits(i*0x9e3779b97f4a7c15))
	}
	for i := -4000; i < 4000; i++ {
		v := float64(i) / 97
		x = append(x, float64(v*math.Abs(v)), v, v/41.3)
	}
	return tensor.Of(tensor.Float64, x, len(x))
}
