// Package passages holds two hundred short texts about Assay's own field, and questions
// that some of them answer.
//
// The demo has them embedded and searched, the tiny model is made from them, and tests of
// tokenisers, executors and search use them as real input. They are ours, each at most 32
// tokens of the default model, one a line in passages.txt.
package passages

import (
	_ "embed"
	"strings"
)

//go:embed passages.txt
var file string

// All are the passages in their order.
func All() []string { return strings.Split(strings.TrimSuffix(file, "\n"), "\n") }

// Question is a question with the beginning of the passage that answers it.
type Question struct{ Text, Answer string }

// Questions are answered by one passage each.
func Questions() []Question {
	return []Question{
		{"What happens to a canister that runs out of cycles?", "A canister that runs low on cycles freezes"},
		{"Who may upgrade the code of a canister?", "Only the controllers of a canister"},
		{"How does a client check that the answer of a query is certified?", "Clients check a certificate against"},
		{"What survives an upgrade of a canister?", "Stable memory survives upgrades"},
		{"Why does the order of floating point additions matter?", "Floating point addition is not associative"},
		{"How does WordPiece treat unknown words?", "WordPiece splits unknown words"},
		{"Why do providers commit before they reveal an answer?", "Commit and reveal stops a lazy provider"},
		{"How can users pay if they cannot attach cycles?", "Prepaid balances let ordinary users"},
		{"What is the sum over all accounts in double-entry bookkeeping?", "Double-entry bookkeeping writes"},
		{"How do I compare two vectors by their direction?", "Cosine similarity compares"},
		{"What does the attention mask of a model do?", "The attention mask tells"},
		{"How does a client that lost its websocket learn which events it missed?", "Each event carries a sequence number"},
		{"Who decides which provider is admitted to the market?", "Members vote to admit a provider"},
		{"How are graphics cards kept busy with many inputs?", "A graphics card reaches its best throughput"},
	}
}
