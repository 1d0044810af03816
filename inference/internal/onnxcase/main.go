// Command onnxcase runs one ONNX model on given tensors, so that anybody can hold the executor against cases of
// their own, such as the ONNX project's.
//
//	onnxcase MODEL OUTDIR input_0.pb input_1.pb …
//
// The inputs are serialised TensorProtos, in the order in which the model declares its inputs, those that have a
// constant apart; files whose names end in a number, as input_3.pb does, go to the declared input of that number,
// whatever their order on the command line, and a number left out is an input left out. The declared outputs are
// written as OUTDIR/output_0.pb, output_1.pb and so on. Files that hold the model's larger tensors lie beside it.
//
// The command exits with 0 when the model ran; with 3 when the model needs what the executor does not support, and
// the first line of standard error then starts with "unsupported:" and names the operator; with 2 when it is called
// wrongly; and with 1 when anything else went wrong. "go run" turns all of these but 0 into 1 and prints the code.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"assay/inference/internal/exam"
	"assay/inference/modelfile"
	"assay/inference/onnx"
)

// Exit codes.
const (
	ran = iota
	failed
	usage
	unsupported
)

// maxInputs bounds the numbers in file names.
const maxInputs = 4096

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "usage: onnxcase MODEL OUTDIR input_0.pb input_1.pb …")
		return usage
	}
	err := evaluate(args[0], args[1], args[2:])
	var u *exam.Unsupported
	switch {
	case err == nil:
		return ran
	case errors.As(err, &u):
		fmt.Fprintln(stderr, u)
		return unsupported
	}
	fmt.Fprintln(stderr, "onnxcase:", err)
	return failed
}

func evaluate(model, folder string, files []string) error {
	file, err := modelfile.Open(model, onnx.Limits{})
	if err != nil {
		return exam.Typed(err)
	}
	defer file.Close()
	if err := exam.Supported(file.Bytes); err != nil {
		return err
	}
	inputs, err := read(files)
	if err != nil {
		return err
	}
	outputs, err := exam.RunGraph(file.Graph, inputs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := range outputs {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("output_%d.pb", i)), outputs[i].Encode(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// read puts every file at its position.
func read(files []string) ([]*exam.Value, error) {
	places, err := positions(files)
	if err != nil {
		return nil, err
	}
	var inputs []*exam.Value
	for i, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) && strings.Contains(file, "*") {
			continue // a pattern that matched nothing: a model without inputs
		}
		if err != nil {
			return nil, err
		}
		v, err := exam.DecodeValue(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for len(inputs) <= places[i] {
			inputs = append(inputs, nil)
		}
		if inputs[places[i]] != nil {
			return nil, fmt.Errorf("%s: input %d is given twice", file, places[i])
		}
		inputs[places[i]] = &v
	}
	return inputs, nil
}

var numbered = regexp.MustCompile(`(\d+)\.pb$`)

// positions are the numbers in the files' names if all have one, and their order otherwise.
func positions(files []string) ([]int, error) {
	out := make([]int, len(files))
	for i, file := range files {
		m := numbered.FindStringSubmatch(filepath.Base(file))
		if m == nil {
			for j := range out {
				out[j] = j
			}
			return out, nil
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n >= maxInputs {
			return nil, fmt.Errorf("%s: no model has that many inputs", file)
		}
		out[i] = n
	}
	return out, nil
}
