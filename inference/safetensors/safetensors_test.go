package safetensors_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"assay/inference/onnx"
	"assay/inference/safetensors"
)

func file(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

func TestParse(t *testing.T) {
	t.Parallel()
	data := file(`{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},`+
		`"none":{"dtype":"F16","shape":[0,7],"data_offsets":[2,2]},"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},`+
		`"one":{"dtype":"I64","shape":[],"data_offsets":[26,34]}}   `, 34)
	f, err := safetensors.Parse(data, safetensors.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "pt" || len(f.Tensors) != 4 {
		t.Fatalf("metadata %v, %d tensors", f.Metadata, len(f.Tensors))
	}
	b := f.Tensor("b")
	if b == nil || b.DType != onnx.Float32 || len(b.Raw) != 24 || b.Shape[0] != 2 || b.Shape[1] != 3 {
		t.Errorf("b is %+v", b)
	}
	if one := f.Tensor("one"); one == nil || len(one.Shape) != 0 || len(one.Raw) != 8 {
		t.Errorf("one is %+v", one)
	}
	if f.Tensor("c") != nil {
		t.Error("found a tensor that is not there")
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	tensor := func(rest string) string { return `{"a":{` + rest + `}}` }
	for name, c := range map[string]struct {
		header string
		data   int
		want   error
	}{
		"empty header":       {"", 0, safetensors.ErrMalformed},
		"an array":           {"[]", 0, safetensors.ErrMalformed},
		"leading space":      {" {}", 0, safetensors.ErrMalformed},
		"two objects":        {"{}{}", 0, safetensors.ErrMalformed},
		"data of nobody":     {"{}", 1, safetensors.ErrMalformed},
		"not UTF-8":          {"{\"\xff\":{}}", 0, safetensors.ErrMalformed},
		"cut off":            {`{"a":{"dtype":"I8"`, 0, safetensors.ErrMalformed},
		"a field missing":    {tensor(`"dtype":"I8","shape":[2]`), 2, safetensors.ErrMalformed},
		"a field unknown":    {tensor(`"dtype":"I8","shape":[2],"data_offsets":[0,2],"x":1`), 2, safetensors.ErrMalformed},
		"a field twice":      {tensor(`"dtype":"I8","dtype":"I8","shape":[2],"data_offsets":[0,2]`), 2, safetensors.ErrMalformed},
		"a fraction":         {tensor(`"dtype":"I8","shape":[2.0],"data_offsets":[0,2]`), 2, safetensors.ErrMalformed},
		"negative":           {tensor(`"dtype":"I8","shape":[-2],"data_offsets":[0,2]`), 2, safetensors.ErrMalformed},
		"three offsets":      {tensor(`"dtype":"I8","shape":[2],"data_offsets":[0,2,2]`), 2, safetensors.ErrLimit},
		"one offset":         {tensor(`"dtype":"I8","shape":[2],"data_offsets":[0]`), 2, safetensors.ErrMalformed},
		"unknown type":       {tensor(`"dtype":"Q4","shape":[2],"data_offsets":[0,2]`), 2, safetensors.ErrUnsupported},
		"wrong size":         {tensor(`"dtype":"I16","shape":[2],"data_offsets":[0,2]`), 2, safetensors.ErrMalformed},
		"past the end":       {tensor(`"dtype":"I8","shape":[3],"data_offsets":[0,3]`), 2, safetensors.ErrMalformed},
		"backwards":          {tensor(`"dtype":"I8","shape":[0],"data_offsets":[2,0]`), 2, safetensors.ErrMalformed},
		"a gap":              {tensor(`"dtype":"I8","shape":[1],"data_offsets":[1,2]`), 2, safetensors.ErrMalformed},
		"a shape that wraps": {tensor(`"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]`), 0, safetensors.ErrMalformed},
		"rank nine":          {tensor(`"dtype":"I8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]`), 1, safetensors.ErrLimit},
		"overlap": {
			`{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}`,
			3, safetensors.ErrMalformed,
		},
		"a name twice": {
			`{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}`,
			2, safetensors.ErrMalformed,
		},
		"metadata of numbers": {`{"__metadata__":{"a":1}}`, 0, safetensors.ErrMalformed},
	} {
		_, err := safetensors.Parse(file(c.header, c.data), safetensors.Limits{})
		var typed *safetensors.Error
		if !errors.As(err, &typed) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	huge := binary.LittleEndian.AppendUint64(nil, 1<<60)
	if _, err := safetensors.Parse(huge, safetensors.Limits{}); !errors.Is(err, safetensors.ErrLimit) {
		t.Errorf("a header of 2^60 bytes: %v", err)
	}
	many := `{` + strings.Repeat(`"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},`, 1) + `"b":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}`
	if _, err := safetensors.Parse(file(many, 0), safetensors.Limits{Tensors: 1}); !errors.Is(err, safetensors.ErrLimit) {
		t.Errorf("two tensors where one is allowed: %v", err)
	}
	if _, err := safetensors.Parse(file(many, 0), safetensors.Limits{Tensors: 2}); err != nil {
		t.Errorf("two tensors where two are allowed: %v", err)
	}
}

// FuzzParse holds that no bytes make the reader panic and that what it accepts covers its data exactly.
func FuzzParse(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(file(`{"__metadata__":{"x":"y"},"a":{"dtype":"I8","shape":[],"data_offsets":[0,1]}} `, 1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := safetensors.Parse(data, safetensors.Limits{})
		if err != nil {
			var typed *safetensors.Error
			if !errors.As(err, &typed) {
				t.Fatalf("an error of another type: %v", err)
			}
			return
		}
		bytes := 8 + int(binary.LittleEndian.Uint64(data))
		for i := range parsed.Tensors {
			tensor := &parsed.Tensors[i]
			bytes += len(tensor.Raw)
			if parsed.Tensor(tensor.Name) != tensor {
				t.Fatalf("tensor %q is not found under its name", tensor.Name)
			}
		}
		if bytes != len(data) {
			t.Fatalf("header and tensors have %d bytes, the file %d", bytes, len(data))
		}
	})
}
