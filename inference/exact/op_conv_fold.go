package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// bindCol2Im adds blocks up to images, by ascending position in the block from +0.
func bindCol2Im(b *binder) (eval, error) {
	s, err := b.slide()
	over := func(in []Spec) (*conv, error) {
		image, err := in[1].ints("image_shape", tensor.MaxRank-2)
		if err != nil {
			return nil, err
		}
		block, err := in[2].ints("block_shape", tensor.MaxRank-2)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(append(slices.Clone(image), block...), func(d int) bool { return d < 1 }) {
			return nil, fail(ErrShape, "image %v in blocks %v", image, block)
		}
		w, err := s.over(image, block)
		if err != nil {
			return nil, err
		}
		x := in[0].Shape
		size, ok := tensor.Count(block, 1<<31-1)
		positions, fits := tensor.Count(w.out, 1<<31-1)
		if !ok || !fits || len(x) != 3 || x[2] != positions || x[1]%size != 0 {
			return nil, fail(ErrShape, "columns of shape %v for image %v in blocks %v", x, image, block)
		}
		return &conv{windows: w, batch: x[0], outputs: x[1] / size}, nil
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			cv, err := over(in)
			if err != nil {
				return nil, err
			}
			return one(in[0].DType, slices.Concat([]int{cv.batch, cv.outputs}, cv.in)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			cv, err := over(specsFor(in))
			if err != nil || out[0].Len() == 0 {
				return err
			}
			run := func(out *Tensor, in []*Tensor) error {
				size, parts := tensor.Product(cv.in), cv.size()*cv.positions()
				c.parallel(cv.batch*cv.outputs, func(i int) {
					row := out.Float32s()[i*size : (i+1)*size]
					clear(row)
					cv.spread(row, in[0].Float32s()[i*parts:(i+1)*parts])
				})
				return nil
			}
			if in[0].DType == tensor.Float32 {
				return run(out[0], in)
			}
			return c.widened(out[0], in[:1], run)
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 60 * int64(tensor.Product(in[0].Shape)+tensor.Product(out[0].Shape))}
		},
	}, err
}

// bindDeformConv is a convolution whose kernel positions are moved by offsets: it samples between pixels, linearly, and
// then contracts as Conv does.
func bindDeformConv(b *binder) (eval, error) {
	s, err := b.slide()
	group, offsets := b.int("group", 1), b.int("offset_group", 1)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil {
				return nil, err
			}
			rank, size := len(cv.in), cv.size()
			if rank != 2 {
				return nil, fail(ErrUnsupported, "%d spatial dimensions", rank)
			}
			if offsets < 1 || in[0].Shape[1]%offsets != 0 {
				return nil, fail(ErrShape, "%d channels in %d groups of offsets", in[0].Shape[1], offsets)
			}
			list := []Spec{in[0], in[1], optional(in, 3)}
			if err := biasFits(list, cv.outputs*group); err != nil {
				return nil, err
			}
			for i, per := range map[int]int{2: rank, 4: 1} {
				want := slices.Concat([]int{cv.batch, clampInt(macs(offsets, size, per))}, cv.out)
				if o := optional(in, i); o.given() && (o.DType != in[0].DType || !slices.Equal(o.Shape, want)) {
					return nil, fail(ErrShape, "operand %d is %v of shape %v, want %v", i, o.DType, o.Shape, want)
				}
			}
			if in[0].DType != tensor.Float32 || in[1].DType != tensor.Float32 {
				return nil, fail(ErrUnsupported, "data of %v, weights of %v", in[0].DType, in[1].DType)
			}
			return one(tensor.Float32, cv.shape()), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil || out[0].Len() == 0 {
				return err
			}
			return c.deformConv(cv, out[0], in, offsets)
		},
		cost: func(in, _ []Spec) Cost {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil {
				return Cost{}
			}
			cost := cv.cost()
			cost.Instructions += 500 * macs(cv.batch, group, cv.depth(), cv.positions())
			return cost
		},
	}, err
}

func (c *call) deformConv(cv *conv, out *Tensor, in []*Tensor, offsets int) error {
	x, w, y := in[0], in[1].Float32s(), out.Float32s()
	bias, mask := operand(in, 3), operand(in, 4)
	k, positions, size, inSize := cv.depth(), cv.positions(), cv.size(), tensor.Product(cv.in)
	perOffset := x.Shape[1] / offsets
	tile := c.columnTile(k, positions)
	tiles := (positions + tile - 1) / tile
	c.parallel(cv.batch*cv.group*tiles, func(task int) {
		from, image := task%tiles*tile, task/tiles
		n, batch := min(tile, positions-from), image/cv.group
		where, position := make([]int, 2), make([]int, 2)
		var columns kernel.Packed
		columns.PackRows(k, n, func(i int, row []float32) {
			channel := image%cv.group*cv.channels + i/size
			plane := x.Float32s()[(batch*x.Shape[1]+channel)*inSize:][:inSize]
			split(where, cv.kernel, i%size)
			block := (batch*offsets+channel/perOffset)*size + i%size
			moves := in[2].Float32s()[block*2*positions:]
			for j := range row {
				split(position, cv.out, from+j)
				v := cv.between(plane, position, where, moves[from+j], moves[positions+from+j])
				if mask != nil {
					v = kernel.Canon(float32(v * mask.Float32s()[block*positions+from+j]))
				}
				row[j] = v
			}
		})
		channel := image % cv.group * cv.outputs
		var done kernel.Epilogue
		if bias != nil {
			done = func(row []float32, i, _ int) { c.set.AddScalar(row, row, bias.Float32s()[channel+i]) }
		}
		a := kernel.Matrix{Data: w[channel*k : (channel+cv.outputs)*k], RowStride: k, ColumnStride: 1}
		at := (batch*cv.group*cv.outputs+channel)*positions + from
		c.set.Multiply(y[at:], positions, a, &columns, cv.outputs, 0, columns.Panels(), done)
	})
	return nil
}

// between samples a plane where a kernel position of a window is moved to; outside it is 0.
func (cv *conv) between(plane []float32, position, k []int, moveY, moveX float32) float32 {
	y := float32(position[0]*cv.stride[0]-cv.before[0]+k[0]*cv.dilation[0]) + moveY
	x := float32(position[1]*cv.stride[1]-cv.before[1]+k[1]*cv.dilation[1]) + moveX
	return bilinear(plane, cv.in[0], cv.in[1], y, x)
}

// bilinear is the sum of the four pixels around a point, by row and column from +0, each times its weight; pixels outside
// and those without weight are left out.
func bilinear(plane []float32, height, width int, y, x float32) float32 {
	if !(y > -1 && x > -1 && y < float32(height) && x < float32(width)) {
		return 0
	}
	top, left := int(y+1)-1, int(x+1)-1 // both are above -1
	dy, dx := y-float32(top), x-float32(left)
	var sum float32
	for i, wy := range [2]float32{1 - dy, dy} {
		for j, wx := range [2]float32{1 - dx, dx} {
			at, weight := (top+i)*width+left+j, float32(wy*wx)
			if weight != 0 && top+i >= 0 && top+i < height && left+j >= 0 && left+j < width {
				sum += float32(plane[at] * weight)
			}
		}
	}
	return kernel.Canon(sum)
}
