package pipeline_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/pipeline"
	"assay/inference/tiny"
)

// tokenizerJSON says in a tokenizer.json what the WordPiece of a vocabulary file is.
func tokenizerJSON(t *testing.T, vocabulary string) []byte {
	t.Helper()
	ids, special := map[string]int{}, []map[string]any{}
	for i, token := range strings.Split(strings.TrimSuffix(vocabulary, "\n"), "\n") {
		ids[token] = i
		if strings.HasPrefix(token, "[") && len(token) > 1 {
			special = append(special, map[string]any{"id": i, "content": token, "special": true})
		}
	}
	file, err := json.Marshal(map[string]any{
		"version": "1.0", "added_tokens": special,
		"normalizer":     map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
		"pre_tokenizer":  map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{"type": "BertProcessing", "sep": []any{"[SEP]", ids["[SEP]"]}, "cls": []any{"[CLS]", ids["[CLS]"]}},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": ids,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTokenizerJSON loads the tiny model with its tokeniser as a tokenizer.json: answers are
// those of the vocabulary file, and so is the text that holds nothing.
func TestTokenizerJSON(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	manifest, err := tiny.Install(t.Context(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	words, err := pipeline.Load(manifest, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	vocabulary, _ := manifest.File(catalog.RoleVocabulary)
	text, err := os.ReadFile(folder.Path(vocabulary.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	file := tokenizerJSON(t, string(text))
	pin := catalog.File{Role: catalog.RoleTokenizer, SHA256: catalog.HashOf(file), Size: uint64(len(file))}
	if err := folder.Put(t.Context(), pin, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	model, _ := manifest.File(catalog.RoleModel)
	manifest.Files = []catalog.File{model, pin}
	manifest.Tokenizer.Kind = catalog.TokenizerJSON
	other, err := pipeline.Load(manifest, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"What is a canister?", "naïve Café, 日本 [SEP] x", "!"} {
		want, err := words.Tokens(pipeline.Item{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := other.Tokens(pipeline.Item{Text: text}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, from the vocabulary file %v", text, got, err, want)
		}
	}
	if _, err := other.Tokens(pipeline.Item{Text: " \u00ad "}); err == nil {
		t.Error("a text that holds nothing went through")
	}
	manifest.Tokenizer.MaxTokens = 2
	if _, err := pipeline.Load(manifest, folder, nil); err == nil {
		t.Error("a manifest without room for text was loaded")
	}
}
