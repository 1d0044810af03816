// Package payload commits to what goes into a job and what comes out of it, as they
// travel in market.did: the input hash of items and the output root of tensors. Whoever
// submits, computes or checks a job off chain hashes with it; the market's core has types
// of its own. It sends nothing and judges no value.
package payload

import (
	"errors"
	"fmt"

	"assay/canisters/market/marketapi"
	"assay/commitment"
)

// ErrItem says that an item is not exactly one of text and tokens.
var ErrItem = errors.New("is not exactly one of text and tokens")

// InputHash commits to a job's items.
func InputHash(items []marketapi.Item) (commitment.Hash, error) {
	hashes := make([]commitment.Hash, len(items))
	for i, item := range items {
		switch {
		case item.Text != nil && item.Tokens == nil:
			hashes[i] = commitment.TextItem([]byte(*item.Text))
		case item.Tokens != nil && item.Text == nil:
			hashes[i] = commitment.TokensItem(*item.Tokens)
		default:
			return commitment.Hash{}, fmt.Errorf("item %d %w", i, ErrItem)
		}
	}
	return commitment.InputHash(hashes), nil
}

// OutputRoot commits to a job's output.
func OutputRoot(output []marketapi.Tensor) (commitment.Hash, error) {
	roots := make([]commitment.Hash, len(output))
	for i, t := range output {
		dtype, ok := dtypes[t.Dtype.Tag()]
		if !ok {
			return commitment.Hash{}, fmt.Errorf("item %d has element type %q", i, t.Dtype.Tag())
		}
		var err error
		if roots[i], err = commitment.TensorRoot(dtype, t.Shape, t.Data); err != nil {
			return commitment.Hash{}, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return commitment.OutputRoot(roots), nil
}

var dtypes = map[string]commitment.DType{
	"f32": commitment.Float32, "u8": commitment.Uint8, "i8": commitment.Int8, "i32": commitment.Int32, "i64": commitment.Int64,
}
