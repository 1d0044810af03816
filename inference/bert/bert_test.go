package bert_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"assay/inference/bert"
	"assay/inference/onnx"
)

const published = `{"model_type":"bert","hidden_act":"gelu","num_hidden_layers":2,"num_attention_heads":2,"hidden_size":8,
	"intermediate_size":12,"vocab_size":20,"max_position_embeddings":16,"type_vocab_size":2,"layer_norm_eps":1e-12,"use_cache":true}`

func config(t *testing.T) bert.Config {
	t.Helper()
	c, err := bert.ParseConfig([]byte(published))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// weights are tensors of the published names with counted-up numbers.
func weights(c bert.Config) map[string]*onnx.Tensor {
	all := map[string]*onnx.Tensor{}
	add := func(name string, shape ...int) {
		t := &onnx.Tensor{Name: name, DType: onnx.Float32}
		n := 1
		for _, d := range shape {
			t.Shape = append(t.Shape, int64(d))
			n *= d
		}
		for i := range n {
			t.Raw = binary.LittleEndian.AppendUint32(t.Raw, math.Float32bits(float32(i)))
		}
		all[name] = t
	}
	pair := func(name string, shape ...int) {
		add(name+".weight", shape...)
		add(name+".bias", shape[0])
	}
	add("embeddings.word_embeddings.weight", c.Vocabulary, c.Hidden)
	add("embeddings.position_embeddings.weight", c.Positions, c.Hidden)
	add("embeddings.token_type_embeddings.weight", c.Types, c.Hidden)
	pair("embeddings.LayerNorm", c.Hidden)
	for _, layer := range []string{"encoder.layer.0.", "encoder.layer.1."} {
		for _, name := range []string{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"} {
			pair(layer+name, c.Hidden, c.Hidden)
		}
		pair(layer+"attention.output.LayerNorm", c.Hidden)
		pair(layer+"intermediate.dense", c.Intermediate, c.Hidden)
		pair(layer+"output.dense", c.Hidden, c.Intermediate)
		pair(layer+"output.LayerNorm", c.Hidden)
	}
	return all
}

func TestGraph(t *testing.T) {
	t.Parallel()
	c := config(t)
	all := weights(c)
	g, err := bert.Graph(c, func(name string) *onnx.Tensor { return all[name] })
	if err != nil {
		t.Fatal(err)
	}
	back, err := onnx.Parse(onnx.Encode(g), onnx.Limits{})
	if err != nil {
		t.Fatalf("what it makes is refused: %v", err)
	}
	constants := map[string]*onnx.Tensor{}
	for i := range back.Initializers {
		constants[back.Initializers[i].Name] = &back.Initializers[i]
	}
	for name := range all {
		if constants[name] == nil {
			t.Errorf("tensor %s is not in the graph", name)
		}
	}
	w := constants["encoder.layer.1.output.dense.weight"]
	if w.Shape[0] != 12 || w.Shape[1] != 8 {
		t.Fatalf("shape %v, want rows per input", w.Shape)
	}
	if got := math.Float32frombits(binary.LittleEndian.Uint32(w.Raw[4*(5*8+3):])); got != 3*12+5 {
		t.Errorf("row 5, column 3 is %v, want the published row 3, column 5: %d", got, 3*12+5)
	}
}

func TestGraphRefuses(t *testing.T) {
	t.Parallel()
	c := config(t)
	for name, spoil := range map[string]func(all map[string]*onnx.Tensor){
		"a tensor missing":  func(all map[string]*onnx.Tensor) { delete(all, "encoder.layer.1.output.dense.bias") },
		"another shape":     func(all map[string]*onnx.Tensor) { all["embeddings.LayerNorm.bias"].Shape[0]++ },
		"another rank":      func(all map[string]*onnx.Tensor) { all["embeddings.LayerNorm.bias"].Shape = []int64{1, 8} },
		"another type":      func(all map[string]*onnx.Tensor) { all["embeddings.LayerNorm.weight"].DType = onnx.Int32 },
		"a matrix not ours": func(all map[string]*onnx.Tensor) { all["encoder.layer.0.output.dense.weight"].Shape[0] = 12 },
	} {
		all := weights(c)
		spoil(all)
		if _, err := bert.Graph(c, func(name string) *onnx.Tensor { return all[name] }); !errors.Is(err, bert.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for old, changed := range map[string]string{
		`"model_type":"bert"`:     `"model_type":"gpt2"`,
		`"hidden_act":"gelu"`:     `"hidden_act":"relu"`,
		`"num_hidden_layers":2`:   `"num_hidden_layers":0`,
		`"num_attention_heads":2`: `"num_attention_heads":3`,
		`"vocab_size":20`:         `"vocab_size":1000000000`,
		`"layer_norm_eps":1e-12`:  `"layer_norm_eps":0`,
		`"use_cache":true`:        `"position_embedding_type":"relative_key"`,
	} {
		if _, err := bert.ParseConfig([]byte(strings.Replace(published, old, changed, 1))); !errors.Is(err, bert.ErrUnsupported) {
			t.Errorf("%s: %v", changed, err)
		}
	}
	if _, err := bert.ParseConfig([]byte("[]")); err == nil {
		t.Error("an array was taken for a configuration")
	}
}
