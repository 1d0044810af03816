package run

import (
	"context"
	"errors"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/inference/pipeline"
	"assay/orchestrator/poll"
)

// market answers job_input.
type market struct {
	answer marketapi.JobInputResult
	err    error
}

func (m market) Call(context.Context, string, candid.Kind, []byte) ([]byte, error) {
	if m.err != nil {
		return nil, m.err
	}
	return marketapi.EncodeJobInputResults(m.answer)
}

type backend struct{ err error }

func (b backend) Run(context.Context, pipeline.Item) (pipeline.Tensor, error) {
	return pipeline.Tensor{DType: commitment.Float32, Shape: []uint64{1}, Data: []byte{0, 0, 128, 63}}, b.err
}

// TestRun: what may go away is tried again, what never will be computed is declined, and
// an input that is not the certified one is never computed.
func TestRun(t *testing.T) {
	t.Parallel()
	text := "a passage"
	items := []marketapi.Item{{Text: &text}, {Tokens: &[]uint32{1, 2}}}
	input := commitment.InputHash([]commitment.Hash{commitment.TextItem([]byte(text)), commitment.TokensItem([]uint32{1, 2})})
	other := []marketapi.Item{{Text: &text}}
	model := commitment.Hash{1}
	good := marketapi.JobInputResult{Ok: &marketapi.Input{Inline: &items}}
	for name, c := range map[string]struct {
		market  market
		model   commitment.Hash
		backend error
		cannot  bool
		fails   bool
	}{
		"computed":          {market: market{answer: good}, model: model},
		"another input":     {market: market{answer: marketapi.JobInputResult{Ok: &marketapi.Input{Inline: &other}}}, model: model, fails: true},
		"no connection":     {market: market{err: errors.New("reset")}, model: model, fails: true},
		"not ours any more": {market: market{answer: marketapi.JobInputResult{Err: &marketapi.Failure{Message: "no"}}}, model: model, fails: true},
		"sealed":            {market: market{answer: marketapi.JobInputResult{Ok: &marketapi.Input{Sealed: &marketapi.InputSealed{}}}}, model: model, fails: true, cannot: true},
		"another model":     {market: market{answer: good}, model: commitment.Hash{2}, fails: true, cannot: true},
		"unreadable text":   {market: market{answer: good}, model: model, backend: errors.New("no word"), fails: true, cannot: true},
	} {
		r := Runner{Market: marketapi.NewClient[context.Context](c.market), Models: Models{model: {Name: "m", Dimension: 1, Backend: backend{c.backend}}}}
		out, err := r.Run(t.Context(), poll.Ticket{Job: 7, Attempt: 1, Phase: poll.Deliver, Model: c.model, Input: input})
		var cannot *CannotError
		if (err != nil) != c.fails || errors.As(err, &cannot) != c.cannot {
			t.Errorf("%s: %v; want failure %v, for good %v", name, err, c.fails, c.cannot)
		}
		if err == nil && len(out.Tensors) != len(items) {
			t.Errorf("%s: %d tensors for %d items", name, len(out.Tensors), len(items))
		}
	}
}
