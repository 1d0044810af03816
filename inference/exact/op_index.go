package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// indexOperators pick elements by number, put them back, and find them.
func indexOperators() map[string]*operator {
	return map[string]*operator{
		"Gather":            {minIn: 2, maxIn: 2, out: 1, attributes: []string{"axis"}, bind: bindGather},
		"GatherND":          {minIn: 2, maxIn: 2, out: 1, attributes: []string{"batch_dims"}, bind: bindGatherND},
		"GatherElements":    {minIn: 2, maxIn: 2, out: 1, attributes: []string{"axis"}, bind: bindGatherElements},
		"ScatterElements":   {minIn: 3, maxIn: 3, out: 1, attributes: []string{"axis", "reduction"}, bind: bindScatterElements},
		"ScatterND":         {minIn: 3, maxIn: 3, out: 1, attributes: []string{"reduction"}, bind: bindScatterND},
		"Compress":          {minIn: 2, maxIn: 2, out: 1, attributes: []string{"axis"}, bind: bindCompress},
		"NonZero":           {minIn: 1, maxIn: 1, out: 1, bind: bindNonZero},
		"OneHot":            {minIn: 3, maxIn: 3, out: 1, attributes: []string{"axis"}, bind: bindOneHot},
		"Unique":            {minIn: 1, maxIn: 1, out: 4, attributes: []string{"axis", "sorted"}, bind: bindUnique},
		"TensorScatter":     {minIn: 2, maxIn: 3, out: 1, attributes: []string{"axis", "mode"}, bind: bindTensorScatter},
		"NonMaxSuppression": {minIn: 2, maxIn: 5, out: 1, attributes: []string{"center_point_box"}, bind: bindNonMaxSuppression},
		"TopK":              {minIn: 2, maxIn: 2, out: 2, attributes: []string{"axis", "largest", "sorted"}, bind: bindTopK},
	}
}

// indexType refuses indices that are not int32 or int64.
func indexType(s *Spec) error {
	if s.DType != tensor.Int64 && s.DType != tensor.Int32 {
		return fail(ErrShape, "indices are %v", s.DType)
	}
	return nil
}

// indices reads positions in a dimension, those below 0 counting from its end.
func (c *call) indices(t *Tensor, size int) ([]int32, func(), error) {
	list, done, err := scratch[int32](c, t.Len())
	if err != nil {
		return nil, done, err
	}
	for i := range list {
		at, err := place(integerAt(t, i), size)
		if err != nil {
			done()
			return nil, func() {}, err
		}
		list[i] = int32(at)
	}
	return list, done, nil
}

// place brings an index into 0 … size-1.
func place(index int64, size int) (int, error) {
	if index < -int64(size) || index >= int64(size) {
		return 0, fail(ErrInput, "index %d in a dimension of %d", index, size)
	}
	if index < 0 {
		index += int64(size)
	}
	return int(index), nil
}

// integerAt is an element of any type as a whole number: fractions are cut off, what is too large saturates, NaN is 0.
func integerAt(t *Tensor, i int) int64 {
	switch t.DType {
	case tensor.Int64:
		return t.Int64s()[i]
	case tensor.Int32:
		return int64(t.Int32s()[i])
	case tensor.Uint64:
		return int64(min(tensor.View[uint64](t)[i], math.MaxInt64))
	case tensor.Uint32:
		return int64(tensor.View[uint32](t)[i])
	case tensor.Int16:
		return int64(tensor.View[int16](t)[i])
	case tensor.Uint16:
		return int64(tensor.View[uint16](t)[i])
	case tensor.Int8, tensor.Int4, tensor.Int2:
		return int64(tensor.View[int8](t)[i])
	case tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16:
		return truncated(floatAt(t, i))
	}
	return int64(t.Bytes()[i])
}

// floatAt is an element of a float type, exactly.
func floatAt(t *Tensor, i int) float64 {
	switch t.DType {
	case tensor.Float64:
		return tensor.View[float64](t)[i]
	case tensor.Float16:
		return float64(kernel.FromFloat16(tensor.View[uint16](t)[i]))
	case tensor.BFloat16:
		return float64(kernel.FromBFloat16(tensor.View[uint16](t)[i]))
	}
	return float64(t.Float32s()[i])
}

func truncated(v float64) int64 {
	switch {
	case v != v:
		return 0
	case v >= 1<<63:
		return math.MaxInt64
	case v < -1<<63:
		return math.MinInt64
	}
	return int64(v)
}

// orderKey maps an element to a number that orders as the elements do: -0 with +0, NaN above all.
func orderKey(t *Tensor, i int) uint64 {
	switch t.DType {
	case tensor.Uint64:
		return tensor.View[uint64](t)[i]
	case tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16:
		v := floatAt(t, i)
		switch {
		case v != v:
			return math.MaxUint64
		case v == 0:
			return 1 << 63
		}
		bits := math.Float64bits(v)
		if bits>>63 == 1 {
			return ^bits
		}
		return bits | 1<<63
	}
	return uint64(integerAt(t, i)) ^ 1<<63
}

// isNonZero reports whether an element is another number than zero.
func isNonZero(t *Tensor, i int) bool {
	if t.DType.Float() && t.DType.Size() > 1 {
		return floatAt(t, i) != 0
	}
	return integerAt(t, i) != 0
}
