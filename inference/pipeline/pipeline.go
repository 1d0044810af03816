// Package pipeline turns an item of a job into its output tensor: text to token ids, ids
// through the model's graph, token vectors to one pooled and normalised vector.
//
// Every step is fixed by the model's manifest and computed by the exact executor, so two
// machines give the same bits. Providers run jobs with it behind [Backend], and anybody
// replays a job with the same call. Getting model files is the catalog's business, and
// hashing outputs is commitment's.
//
//	model, err := pipeline.Load(manifest, folder, pipeline.Threads(runtime.NumCPU()))
//	tensor, err := model.Run(ctx, pipeline.Item{Text: "What is a canister?"})
package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"assay/commitment"
	"assay/inference/catalog"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
	"assay/inference/tokenize"
)

// MaxTextBytes is the longest text that [Model.Run] takes.
const MaxTextBytes = 1 << 20

// Item is one input: a text, or token ids that go to the model as they are, special
// tokens included.
type Item struct {
	Text   string
	Tokens []uint32
}

// Tensor is one output: row-major and little-endian.
type Tensor struct {
	DType commitment.DType
	Shape []uint64
	Data  []byte
}

// Root commits to the tensor.
func (t Tensor) Root() (commitment.Hash, error) {
	return commitment.TensorRoot(t.DType, t.Shape, t.Data)
}

