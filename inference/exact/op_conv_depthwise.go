package exact

import (
	"math"
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// depthwiseTile is about how many windows of one channel are computed at a time: what they see and what comes out stays
// in the first-level cache.
const depthwiseTile = 1 << 12

// convDepthwise is for one channel per group: sums over a few taps, taken for many windows at once where they are
// neighbours on a canvas. It reports false, with nothing done, for kernels that it is not made for.
func (c *call) convDepthwise(cv *conv, y, x, w, bias []float32) bool {
	if cv.channels != 1 || cv.size() > kernel.BlockDepth {
		return false
	}
	tiles := cv.tiles(depthwiseTile)
	if tiles == nil {
		return false
	}
	positions, inSize, size := cv.positions(), tensor.Product(cv.in), cv.size()
	c.eachTile(tiles, len(y)/positions, size, func(t *tile, plane int, memory *tileMemory) {
		channel := plane % (cv.group * cv.outputs)
		source := plane/(cv.group*cv.outputs)*cv.group + channel/cv.outputs
		add := float32(math.Copysign(0, -1)) // changes nothing
		if bias != nil {
			add = bias[channel]
		}
		seen, sums := memory.of(t)
		draw(t.seen, seen, x[source*inSize:(source+1)*inSize], 0)
		c.set.TapSums(sums, seen, t.seen.offsets, w[channel*size:(channel+1)*size], add)
		to := y[plane*positions+t.from:][:t.n]
		t.pieces(func(at, from, n int) { copy(to[at:at+n], sums[from:from+n]) })
	})
	return true
}

// tile is some windows of a channel on a canvas.
type tile struct {
	seen    *canvas
	from, n int
}

// tiles cuts the windows into tiles of at most so many; nil where a canvas would not do.
func (w *windows) tiles(most int) []tile {
	positions := w.positions()
	var list []tile
	for from := 0; from < positions; from += most {
		n := min(most, positions-from)
		seen, ok := w.canvasOf(from, n)
		if !ok {
			return nil
		}
		list = append(list, tile{seen, from, n})
	}
	return list
}

// tileMemory is what one tile takes, kept for the next task, of whatever run.
type tileMemory struct{ in, seen, out []float32 }

var tilePool = sync.Pool{New: func() any { return new(tileMemory) }}

// of is memory for a tile: its canvas, followed by room that may be read, and what the windows give, from the first to
// the last on the canvas and up to a whole group.
func (m *tileMemory) of(t *tile) (seen, out []float32) {
	n := (t.seen.length(t.n) + kernel.TapGroup - 1) / kernel.TapGroup * kernel.TapGroup
	m.seen = slices.Grow(m.seen[:0], t.seen.plane+kernel.TapGroup)[:t.seen.plane+kernel.TapGroup]
	m.out = slices.Grow(m.out[:0], n)[:n]
	return m.seen, m.out
}

// pieces calls f for every line of windows: number to of the tile and n-1 more stand at from on the canvas.
func (t *tile) pieces(f func(to, from, n int)) {
	runs := t.seen.runs
	for i, r := range runs {
		end := t.n
		if i+1 < len(runs) {
			end = runs[i+1].To
		}
		f(r.To, r.From, end-r.To)
	}
}

// eachTile hands all tiles of all channels to the caller's threads.
func (c *call) eachTile(tiles []tile, planes, size int, f func(t *tile, plane int, memory *tileMemory)) {
	c.rows(planes*len(tiles), tiles[0].n*(size+1), func(from, to int) {
		memory := tilePool.Get().(*tileMemory)
		defer tilePool.Put(memory)
		for i := from; i < to; i++ {
			f(&tiles[i%len(tiles)], i/len(tiles), memory)
		}
	})
}
