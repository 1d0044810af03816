// Package tiny makes an embedding model from texts, so that Assay's whole story can run
// where no model can be downloaded.
//
// Its words get vectors by latent semantic analysis: passages against words, weighted by
// rarity, and the strongest directions of that matrix. Search with it finds passages that
// share words or company of words with a question, which is far less than a trained model
// finds and far more than random vectors would. The result is a real ONNX file and a
// WordPiece vocabulary that take the same way through catalog and pipeline as any model.
//
// The command line installs it with [Install]. The same texts give the same bytes on
// every machine: no random source, no library function that may differ in its last bit,
// every product rounded before it is added. The files made from the repository's passages
// are pinned in pins_gen.go; `go generate ./inference/tiny` renews the pins.
package tiny

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/commitment"
	"assay/inference/catalog"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tokenize"
)

//go:generate go run ./maketiny -pins pins_gen.go

// Dimension is the length of the model's vectors.
const Dimension = 128

// maxTexts bounds the work, which grows with its cube.
const maxTexts = 1000

// Files are the two files of a model.
type Files struct {
	Model      []byte // ONNX
	Vocabulary []byte
}

// Manifest describes the model made from the repository's passages.
func Manifest() catalog.Manifest { return manifest(modelPin, vocabularyPin, rootPin) }

func manifest(model, vocabulary catalog.File, root commitment.Hash) catalog.Manifest {
	return catalog.Manifest{
		Name:          "assay-tiny",
		Version:       "1.0.0",
		Files:         []catalog.File{model, vocabulary},
		Tokenizer:     catalog.Tokenizer{Kind: catalog.TokenizerWordPiece, Version: 1, MaxTokens: 256},
		Pooling:       catalog.PoolingMean,
		Normalization: catalog.NormalizationL2,
		IR:            ir.Version,
		IRRoot:        &root,
		Output:        catalog.Output{Name: outputName, DType: commitment.Float32, Dimension: Dimension},
	}
}

// Pins are the files as a manifest names them, and the root of the graph that the model lowers to.
func (f Files) Pins() (model, vocabulary catalog.File, root commitment.Hash, err error) {
	pin := func(role string, data []byte) catalog.File {
		return catalog.File{Role: role, SHA256: catalog.HashOf(data), Size: uint64(len(data))}
	}
	graph, err := onnx.Parse(f.Model, onnx.Limits{})
	if err != nil {
		return model, vocabulary, root, err
	}
	lowered, err := lower.Lower(graph)
	if err != nil {
		return model, vocabulary, root, err
	}
	root, err = ir.Root(lowered)
	return pin(catalog.RoleModel, f.Model), pin(catalog.RoleVocabulary, f.Vocabulary), root, err
}

// Install puts the pinned model into the folder unless it is there. texts must be the
// repository's passages; the model of any others is refused by its hash.
func Install(ctx context.Context, folder *catalog.Folder, texts []string) (catalog.Manifest, error) {
	m := Manifest()
	err := folder.Ensure(ctx, m, nil, nil)
	if err == nil || !errors.Is(err, catalog.ErrMissing) {
		return m, err
	}
	files, err := Make(texts)
	if err != nil {
		return m, err
	}
	if err := folder.Put(ctx, modelPin, bytes.NewReader(files.Model)); err != nil {
		return m, fmt.Errorf("install the tiny model: %w", err)
	}
	if err := folder.Put(ctx, vocabularyPin, bytes.NewReader(files.Vocabulary)); err != nil {
		return m, fmt.Errorf("install the tiny model: %w", err)
	}
	return m, nil
}

// Make makes a model from texts. It takes about a second for two hundred.
func Make(texts []string) (Files, error) {
	if len(texts) < Dimension || len(texts) > maxTexts {
		return Files{}, fmt.Errorf("make a tiny model of %d texts, want %d to %d", len(texts), Dimension, maxTexts)
	}
	tokens := vocabulary(texts)
	file := []byte(strings.Join(tokens, "\n") + "\n")
	tokenizer, err := tokenize.New(file)
	if err != nil {
		return Files{}, fmt.Errorf("make a tiny model: %w", err)
	}
	table, err := embed(texts, tokenizer)
	if err != nil {
		return Files{}, fmt.Errorf("make a tiny model: %w", err)
	}
	return Files{Model: encode(table, len(tokens)), Vocabulary: file}, nil
}

// suffixes are endings that become pieces of their own, so that "canisters" is
// "canister" and "##s" and both share what is known of the word.
var suffixes = []string{"s", "es", "d", "ed", "ing", "er", "ers", "or", "ors", "ly", "ion", "ions", "r", "n"}

const singles = "abcdefghijklmnopqrstuvwxyz0123456789"

// special tokens come first; their vectors are zero, all but [UNK] and [MASK].
var special = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}

// vocabulary lists the tokens: special ones, words of the texts, and pieces enough to
// spell any word of letters and digits.
func vocabulary(texts []string) []string {
	words := map[string]bool{}
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(text), notWord) {
			words[w] = true
		}
	}
	kept := map[string]bool{}
	for w := range words {
		if !hasBase(w, words) {
			kept[w] = true
		}
	}
	for i := range len(singles) {
		kept[singles[i:i+1]] = true
		kept["##"+singles[i:i+1]] = true
	}
	for _, s := range suffixes {
		kept["##"+s] = true
	}
	for _, sign := range "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" {
		kept[string(sign)] = true
	}
	list := make([]string, 0, len(kept))
	for w := range kept {
		list = append(list, w)
	}
	slices.Sort(list)
	return append(slices.Clone(special), list...)
}

func notWord(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9')
}

// hasBase reports whether a word of the texts becomes w by one suffix.
func hasBase(w string, words map[string]bool) bool {
	for _, s := range suffixes {
		if base, ok := strings.CutSuffix(w, s); ok && len(base) >= 3 && words[base] {
			return true
		}
	}
	return false
}
