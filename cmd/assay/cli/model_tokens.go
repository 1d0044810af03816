package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/inference/tokenize"
)

func (a *app) modelTokens() *cobra.Command {
	var merges string
	var decode, bare bool
	c := &cobra.Command{
		Use:   "tokens FILE TEXT...",
		Short: "Show the tokens that a tokeniser makes of texts",
		Long: `Reads a tokeniser - a tokenizer.json, a SentencePiece .model, a vocab.txt of BERT's uncased WordPiece, or
GPT-2's vocab.json together with --merges - and shows for each text the ids, the tokens and where in the text
each stands, in bytes. With --decode the arguments are ids, and what is shown is their text.`,
		Example: "  assay model tokens tokenizer.json 'What is a canister?'\n  assay model tokens tokenizer.json --decode 101 2054 102",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return withCode(exitUsage, fmt.Errorf("%s takes a tokeniser's file and a text; see `%s --help`", c.CommandPath(), c.CommandPath()))
			}
			t, err := openTokenizer(args[0], merges)
			if err != nil {
				return err
			}
			if decode {
				return a.decodeIDs(t, args[1:])
			}
			return a.showTokens(t, args[1:], bare)
		},
	}
	c.Flags().StringVar(&merges, "merges", "", "merges.txt, for a vocab.json")
	c.Flags().BoolVar(&decode, "decode", false, "turn ids into text")
	c.Flags().BoolVar(&bare, "bare", false, "leave out the special tokens around a text")
	return a.jsonFlag(c)
}

// openTokenizer reads a file by what its name ends with.
func openTokenizer(name, merges string) (*tokenize.Tokenizer, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var t *tokenize.Tokenizer
	switch {
	case merges != "":
		var list []byte
		if list, err = os.ReadFile(merges); err == nil {
			t, err = tokenize.LoadBPE(file, list)
		}
	case strings.HasSuffix(name, ".txt"):
		t, err = tokenize.New(file)
	case strings.HasSuffix(name, ".model"):
		t, err = tokenize.LoadSentencePiece(file)
	default:
		t, err = tokenize.Load(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read tokeniser %s: %w", name, err)
	}
	return t, nil
}

// tokenView is one token as it is printed.
type tokenView struct {
	ID    uint32 `json:"id"`
	Token string `json:"token"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

func (a *app) showTokens(t *tokenize.Tokenizer, texts []string, bare bool) error {
	type line struct {
		Text   string      `json:"text"`
		Tokens []tokenView `json:"tokens"`
	}
	view := []line{}
	for _, text := range texts {
		e, err := t.Encoding(text, tokenize.Options{Bare: bare, Plain: true})
		if err != nil {
			return err
		}
		l := line{Text: text, Tokens: []tokenView{}}
		for i, id := range e.IDs {
			l.Tokens = append(l.Tokens, tokenView{id, e.Tokens[i], e.Offsets[i].Start, e.Offsets[i].End})
		}
		view = append(view, l)
	}
	return a.print(view, func(w io.Writer) {
		for _, l := range view {
			fmt.Fprintf(w, "%s\n", l.Text)
			for _, t := range l.Tokens {
				fmt.Fprintf(w, "  %7d  %-20s %d-%d\n", t.ID, strconv.Quote(t.Token), t.Start, t.End)
			}
		}
	})
}

func (a *app) decodeIDs(t *tokenize.Tokenizer, args []string) error {
	var ids []uint32
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 32)
		if err != nil || id >= uint64(t.Size()) {
			return withCode(exitUsage, errors.New("id "+strconv.Quote(arg)+" is not a number below "+strconv.Itoa(t.Size())))
		}
		ids = append(ids, uint32(id))
	}
	text := t.Decode(ids, false)
	return a.print(map[string]any{"text": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
}
