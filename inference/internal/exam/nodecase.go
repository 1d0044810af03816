package exam

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// NodeCase is one of the ONNX project's cases, as scripts/reference/nodecases.py lists it.
type NodeCase struct {
	Name      string
	Subject   string   // the operator it is about
	Operators []string // all that it uses
	RTol      float64
	ATol      float64
	Sets      int
	Inputs    []string // kinds of the declared inputs
	Outputs   []string
}

// NodeCases reads the list in a folder that the script filled.
func NodeCases(folder string) ([]NodeCase, error) {
	f, err := os.Open(filepath.Join(folder, "cases.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var cases []NodeCase
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c NodeCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// About reports whether the case is about an operator or uses it.
func (c *NodeCase) About(op string) bool { return c.Subject == op || slices.Contains(c.Operators, op) }

// Check runs the case and compares every output: nil is a pass, an [*Unsupported] one that the executor refuses,
// anything else a failure.
func (c *NodeCase) Check(folder string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	dir := filepath.Join(folder, c.Name)
	model, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return err
	}
	if err := Supported(model); err != nil {
		return err
	}
	for set := range c.Sets {
		data := filepath.Join(dir, fmt.Sprintf("test_data_set_%d", set))
		if err := c.checkSet(model, data); err != nil {
			return err
		}
	}
	return nil
}

func (c *NodeCase) checkSet(model []byte, data string) error {
	var inputs []*Value
	for i := range c.Inputs {
		v, err := readValue(filepath.Join(data, fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			return err
		}
		inputs = append(inputs, v)
	}
	outputs, err := Run(model, inputs)
	if err != nil {
		return err
	}
	if len(outputs) != len(c.Outputs) {
		return fmt.Errorf("%d outputs, want %d", len(outputs), len(c.Outputs))
	}
	var wrong []error
	for i := range outputs {
		want, err := readValue(filepath.Join(data, fmt.Sprintf("output_%d.pb", i)))
		if err != nil {
			return err
		}
		if err := Compare(&outputs[i], want, Tolerance{Relative: c.RTol, Absolute: c.ATol}); err != nil {
			wrong = append(wrong, fmt.Errorf("output %d: %w", i, err))
		}
	}
	return errors.Join(wrong...)
}

func readValue(file string) (*Value, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	v, err := DecodeValue(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return &v, nil
}
