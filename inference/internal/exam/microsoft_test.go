package exam

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/inference/onnx"
)

// microsoftCases is how many cases microsoft.py writes.
const microsoftCases = 94

// Operators of com.microsoft give what ONNX Runtime does, and the same bits in every way of running them, within their
// bounds and without the other row of the batch.
func TestMicrosoftCases(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	folder := made(t, "microsoft.py", nil)
	cases, err := NodeCases(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != microsoftCases {
		t.Fatalf("%d cases, want %d", len(cases), microsoftCases)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(folder); err != nil {
				t.Fatal(err)
			}
			model, inputs := c.read(t, folder)
			got, err := Evaluate(model, inputs, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if dynamic, err := sameAnywhere(model, inputs, got); err != nil || dynamic {
				t.Errorf("depends on the data: %v; %v", dynamic, err)
			}
			if strings.HasPrefix(c.Name, "encoder_past") || c.Name == "quantized_past" { // whose first dimension tells keys from values
				return
			}
			alone, err := Evaluate(model, row(inputs, 1), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if !bytes.HasSuffix(got[i].Raw, alone[i].Raw) {
					t.Errorf("output %d of the second row alone has other bits", i)
				}
			}
		})
	}
}

// read gives the model and the inputs of its first set.
func (c *NodeCase) read(t *testing.T, folder string) (model []byte, inputs map[string]Value) {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(folder, c.Name, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	declared, _, err := Declared(model)
	if err != nil {
		t.Fatal(err)
	}
	inputs = map[string]Value{}
	for i, d := range declared {
		v, err := readValue(filepath.Join(folder, c.Name, "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			t.Fatal(err)
		}
		inputs[d.Name] = *v
	}
	return model, inputs
}

// row is one row of every input that has two.
func row(inputs map[string]Value, at int) map[string]Value {
	out := maps.Clone(inputs)
	for name, v := range inputs {
		if len(v.Shape) > 0 && v.Shape[0] == 2 {
			out[name] = v.rows([]int{at})
		}
	}
	return out
}

// decoder is the model of microsoft.py, with its inputs for all the words at once.
type decoder struct {
	t      *testing.T
	model  []byte
	inputs map[string]Value
}

func int64Value(rows, columns int, at func(i, j int) int64) Value {
	v := Value{DType: onnx.Int64, Shape: []int64{int64(rows), int64(columns)}}
	for i := range rows {
		for j := range columns {
			v.Raw = binary.LittleEndian.AppendUint64(v.Raw, uint64(at(i, j)))
		}
	}
	return v
}

// columns are some columns of a matrix of int64.
func columns(v Value, from, to int) Value {
	width := int(v.Shape[1])
	return int64Value(int(v.Shape[0]), to-from, func(i, j int) int64 {
		return int64(binary.LittleEndian.Uint64(v.Raw[(i*width+from+j)*8:]))
	})
}

// run takes words and a mask with the outputs before, nil at first, and gives the logits and the cache.
func (d *decoder) run(words, mask Value, before []Value) []Value {
	d.t.Helper()
	in := maps.Clone(d.inputs)
	in["input_ids"], in["attention_mask"] = words, mask
	for i := 1; i < len(before); i++ {
		in[strings.Replace(before[i].Name, "present", "past_key_values", 1)] = before[i]
	}
	if before == nil && words.Shape[0] == 1 {
		for name, v := range in {
			if v.Shape[0] == 2 {
				v.Shape = slices.Concat([]int64{1}, v.Shape[1:])
				in[name] = v
			}
		}
	}
	got, err := Evaluate(d.model, in, Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

// A prompt at once, word by word, and padded beside a longer row: the same bits of logits and cache.
func TestDecoder(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	folder := made(t, "microsoft.py", nil)
	c := NodeCase{Name: "decoder_all"}
	model, inputs := c.read(t, folder)
	d := &decoder{t, model, inputs}
	words := inputs["input_ids"]
	n := int(words.Shape[1])
	ones := func(rows, columns int) Value {
		return int64Value(rows, columns, func(_, _ int) int64 { return 1 })
	}
	all := d.run(words, ones(2, n), nil)
	width := len(all[0].Raw) / 2 / n
	logits := func(v Value, rowLength, row, position int) []byte {
		return v.Raw[(row*rowLength+position)*width:][:width]
	}
	var before []Value
	for i := range n {
		before = d.run(columns(words, i, i+1), ones(2, i+1), before)
		for b := range 2 {
			if !bytes.Equal(logits(before[0], 1, b, 0), logits(all[0], n, b, i)) {
				t.Errorf("word %d of row %d: other logits than in the prompt", i, b)
			}
		}
	}
	for i := 1; i < len(all); i++ {
		if !bytes.Equal(before[i].Raw, all[i].Raw) {
			t.Errorf("%s after single words has other bits than after the prompt", all[i].Name)
		}
	}
	const short = 6
	padded := d.run(words, int64Value(2, n, func(i, j int) int64 { return int64(min(1, max(0, (1-i)*n+short-j))) }), nil)
	alone := d.run(columns(words.rows([]int{1}), 0, short), ones(1, short), nil)
	for i := range short {
		if !bytes.Equal(logits(padded[0], n, 1, i), logits(alone[0], short, 0, i)) {
			t.Errorf("word %d beside a longer row has other logits than alone", i)
		}
	}
}
