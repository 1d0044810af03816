package exact

import (
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// products computes the sums of an integer convolution as products of the weights by the windows' columns. It reports
// false, with nothing done, for kernels that no canvas is made for, or none that is small beside the columns.
func (ic *integerConv) products(c *call, cv *conv, in []*Tensor, to convSink) bool {
	cv = cv.flat()
	k := cv.depth()
	tiles := cv.tiles(integerTile(k))
	if tiles == nil || slices.ContainsFunc(tiles, func(t tile) bool { return macs(cv.channels, t.seen.plane) > 1<<22+4*macs(k, t.n) }) {
		return false
	}
	weights, x := ic.rows(c, cv, in), in[ic.x].Bytes()
	zero := int32(0)
	if z := given(in, ic.xZero); z != nil {
		zero = byteAt(z, 0)
	}
	rows := min(cv.outputs, 256)
	bands := (cv.outputs + rows - 1) / rows
	inSize := tensor.Product(cv.in)
	c.parallel(cv.batch*cv.group*len(tiles)*bands, func(task int) {
		band, t, image := task%bands, &tiles[task/bands%len(tiles)], task/bands/len(tiles)
		b := integerPool.Get().(*integerColumns)
		defer integerPool.Put(b)
		data := kernel.Bytes{Data: x[image*cv.channels*inSize:], Signed: in[ic.x].DType == tensor.Int8}
		b.pack(c.set, cv, t, data, zero)
		end := min(cv.outputs, (band+1)*rows)
		for first := band * rows; first < end; first += integerRows {
			m := min(integerRows, end-first)
			b.sums = slices.Grow(b.sums[:0], m*t.n)[:m*t.n]
			c.set.MultiplyInt8(b.sums, t.n, &weights[image%cv.group], &b.packed, first, m, 0, b.packed.Panels(), func(sums []int32, row, column int) {
				to.ints(image*cv.outputs+row, t.from+column, sums)
			})
		}
	})
	return true
}

// integerRows is how many outputs are computed at a time: their weights stay in the second-level cache.
const integerRows = 48

// integerTile is how many windows one task takes, so that their columns stay in the second-level cache.
func integerTile(k int) int {
	if k > 1<<14 {
		return panelWidth
	}
	return min(192, max(64, 1<<17/max(1, k)&^15))
}

// rows packs the weights of each group.
func (ic *integerConv) rows(c *call, cv *conv, in []*Tensor) []kernel.Int8Rows {
	w := in[ic.w]
	var zeros []int32
	if z := given(in, ic.wZero); z != nil {
		zeros = bytesOfTensor(z)
	}
	list := make([]kernel.Int8Rows, cv.group)
	size := cv.outputs * cv.depth()
	c.parallel(cv.group, func(g int) {
		data := kernel.Bytes{Data: w.Bytes()[g*size : (g+1)*size], Signed: w.DType == tensor.Int8, RowStride: cv.depth(), ColumnStride: 1}
		of := zeros
		if len(zeros) > 1 {
			of = zeros[g*cv.outputs : (g+1)*cv.outputs]
		}
		c.set.PackInt8Rows(&list[g], data, cv.outputs, cv.depth(), of)
	})
	return list
}

// integerColumns are some windows as columns of a matrix of bytes.
type integerColumns struct {
	packed kernel.Int8Panels
	memory []byte
	rows   []int
	sums   []int32
}

// integerPool keeps their memory for the next task, of whatever run.
var integerPool = sync.Pool{New: func() any { return new(integerColumns) }}

// pack packs the windows of a tile over the channels in x, which may go on behind them.
func (b *integerColumns) pack(set *kernel.Set, cv *conv, t *tile, x kernel.Bytes, zero int32) {
	inSize, plane := tensor.Product(cv.in), t.seen.plane
	b.rows = b.rows[:0]
	if cv.direct() && (cv.channels-1)*inSize+t.from+t.n+panelWidth <= len(x.Data) {
		for i := range cv.channels {
			b.rows = append(b.rows, i*inSize)
		}
		set.PackInt8Runs(&b.packed, x, b.rows, []kernel.Run{{From: t.from}}, t.n, zero)
		return
	}
	need := cv.channels*plane + panelWidth
	b.memory = slices.Grow(b.memory[:0], need)[:need]
	for i := range cv.channels {
		draw(t.seen, b.memory[i*plane:(i+1)*plane], x.Data[i*inSize:(i+1)*inSize], byte(zero))
		for _, o := range t.seen.offsets {
			b.rows = append(b.rows, i*plane+o)
		}
	}
	set.PackInt8Runs(&b.packed, kernel.Bytes{Data: b.memory, Signed: x.Signed}, b.rows, t.seen.runs, t.n, zero)
}

// exactTaps is up to how many products of bytes less zero points, 255·255 at most, add up exactly in float32.
const exactTaps = 1 << 24 / (255 * 255)

// depthwise computes sums over the taps of a kernel of one channel in float32, where they are exact. It reports false,
// with nothing done, for other kernels.
func (ic *integerConv) depthwise(c *call, cv *conv, in []*Tensor, to convSink) bool {
	if cv.channels != 1 || cv.size() > min(exactTaps, kernel.BlockDepth) {
		return false
	}
	tiles := cv.tiles(depthwiseTile)
	if tiles == nil {
		return false
	}
	x, inSize, size := in[ic.x], tensor.Product(cv.in), cv.size()
	w := make([]float32, in[ic.w].Len())
	for i := range cv.group * cv.outputs {
		c.lessZeroFloats(w[i*size:(i+1)*size], in[ic.w], i*size, given(in, ic.wZero), i)
	}
	c.eachTile(tiles, cv.batch*cv.group*cv.outputs, size, func(t *tile, plane int, memory *tileMemory) {
		channel := plane % (cv.group * cv.outputs)
		source := plane/(cv.group*cv.outputs)*cv.group + channel/cv.outputs
		seen, sums := memory.of(t)
		memory.in = slices.Grow(memory.in[:0], inSize)[:inSize]
		c.lessZeroFloats(memory.in, x, source*inSize, given(in, ic.xZero), 0)
		draw(t.seen, seen, memory.in, 0)
		c.set.TapSums(sums, seen, t.seen.offsets, w[channel*size:(channel+1)*size], 0)
		t.pieces(func(to, from, n int) { copy(sums[to:to+n], sums[from:from+n]) })
		to.floats(plane, t.from, sums[:t.n])
	})
	return true
}

// lessZeroFloats subtracts a zero point, number i or the only one, from the bytes of a tensor from at on.
func (c *call) lessZeroFloats(out []float32, t *Tensor, at int, zero *Tensor, i int) {
	z := byte(0)
	if zero != nil {
		z = zero.Bytes()[i%zero.Len()]
	}
	if t.DType == tensor.Int8 {
		c.set.DequantizeInt8(out, tensor.View[int8](t)[at:at+len(out)], 1, int8(z))
		return
	}
	c.set.DequantizeUint8(out, tensor.View[uint8](t)[at:at+len(out)], 1, z)
}
