// Command bitcheck prints the hash of what the sample model computes on the machine it runs on. Its test builds it
// for other processors and for Wasm and compares. With a model file on standard input and the argument "model" it
// hashes that model's outputs instead, for inputs made from its declared shapes.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"assay/inference/exact"
	"assay/inference/exact/internal/sample"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

func main() {
	var hash string
	var err error
	if len(os.Args) > 1 && os.Args[1] == "model" {
		hash, err = model(os.Stdin, "")
	} else {
		hash, err = sample.Hash("", nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(hash)
}

// model hashes the outputs of a model whose inputs are int64, like token ids, for a few sequence lengths.
func model(r io.Reader, kernel string) (string, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		return "", err
	}
	lowered, err := lower.Lower(g)
	if err != nil {
		return "", err
	}
	p, err := exact.New(lowered, exact.Config{Kernel: kernel})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, sequence := range []int{1, 5, 18} {
		inputs, err := made(p.Inputs(), sequence)
		if err != nil {
			return "", err
		}
		out, err := p.Run(inputs, nil)
		if err != nil {
			return "", err
		}
		for _, v := range p.Outputs() {
			t := out[v.Name]
			fmt.Fprintln(h, v.Name, t.DType, t.Shape)
			h.Write(t.Bytes())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// made fills declared int64 inputs: batch 1, the given length for every other open dimension. The first input
// walks through small ids, the others are 1 as a mask is, and 0 for token types.
func made(values []ir.Value, sequence int) (map[string]exact.Tensor, error) {
	inputs := map[string]exact.Tensor{}
	for i, v := range values {
		if v.DType != onnx.Int64 {
			return nil, fmt.Errorf("input %s is %v, want int64", v.Name, v.DType)
		}
		n, shape := 1, []int{}
		for j, d := range v.Shape {
			size := int(d.Size)
			switch {
			case size < 0 && j == 0 && len(v.Shape) > 1:
				size = 1
			case size < 0:
				size = sequence
			}
			shape, n = append(shape, size), n*size
		}
		data := make([]int64, n)
		for j := range data {
			switch i {
			case 0:
				data[j] = int64(1+11*j) % 40
			case 1:
				data[j] = 1
			}
		}
		inputs[v.Name] = tensor.FromInt64(data, shape...)
	}
	return inputs, nil
}
