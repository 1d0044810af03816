package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// canvas lays out what a range of windows sees of one channel so that neighbouring windows see neighbouring elements,
// whatever stride, dilation and padding are: kernel position k of the window at at sees element offsets[k] + at. Padding
// is written out. Positions of equal remainders by the strides (phases) stand together, as a picture of their own.
type canvas struct {
	*windows
	first   []int   // position of the input with which the canvas begins
	phases  [][]int // along each dimension, the remainders that some kernel position sees
	extent  []int   // positions of a picture along each dimension
	picture int     // elements
	plane   int     // elements of all pictures
	offsets []int
	runs    []kernel.Run // of the windows, line by line
}

// maxKernel is up to how many positions of a kernel a canvas is for.
const maxKernel = 1 << 12

// canvasOf lays out n windows from one on. It reports false where a canvas would be mostly waste, as a kernel's
// positions are far from each other.
func (w *windows) canvasOf(from, n int) (*canvas, bool) {
	if macs(w.kernel...) > maxKernel {
		return nil, false
	}
	rank := len(w.in)
	c := &canvas{windows: w, first: make([]int, rank), phases: make([][]int, rank), extent: make([]int, rank)}
	low, high := w.box(from, n)
	picture, plane := int64(1), int64(1)
	for d, s := range w.stride {
		c.first[d] = low[d]*s - w.before[d]
		c.phases[d] = w.seen(d)
		extent := int64(high[d]-low[d]) + macs(w.kernel[d]-1, w.dilation[d])/int64(s) + 1
		c.extent[d] = clampInt(extent)
		picture = macs(clampInt(picture), c.extent[d])
		plane = macs(clampInt(plane), c.extent[d], len(c.phases[d]))
	}
	if plane > 4*macs(n, w.size())+1<<12 {
		return nil, false
	}
	c.picture, c.plane = int(picture), int(plane)
	c.place(low, from, n)
	return c, true
}

// drawing is what a canister executes at most to lay out what all windows see of one channel: its tiles are of 16 windows
// or more.
func (w *windows) drawing() int64 {
	tiles := clampInt(macs(w.out...)/16 + 1)
	return min(macs(append([]int{tiles, 400}, w.kernel...)...), 1<<58) + macs(tiles, 3000)
}

// box gives the least and the greatest index along each dimension of n windows from one on.
func (w *windows) box(from, n int) (low, high []int) {
	rank := len(w.in)
	low, high = make([]int, rank), make([]int, rank)
	split(low, w.out, from)
	split(high, w.out, from+n-1)
	for d := 1; d < rank; d++ {
		if low[d-1] != high[d-1] {
			for ; d < rank; d++ {
				low[d], high[d] = 0, w.out[d]-1
			}
		}
	}
	return low, high
}

// seen lists the remainders by the stride of what kernel positions see along a dimension: they repeat after so many.
func (w *windows) seen(d int) []int {
	a, b := w.stride[d], w.dilation[d]
	for b > 0 {
		a, b = b, a%b
	}
	list := make([]int, min(w.kernel[d], w.stride[d]/a))
	for k := range list {
		list[k] = k * (w.dilation[d] % w.stride[d]) % w.stride[d]
	}
	return list
}

// place computes where kernel positions and windows are.
func (c *canvas) place(low []int, from, n int) {
	last := len(c.in) - 1
	index := make([]int, last+1)
	c.offsets = make([]int, c.size())
	for i := range c.offsets {
		split(index, c.kernel, i)
		picture, at := 0, 0
		for d, s := range c.stride {
			picture = picture*len(c.phases[d]) + index[d]%len(c.phases[d])
			at = at*c.extent[d] + index[d]*c.dilation[d]/s
		}
		c.offsets[i] = picture*c.picture + at
	}
	for to := 0; to < n; {
		split(index, c.out, from+to)
		at := 0
		for d := range index {
			at = at*c.extent[d] + index[d] - low[d]
		}
		c.runs = append(c.runs, kernel.Run{To: to, From: at})
		to += c.out[last] - index[last]
	}
}

// length is up to where windows are, from the first one on.
func (c *canvas) length(n int) int {
	r := c.runs[len(c.runs)-1]
	return r.From + n - r.To
}

// span says which positions of a picture along a dimension lie in the input, and where there the first one is.
type span struct{ low, high, at int }

// span is that of a phase.
func (c *canvas) span(d, phase int) span {
	s, p := c.stride[d], c.first[d]+phase
	if p >= c.in[d] {
		return span{}
	}
	low := 0
	if p < 0 {
		low = min((-p+s-1)/s, c.extent[d])
	}
	high := min((c.in[d]-1-p)/s+1, c.extent[d])
	return span{low, max(low, high), p + low*s}
}

// draw writes the canvas of one channel; outside of the input stands the given element.
func draw[T float32 | byte](c *canvas, to, x []T, outside T) {
	var room [tensor.MaxRank]span
	spans := room[:len(c.in)]
	for at := 0; at < c.plane; at += c.picture {
		rest := at / c.picture
		for d := len(spans) - 1; d >= 0; d-- {
			spans[d] = c.span(d, c.phases[d][rest%len(c.phases[d])])
			rest /= len(c.phases[d])
		}
		drawFrom(c, to[at:at+c.picture], x, spans, 0, 0, outside)
	}
}

// drawFrom writes one picture from dimension d on; offset is the input's index in the dimensions before.
func drawFrom[T float32 | byte](c *canvas, to, x []T, spans []span, d, offset int, outside T) {
	last := len(c.in) - 1
	if d == last { // the only one
		drawLines(c, to, x, spans[last], 1, 0, outside)
		return
	}
	here, each := spans[d], len(to)/c.extent[d]
	at, lines := offset*c.in[d]+here.at, here.high-here.low
	setAll(to[:here.low*each], outside)
	setAll(to[here.high*each:], outside)
	to = to[here.low*each : here.high*each]
	if d+1 == last && lines > 0 {
		drawLines(c, to, x[at*c.in[last]:], spans[last], lines, c.stride[d]*c.in[last], outside)
		return
	}
	for i := range lines {
		drawFrom(c, to[i*each:(i+1)*each], x, spans, d+1, at+i*c.stride[d], outside)
	}
}

// drawLines writes lines that lie in the input but for their ends.
func drawLines[T float32 | byte](c *canvas, to, x []T, s span, lines, distance int, outside T) {
	last := len(c.in) - 1
	length := c.extent[last]
	if s.low < s.high {
		kernel.StridedRows(to[s.low:], length, x[s.at:], distance, lines, s.high-s.low, c.stride[last])
	}
	for ; len(to) > 0; to = to[length:] {
		setAll(to[:s.low], outside)
		setAll(to[s.high:length], outside)
	}
}

func setAll[T any](to []T, v T) {
	for i := range to {
		to[i] = v
	}
}
