// Package bert makes ONNX graphs of BERT encoders from what their publishers ship: config.json and named tensors.
// The graph has the published architecture in standard operators of set 17 (embeddings, layers of self-attention
// and feed-forward with residuals and layer normalisation after each, GELU by the error function) and gives
// the last hidden states; pooling is left to the caller.
//
//	config, err := bert.ParseConfig(configJSON)
//	file, err := safetensors.Parse(weights, safetensors.Limits{})
//	graph, err := bert.Graph(config, file.Tensor)
//
// Models that come as .onnx do not need it; inference/onnx encodes the graph and inference/exact runs it.
package bert

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrUnsupported is returned for a configuration that is not a BERT encoder of the published form.
var ErrUnsupported = errors.New("not a BERT encoder of the published form")

// Config is the architecture, with the field names of config.json.
type Config struct {
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Vocabulary   int     `json:"vocab_size"`
	Positions    int     `json:"max_position_embeddings"`
	Types        int     `json:"type_vocab_size"`
	Epsilon      float32 `json:"layer_norm_eps"`
	Activation   string  `json:"hidden_act"`
	ModelType    string  `json:"model_type"`
	// PositionType is empty in older files, which then means "absolute".
	PositionType string `json:"position_embedding_type"`
}

// maxSize bounds every size in a configuration.
const maxSize = 1 << 24

// ParseConfig reads config.json; fields that do not change the graph are skipped.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("read BERT configuration: %w", err)
	}
	return c, c.Validate()
}

// Validate names what is wrong with a configuration.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...))
	}
	sizes := []struct {
		name  string
		value int
	}{
		{"num_hidden_layers", c.Layers},
		{"num_attention_heads", c.Heads},
		{"hidden_size", c.Hidden},
		{"intermediate_size", c.Intermediate},
		{"vocab_size", c.Vocabulary},
		{"max_position_embeddings", c.Positions},
		{"type_vocab_size", c.Types},
	}
	for _, s := range sizes {
		if s.value < 1 || s.value > maxSize {
			bad("%s is %d, want 1 to %d", s.name, s.value, maxSize)
		}
	}
	if c.Heads > 0 && c.Hidden%c.Heads != 0 {
		bad("hidden_size %d in %d heads", c.Hidden, c.Heads)
	}
	if c.Epsilon <= 0 || c.Epsilon > 1 {
		bad("layer_norm_eps is %v", c.Epsilon)
	}
	if c.Activation != "gelu" {
		bad("hidden_act is %q, want gelu", c.Activation)
	}
	if c.ModelType != "bert" {
		bad("model_type is %q, want bert", c.ModelType)
	}
	if c.PositionType != "" && c.PositionType != "absolute" {
		bad("position_embedding_type is %q, want absolute", c.PositionType)
	}
	return errors.Join(errs...)
}
