// Command bitcheck prints hashes of what models compute on the machine it runs on, with every set of kernels that the
// machine has. Its test builds it for other processors and for Wasm and compares.
//
//	bitcheck sample [KERNEL]           hashes the sample model: a line "KERNEL HASH" for each set
//	bitcheck functions [KERNEL]        hashes every scalar function and row reduction: a line "KERNEL HASH" for each set
//	bitcheck doubles [KERNEL]          hashes the operators of float64: a line "KERNEL HASH" for each set
//	bitcheck decoder [KERNEL]          hashes the operators of language models: a line "KERNEL HASH" for each set
//	bitcheck models [KERNEL] < PACK    hashes models with inputs, as [pack] writes them: a line "KERNEL MODEL INPUT HASH"
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"assay/inference/exact"
	"assay/inference/exact/internal/sample"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := run(os.Args[1:], os.Stdin, out)
	out.Flush()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: bitcheck sample|functions|doubles|decoder|models [KERNEL]")
	}
	kernels := exact.Kernels()
	if len(args) > 1 {
		kernels = args[1:2]
	}
	if args[0] == "models" {
		return models(kernels, bufio.NewReader(in), out)
	}
	hashed := functions
	switch args[0] {
	case "sample":
		hashed = func(kernel string) (string, error) { return sample.Hash(kernel, nil) }
	case "doubles":
		hashed = doubles
	case "decoder":
		hashed = decoder
	}
	for _, kernel := range kernels {
		hash, err := hashed(kernel)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, kernel, hash)
	}
	return nil
}

// models hashes the outputs of each model for each of its inputs.
func models(kernels []string, in *bufio.Reader, out io.Writer) error {
	for number := 0; ; number++ {
		m, err := unpack(in)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, kernel := range kernels {
			if err := m.hash(number, kernel, out); err != nil {
				return fmt.Errorf("model %d, kernel %s: %w", number, kernel, err)
			}
		}
	}
}

func (m *packed) hash(number int, kernel string, out io.Writer) error {
	g, err := onnx.Parse(m.model, onnx.Limits{})
	if err != nil {
		return err
	}
	lowered, err := lower.Lower(g)
	if err != nil {
		return err
	}
	p, err := exact.New(lowered, exact.Config{Kernel: kernel})
	if err != nil {
		return err
	}
	for i, inputs := range m.inputs {
		results, err := p.Run(inputs, nil)
		if err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		h := sha256.New()
		for _, o := range p.Outputs() {
			write(h, o.Name, results[o.Name])
		}
		fmt.Fprintf(out, "%s %d %d %x\n", kernel, number, i, h.Sum(nil))
	}
	return nil
}

func write(h io.Writer, name string, t tensor.Tensor) {
	fmt.Fprintln(h, name, t.DType, t.Shape)
	h.Write(t.Bytes())
}
