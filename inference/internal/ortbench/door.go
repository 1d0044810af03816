package main

import (
	"os"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// kernelNames are the kernel sets of this CPU.
func kernelNames() []string { return exact.Kernels() }

// load makes a program of a model file for one kernel set, on one thread. The function it gives runs the program on
// the ids that scripts/reference/bench_ort.py makes for the same shape.
func load(data []byte, kernel string) (func(shape) error, error) {
	graph, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		return nil, err
	}
	lowered, err := lower.Lower(graph)
	if err != nil {
		return nil, err
	}
	program, err := exact.New(lowered, exact.Config{Kernel: kernel})
	if err != nil {
		return nil, err
	}
	return func(s shape) error {
		ids, mask := make([]int64, s.batch*s.sequence), make([]int64, s.batch*s.sequence)
		for i := range ids {
			ids[i], mask[i] = int64(1000+37*i%20000), 1
		}
		_, err := program.Run(map[string]exact.Tensor{
			"input_ids":      tensor.FromInt64(ids, s.batch, s.sequence),
			"attention_mask": tensor.FromInt64(mask, s.batch, s.sequence),
			"token_type_ids": tensor.FromInt64(make([]int64, len(ids)), s.batch, s.sequence),
		}, nil)
		return err
	}, nil
}

// loadFile loads with the fastest kernel set, as a program would that holds no copy of the file.
func loadFile(model string) (func(shape) error, error) {
	data, err := os.ReadFile(model)
	if err != nil {
		return nil, err
	}
	return load(data, "")
}
