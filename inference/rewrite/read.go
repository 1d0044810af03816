package rewrite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"assay/inference/tensor"
)

// maxSamples bounds a file of samples.
const maxSamples = 10_000

// line is a tensor in a file of samples; JSON writes the bytes in base64.
type line struct {
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
	Data  []byte `json:"data"`
}

// ReadSamples reads inputs, a JSON object per sample:
//
//	{"input_ids": {"type": "int64", "shape": [1, 3], "data": "ZQAAAAAAAA…"}, …}
//
// data is the base64 of the elements, row-major and little-endian. scripts/reference/run_model.py reads and prints
// the same form.
func ReadSamples(r io.Reader) ([]Values, error) {
	types := map[string]tensor.DType{}
	for d := tensor.DType(1); d < 32; d++ {
		if d.Size() > 0 {
			types[d.String()] = d
		}
	}
	var list []Values
	for decoder := json.NewDecoder(r); ; {
		var named map[string]line
		err := decoder.Decode(&named)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read sample %d: %w", len(list), err)
		}
		if len(list) == maxSamples {
			return nil, fmt.Errorf("read samples: more than %d", maxSamples)
		}
		in := make(Values, len(named))
		for name, l := range named {
			dtype, ok := types[l.Type]
			if !ok {
				return nil, fmt.Errorf("read sample %d, input %q: unknown type %q", len(list), name, l.Type)
			}
			if in[name], err = tensor.Over(dtype, l.Data, l.Shape...); err != nil {
				return nil, fmt.Errorf("read sample %d, input %q: %w", len(list), name, err)
			}
		}
		list = append(list, in)
	}
}
