package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"assay/canisters/dapp/dappapi"
	"assay/cmd/assay/stack"
	"assay/commitment"
	"assay/inference/pipeline"
)

func (a *app) search() *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use: "search QUESTION", Short: "Ask the example dApp: the nearest passages, with scores",
		Args: exactArgs(1, "one question, in quotes"),
		RunE: func(c *cobra.Command, args []string) error {
			if !visible(args[0]) {
				return withCode(exitUsage, errors.New("the question is empty: give it at least one character that can be seen"))
			}
			if !utf8.ValidString(args[0]) {
				return withCode(exitUsage, errors.New("the question is not valid UTF-8: convert it first, for example with iconv"))
			}
			state, err := a.where(c.Context())
			if err != nil {
				return err
			}
			role := "developer" // who owns the example dApp; another gets its refusal
			if c.Flags().Changed("identity") {
				role = a.identity
			}
			dapp, known := state.Canisters["dapp"]
			if !known {
				return withCode(exitUnknown, errors.New("only a stack of `assay up` has the example dApp to ask"))
			}
			asker, err := stack.Connect(a.state, state, role)
			if err != nil {
				return err
			}
			answer, err := ask(c.Context(), dappapi.NewClient[context.Context](asker.Canister(dapp)), args[0])
			if err != nil {
				return err
			}
			return a.print(viewAnswer(answer), func(w io.Writer) {
				for _, hit := range answer.Hits {
					fmt.Fprintf(w, "%.4f  %s\n", hit.Score, hit.Text)
				}
			})
		},
	})
}

type answerView struct {
	Question string    `json:"question"`
	Job      uint64    `json:"job"`
	Hits     []hitView `json:"hits"`
}

type hitView struct {
	ID    string  `json:"id"`
	Text  string  `json:"text"`
	Score float64 `json:"score"`
}

func viewAnswer(q dappapi.Question) answerView {
	v := answerView{Question: q.Text}
	if q.Job != nil {
		v.Job = q.Job.Seq
	}
	for _, h := range q.Hits {
		v.Hits = append(v.Hits, hitView{h.Id, h.Text, h.Score})
	}
	return v
}

func (a *app) balance() *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use: "balance", Short: "Show your prepaid balance and the market's books", Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.open(c.Context())
			if err != nil {
				return err
			}
			balance, err := s.client.API().Balance(c.Context(), nil)
			if err != nil {
				return err
			}
			books, err := s.client.API().Books(c.Context())
			if err != nil {
				return err
			}
			view := map[string]any{"balance": balance.String(), "sum": books.Sum.String(), "owed": books.Owed.String(), "liquid": books.Liquid.String(), "covered": books.Covered, "entries": books.Entries}
			return a.print(view, func(w io.Writer) {
				fmt.Fprintf(w, "your prepaid balance: %s cycles\n", cycles(balance))
				printBooks(func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }, books)
			})
		},
	})
}

// model loads the stack's model in this process.
func (s session) model(ctx context.Context, say func(string)) (*pipeline.Model, error) {
	name := stack.ModelMiniLM
	if s.state.Model.Tiny {
		name = stack.ModelTiny
	}
	m, err := stack.PrepareModel(ctx, name, say)
	if err != nil {
		return nil, err
	}
	if m.Root.String() != s.state.Model.Root {
		return nil, fmt.Errorf("the stack runs model %s, this program has %s", s.state.Model.Root, m.Root)
	}
	return m.Load(2)
}

// printLine is print for a stream: one JSON object a line.
func (a *app) printLine(v any, text func(io.Writer)) error {
	if !a.json {
		text(a.stdout)
		return nil
	}
	return json.NewEncoder(a.stdout).Encode(v)
}

func parseHash(text string, h *commitment.Hash) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return fmt.Errorf("%q is not the hex of 32 bytes", text)
	}
	copy(h[:], b)
	return nil
}
