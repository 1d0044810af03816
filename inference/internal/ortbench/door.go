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
// what scripts/reference/bench_ort.py makes for the same shape.
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
	inputs := texts
	if len(lowered.Inputs) == 1 && lowered.Inputs[0].Name == "image" {
		inputs = images
	}
	return func(s shape) error {
		_, err := program.Run(inputs(s), nil)
		return err
	}, nil
}

// texts are a BERT encoder's inputs.
func texts(s shape) map[string]exact.Tensor {
	ids, mask := make([]int64, s.batch*s.sequence), make([]int64, s.batch*s.sequence)
	for i := range ids {
		ids[i], mask[i] = int64(1000+37*i%20000), 1
	}
	return map[string]exact.Tensor{
		"input_ids":      tensor.FromInt64(ids, s.batch, s.sequence),
		"attention_mask": tensor.FromInt64(mask, s.batch, s.sequence),
		"token_type_ids": tensor.FromInt64(make([]int64, len(ids)), s.batch, s.sequence),
	}
}

// images are square, of three channels, as wide as a shape's sequence is long.
func images(s shape) map[string]exact.Tensor {
	image := tensor.New(tensor.Float32, s.batch, 3, s.sequence, s.sequence)
	for i := range image.Float32s() {
		image.Float32s()[i] = float32(37*i%251) / 251
	}
	return map[string]exact.Tensor{"image": image}
}

// loadFile loads with the fastest kernel set, as a program would that holds no copy of the file.
func loadFile(model string) (func(shape) error, error) {
	data, err := os.ReadFile(model)
	if err != nil {
		return nil, err
	}
	return load(data, "")
}