// Floats are the tensor's elements. It fails when they are of another type.
func (t Tensor) Floats() ([]float32, error) {
	if t.DType != commitment.Float32 || len(t.Data)%4 != 0 {
		return nil, fmt.Errorf("tensor of element type %d and %d bytes does not hold float32", t.DType, len(t.Data))
	}
	out := make([]float32, len(t.Data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return out, nil
}

// Backend computes items. [Model] is one; wrappers and other runtimes are others.
type Backend interface {
	// Run computes one item. An [*InputError] means that no provider can compute it.
	Run(ctx context.Context, item Item) (Tensor, error)
}

// InputError says why an item has no output, whoever computes it. Trying again is of no use.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return "item refused: " + e.Reason }

func refuse(format string, args ...any) error { return &InputError{fmt.Sprintf(format, args...)} }

// The names under which graphs of this family take their inputs.
const (
	inputIDs   = "input_ids"
	inputMask  = "attention_mask"
	inputTypes = "token_type_ids"
)

// Model is a loaded model. It never changes, and many goroutines may run it at once.
type Model struct {
	manifest  catalog.Manifest
	tokenizer *tokenize.Tokenizer
	program   *exact.Program
	inputs    []string
	parallel  exact.Parallel
}

var _ Backend = (*Model)(nil)

// Load reads a model's files from the folder, which hashes them, and compiles the graph.
// parallel runs the parts of one item; nil means one thread.
func Load(manifest catalog.Manifest, folder *catalog.Folder, parallel exact.Parallel) (*Model, error) {
	model, err := load(manifest, folder, parallel)
	if err != nil {
		return nil, fmt.Errorf("load model %s %s: %w", manifest.Name, manifest.Version, err)
	}
	return model, nil
}

func load(manifest catalog.Manifest, folder *catalog.Folder, parallel exact.Parallel) (*Model, error) {
	if err := supported(manifest); err != nil {
		return nil, err
	}
	tokenizer, err := loadTokenizer(manifest, folder)
	if err != nil {
		return nil, err
	}
	file, err := open(manifest, folder, catalog.RoleModel)
	if err != nil {
		return nil, err
	}
	m := &Model{manifest: manifest, tokenizer: tokenizer, parallel: parallel}
	graph, err := onnx.Parse(file, onnx.Limits{})
	if err != nil {
		return nil, err
	}
	lowered, err := lower.Lower(graph)
	if err != nil {
		return nil, err
	}
	if err := checkRoot(lowered, manifest.IRRoot); err != nil {
		return nil, err
	}
	if n := ir.Coupled(lowered); n != nil {
		return nil, fmt.Errorf("node %q makes the bits of an answer depend on batch mates and padding: rewrite the model with `assay model rewrite`", n.Name)
	}
	if m.program, err = exact.New(lowered, exact.Config{}); err != nil {
		return nil, err
	}
	if err := m.checkSignature(); err != nil {
		return nil, err
	}
	return m, m.checkBound()
}

// checkBound refuses a graph whose shapes or rounds depend on the data: nobody could say beforehand what it costs to
// compute an answer again.
func (m *Model) checkBound() error {
	shapes := map[string][]int{}
	for _, name := range m.inputs {
		shapes[name] = []int{1, int(m.manifest.Tokenizer.MaxTokens)}
	}
	if _, err := m.program.Bound(shapes); err != nil {
		return fmt.Errorf("the longest text has no bound: %w", err)
	}
	return nil
}

// checkRoot compares what the model file was lowered to with what the manifest binds.
func checkRoot(g *ir.Graph, want *commitment.Hash) error {
	got, err := ir.Root(g)
	if err == nil && got != *want {
		err = fmt.Errorf("the model file lowers to IR root %v, the manifest says %v", got, *want)
	}
	return err
}

// supported refuses what this program does not compute.
func supported(m catalog.Manifest) error {
	if err := m.Validate(); err != nil {
		return err
	}
	switch {
	case m.IR != ir.Version:
		return fmt.Errorf("executor version %d, this program has version %d", m.IR, ir.Version)
	case m.IRRoot == nil:
		return errors.New("the manifest gives no IR root, so what the model computes is not bound")
	case m.Tokenizer.Kind == catalog.TokenizerNone || m.Tokenizer.Version != 1:
		return fmt.Errorf("tokenizer %d version %d, this program has 1 to %d in version 1",
			m.Tokenizer.Kind, m.Tokenizer.Version, catalog.TokenizerPieces)
	}
	return nil
}

// loadTokenizer reads the file that the manifest's tokeniser is made from.
func loadTokenizer(m catalog.Manifest, folder *catalog.Folder) (t *tokenize.Tokenizer, err error) {
	role, read := catalog.RoleTokenizer, tokenize.Load
	switch m.Tokenizer.Kind {
	case catalog.TokenizerWordPiece:
		role, read = catalog.RoleVocabulary, tokenize.New
	case catalog.TokenizerPieces:
		read = tokenize.LoadSentencePiece
	}
	file, err := open(m, folder, role)
	if err != nil {
		return nil, err
	}
	if t, err = read(file); err != nil {
		return nil, err
	}
	if around := t.Around(); int64(m.Tokenizer.MaxTokens) <= int64(around) {
		return nil, fmt.Errorf("%d tokens, and the tokeniser puts %d around every text", m.Tokenizer.MaxTokens, around)
	}
	return t, nil
}

func open(m catalog.Manifest, folder *catalog.Folder, role string) ([]byte, error) {
	file, ok := m.File(role)
	if !ok {
		return nil, fmt.Errorf("manifest names no file %q", role)
	}
	return folder.Open(file)
}

// checkSignature refuses a graph that cannot be fed or read as an embedding model.
func (m *Model) checkSignature() error {
	for _, v := range m.program.Inputs() {
		if v.Name != inputIDs && v.Name != inputMask && v.Name != inputTypes || v.DType != tensor.Int64 {
			return fmt.Errorf("graph input %q of %v: want int64 %s, %s or %s", v.Name, v.DType, inputIDs, inputMask, inputTypes)
		}
		m.inputs = append(m.inputs, v.Name)
	}
	for _, v := range m.program.Outputs() {
		if v.Name == m.manifest.Output.Name {
			if v.DType != tensor.Float32 {
				return fmt.Errorf("graph output %q is of %v, want float32", v.Name, v.DType)
			}
			return nil
		}
	}
	return fmt.Errorf("graph has no output %q", m.manifest.Output.Name)
}

// Manifest is what the model was loaded by.
func (m *Model) Manifest() catalog.Manifest { return m.manifest }

// Run computes one item. It looks at ctx before it starts; one item takes milliseconds.
func (m *Model) Run(ctx context.Context, item Item) (Tensor, error) {
	if err := ctx.Err(); err != nil {
		return Tensor{}, err
	}
	ids, err := m.Tokens(item)
	if err != nil {
		return Tensor{}, err
	}
	hidden, err := m.hidden(ids)
	if err != nil {
		return Tensor{}, err
	}
	vector := meanPool(hidden, len(ids), int(m.manifest.Output.Dimension))
	if m.manifest.Normalization == catalog.NormalizationL2 {
		normalize(vector)
	}
	out := tensor.FromFloat32(vector, len(vector))
	if !out.Finite() {
		return Tensor{}, refuse("the output of model %s holds NaN or an infinity", m.manifest.Name)
	}
	return Tensor{DType: commitment.Float32, Shape: []uint64{uint64(len(vector))}, Data: out.Bytes()}, nil
}

// Tokens are the ids that the model sees for an item. Text is cut at the manifest's number
// of tokens; ids that a caller gives are refused instead.
func (m *Model) Tokens(item Item) ([]uint32, error) {
	limit := int(m.manifest.Tokenizer.MaxTokens)
	if item.Tokens != nil {
		return item.Tokens, m.checkTokens(item, limit)
	}
	switch {
	case item.Text == "":
		return nil, refuse("empty text")
	case len(item.Text) > MaxTextBytes:
		return nil, refuse("text of %d bytes, at most %d are taken", len(item.Text), MaxTextBytes)
	case !utf8.ValidString(item.Text):
		return nil, refuse("text is not UTF-8")
	}
	ids, err := m.tokenizer.Encode(item.Text, limit)
	if err != nil {
		return nil, refuse("%v", err)
	}
	if len(ids) <= m.tokenizer.Around() {
		return nil, refuse("text holds no word, number or sign")
	}
	return ids, nil
}

func (m *Model) checkTokens(item Item, limit int) error {
	switch {
	case item.Text != "":
		return refuse("both text and token ids")
	case len(item.Tokens) == 0:
		return refuse("no token ids")
	case len(item.Tokens) > limit:
		return refuse("%d token ids, the model takes %d", len(item.Tokens), limit)
	}
	for i, id := range item.Tokens {
		if int64(id) >= int64(m.tokenizer.Size()) {
			return refuse("token id %d at %d, the vocabulary has %d", id, i, m.tokenizer.Size())
		}
	}
	return nil
}

// hidden runs the graph on a batch of one and gives a vector per token, row-major.
func (m *Model) hidden(ids []uint32) ([]float32, error) {
	n := len(ids)
	inputs := make(map[string]exact.Tensor, len(m.inputs))
	for _, name := range m.inputs {
		values := make([]int64, n)
		for i := range values {
			switch name {
			case inputIDs:
				values[i] = int64(ids[i])
			case inputMask:
				values[i] = 1
			}
		}
		inputs[name] = tensor.FromInt64(values, 1, n)
	}
	outputs, err := m.program.Run(inputs, m.parallel)
	if err != nil { // an [*exact.Error]: everybody's run fails like this
		return nil, refuse("run model %s: %v", m.manifest.Name, err)
	}
	out := outputs[m.manifest.Output.Name]
	dimension := int(m.manifest.Output.Dimension)
	if len(out.Shape) != 3 || out.Shape[0] != 1 || out.Shape[1] != n || out.Shape[2] != dimension {
		return nil, fmt.Errorf("run model %s: output of shape %v, want [1 %d %d]", m.manifest.Name, out.Shape, n, dimension)
	}
	return out.Float32s(), nil
}
