package exact

// MeanPool averages, per item, the rows of hidden[items][tokens][width] whose mask is not 0: a sum over ascending
// tokens from +0, divided by their number. Rows with mask 0 are left out, not multiplied by 0. An item without any
// row is an ErrInput. mask is [items][tokens]; the result is [items][width].
func MeanPool(hidden, mask Tensor) (Tensor, error) {
	h := hidden.Shape
	if hidden.DType != Float32 || mask.DType != Int64 || len(h) != 3 || len(mask.Shape) != 2 || mask.Shape[0] != h[0] || mask.Shape[1] != h[1] {
		return Tensor{}, fail(ErrShape, "pooling %v of %v under a mask %v of %v", hidden.DType, h, mask.DType, mask.Shape)
	}
	width := h[2]
	out := make([]float32, h[0]*width)
	for item := range h[0] {
		to := out[item*width : (item+1)*width]
		n := 0
		for token := range h[1] {
			row := item*h[1] + token
			if mask.I64[row] == 0 {
				continue
			}
			n++
			addF32(to, to, hidden.F32[row*width:(row+1)*width])
		}
		if n == 0 {
			return Tensor{}, fail(ErrInput, "item %d has no tokens to pool", item)
		}
		for i, v := range to {
			to[i] = v / float32(n)
		}
	}
	return NewFloat32(out, h[0], width), nil
}

// Normalize divides each row of the last dimension by its Euclidean length: the square root of the lane sum of
// its squares, at least 1e-12.
func Normalize(t Tensor) (Tensor, error) {
	if t.DType != Float32 || len(t.Shape) == 0 {
		return Tensor{}, fail(ErrShape, "normalising %v of %v", t.DType, t.Shape)
	}
	out := make([]float32, len(t.F32))
	width := t.Shape[len(t.Shape)-1]
	for at := 0; at < len(out); at += width {
		row := t.F32[at : at+width]
		length := max(sqrt(sumSquares(row, 0)), 1e-12)
		for i, v := range row {
			out[at+i] = canon(v / length)
		}
	}
	return NewFloat32(out, t.Shape...), nil
}
