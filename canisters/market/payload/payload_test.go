package payload

import (
	"errors"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/commitment"
)

func TestInputHash(t *testing.T) {
	t.Parallel()
	text, tokens := "café", []uint32{7, 1 << 20}
	got, err := InputHash([]marketapi.Item{{Text: &text}, {Tokens: &tokens}})
	want := commitment.InputHash([]commitment.Hash{commitment.TextItem([]byte(text)), commitment.TokensItem(tokens)})
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for name, item := range map[string]marketapi.Item{"neither": {}, "both": {Text: &text, Tokens: &tokens}} {
		if _, err := InputHash([]marketapi.Item{item}); !errors.Is(err, ErrItem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOutputRoot(t *testing.T) {
	t.Parallel()
	data := []byte{1, 2, 3, 4}
	for name, c := range map[string]struct {
		dtype marketapi.DType
		kind  commitment.DType
		shape []uint64
	}{
		"f32": {marketapi.DType{F32: true}, commitment.Float32, []uint64{1}}, "u8": {marketapi.DType{U8: true}, commitment.Uint8, []uint64{4}},
		"i8": {marketapi.DType{I8: true}, commitment.Int8, []uint64{2, 2}}, "i32": {marketapi.DType{I32: true}, commitment.Int32, []uint64{1}},
	} {
		item, err := commitment.TensorRoot(c.kind, c.shape, data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OutputRoot([]marketapi.Tensor{{Dtype: c.dtype, Shape: c.shape, Data: data}})
		if err != nil || got != commitment.OutputRoot([]commitment.Hash{item}) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for name, bad := range map[string]marketapi.Tensor{
		"no type":     {Shape: []uint64{1}, Data: data},
		"other shape": {Dtype: marketapi.DType{F32: true}, Shape: []uint64{2}, Data: data},
	} {
		if root, err := OutputRoot([]marketapi.Tensor{bad}); err == nil {
			t.Errorf("%s: %s", name, root)
		}
	}
}
