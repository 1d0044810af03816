// Package catalog says what a model is and keeps the files it is made of.
//
// A [Manifest] names a model completely: its files by SHA-256, tokeniser, truncation,
// pooling, normalisation, executor version and output. Its canonical bytes hash to the
// model root under which the market knows it. A [Folder] keeps files under their hash
// and hashes them again on every load; [Folder.Ensure] gets missing ones from a [Source].
//
// inference/pipeline loads models from here, the command line fills folders, and
// operators read manifests from the market's registry. What a manifest means when it
// runs is the pipeline's business.
//
// # Layout of a manifest
//
//	"assay-manifest" · u16 version = 1
//	text name · text version
//	u8 files · ( text role · 32 bytes SHA-256 · u64 size )*   roles ascending, none twice
//	u8 tokenizer kind · u16 tokenizer version · u32 max tokens
//	u8 pooling · u8 normalization
//	u16 executor ("ir") version · u8 0, or 1 and a 32-byte IR root
//	text output name · u8 element type · u32 dimension
//
// Numbers are big-endian; a text is a u16 length and that many bytes of printable
// ASCII. Nothing follows. A version other than 1 is refused.
package catalog

import (
	"crypto/sha256"
	"fmt"

	"assay/commitment"
)

// The roles of files that executor version 0 reads.
const (
	RoleModel      = "model"      // an ONNX graph
	RoleVocabulary = "vocabulary" // one token a line
	RoleTokenizer  = "tokenizer"  // a tokenizer.json or a SentencePiece model
)

// File is one file of a model.
type File struct {
	Role   string
	SHA256 commitment.Hash
	Size   uint64 // bytes
}

// TokenizerKind is a way from text to ids. Numbers are never reused.
type TokenizerKind uint8

// The tokenisers.
const (
	TokenizerNone      TokenizerKind = 0 // the model takes token ids alone
	TokenizerWordPiece TokenizerKind = 1 // BERT's uncased WordPiece, from the role vocabulary
	TokenizerJSON      TokenizerKind = 2 // what the role tokenizer's tokenizer.json says
	TokenizerPieces    TokenizerKind = 3 // what the role tokenizer's SentencePiece model says
)

// Tokenizer says how text becomes ids and where it is cut.
type Tokenizer struct {
	Kind      TokenizerKind
	Version   uint16
	MaxTokens uint32 // longer inputs lose their end; special tokens count
}

// Pooling is how token vectors become one vector. Numbers are never reused.
type Pooling uint8

// PoolingMean is the mean over the attention mask.
const PoolingMean Pooling = 1

// Normalization is what happens to the pooled vector. Numbers are never reused.
type Normalization uint8

// The normalisations.
const (
	NormalizationNone Normalization = 0
	NormalizationL2   Normalization = 1 // divided by its length, or by 1e-12 if that is more
)

// Output describes the tensor of one item.
type Output struct {
	Name      string // of the graph's output that is pooled
	DType     commitment.DType
	Dimension uint32
}

// Manifest is everything that decides a model's answers.
type Manifest struct {
	Name          string
	Version       string
	Files         []File // by role, ascending
	Tokenizer     Tokenizer
	Pooling       Pooling
	Normalization Normalization
	IR            uint16           // version of the exact executor
	IRRoot        *commitment.Hash // root over the executor's nodes and weights: what the ONNX file lowers to
	Output        Output
}

// File finds a file by its role.
func (m *Manifest) File(role string) (File, bool) {
	for _, f := range m.Files {
		if f.Role == role {
			return f, true
		}
	}
	return File{}, false
}

// Root is the model's name in the registry. It fails when the manifest is not valid.
func (m *Manifest) Root() (commitment.Hash, error) {
	b, err := m.Encode()
	if err != nil {
		return commitment.Hash{}, err
	}
	return commitment.ModelRoot(b), nil
}

// Validate says what the manifest lacks or has too much of.
func (m *Manifest) Validate() error {
	if err := m.validateTexts(); err != nil {
		return err
	}
	if len(m.Files) == 0 || len(m.Files) > maxFiles {
		return fmt.Errorf("manifest of %d files, want 1 to %d", len(m.Files), maxFiles)
	}
	for i, f := range m.Files {
		if i > 0 && m.Files[i-1].Role >= f.Role {
			return fmt.Errorf("manifest file %q is out of order or double", f.Role)
		}
		if f.Size == 0 || f.Size > maxFileBytes {
			return fmt.Errorf("manifest file %q of %d bytes, want 1 to %d", f.Role, f.Size, uint64(maxFileBytes))
		}
	}
	switch {
	case m.Tokenizer.Kind > TokenizerPieces:
		return fmt.Errorf("manifest tokenizer %d is unknown", m.Tokenizer.Kind)
	case m.Tokenizer.MaxTokens < 2 || m.Tokenizer.MaxTokens > maxTokens:
		return fmt.Errorf("manifest of %d tokens, want 2 to %d", m.Tokenizer.MaxTokens, maxTokens)
	case m.Pooling != PoolingMean:
		return fmt.Errorf("manifest pooling %d is unknown", m.Pooling)
	case m.Normalization > NormalizationL2:
		return fmt.Errorf("manifest normalization %d is unknown", m.Normalization)
	case m.Output.DType != commitment.Float32:
		return fmt.Errorf("manifest output element type %d is unknown", m.Output.DType)
	case m.Output.Dimension == 0 || m.Output.Dimension > maxDimension:
		return fmt.Errorf("manifest output of %d dimensions, want 1 to %d", m.Output.Dimension, maxDimension)
	}
	return nil
}

func (m *Manifest) validateTexts() error {
	texts := []string{m.Name, m.Version, m.Output.Name}
	for _, f := range m.Files {
		texts = append(texts, f.Role)
	}
	for _, s := range texts {
		if s == "" || len(s) > maxTextBytes {
			return fmt.Errorf("manifest text of %d bytes, want 1 to %d", len(s), maxTextBytes)
		}
		for i := range len(s) {
			if s[i] < ' ' || s[i] > '~' {
				return fmt.Errorf("manifest text %q is not printable ASCII", s)
			}
		}
	}
	return nil
}

// HashOf is the name of a file in a [Folder].
func HashOf(data []byte) commitment.Hash { return sha256.Sum256(data) }
