package exact

import (
	"slices"

	"assay/inference/tensor"
)

// box is a rectangle by its least and greatest corner.
type box struct{ x0, y0, x1, y1 float32 }

// overlap is the common area over the area of both together, 0 when either has none.
func (a box) overlap(b box) float32 {
	width, height := min(a.x1, b.x1)-max(a.x0, b.x0), min(a.y1, b.y1)-max(a.y0, b.y0)
	areaA, areaB := float32((a.x1-a.x0)*(a.y1-a.y0)), float32((b.x1-b.x0)*(b.y1-b.y0))
	if !(width > 0 && height > 0 && areaA > 0 && areaB > 0) {
		return 0
	}
	common := float32(width * height)
	return common / (areaA + areaB - common)
}

func boxOf(v []float32, centered bool) box {
	if centered {
		w, h := float32(v[2]/2), float32(v[3]/2)
		return box{v[0] - w, v[1] - h, v[0] + w, v[1] + h}
	}
	return box{min(v[1], v[3]), min(v[0], v[2]), max(v[1], v[3]), max(v[0], v[2])}
}

// bindNonMaxSuppression takes, for each image and class, the boxes by descending score (of equal scores the first box
// first) that overlap none taken before by more than a threshold.
func bindNonMaxSuppression(b *binder) (eval, error) {
	centered := b.bool("center_point_box", false)
	selected := func(in []Spec) ([]int64, error) {
		for i := range in {
			if in[i].given() {
				if _, err := in[i].known("the number of boxes"); err != nil {
					return nil, err
				}
			}
		}
		n, err := numberOf(in, 2, 0)
		if err != nil {
			return nil, err
		}
		limit, err := numberOf(in, 3, 0)
		if err != nil {
			return nil, err
		}
		least, err := numberOf(in, 4, 0)
		if err != nil {
			return nil, err
		}
		threshold := optional(in, 4)
		s := suppression{
			boxes: in[0].Value, scores: in[1].Value, centered: centered, most: truncated(n),
			limit: float32(limit), least: float32(least), filtered: threshold.given(),
		}
		return s.run(), nil
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, s := in[0].Shape, in[1].Shape
			if in[0].DType != tensor.Float32 || in[1].DType != tensor.Float32 || len(x) != 3 || len(s) != 3 || x[2] != 4 || s[0] != x[0] || s[2] != x[1] {
				return nil, fail(ErrShape, "boxes of shape %v, scores of shape %v", x, s)
			}
			list, err := selected(in)
			if err != nil {
				return nil, err
			}
			return one(tensor.Int64, []int{len(list) / 3, 3}), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			list, err := selected(specsFor(in))
			if err != nil {
				return err
			}
			copy(out[0].Int64s(), list)
			return nil
		},
		cost: func(in, _ []Spec) Cost {
			n := int64(tensor.Product(in[1].Shape))
			return Cost{Instructions: macs(int(min(n, 1<<30)), in[0].Shape[1]+1, 200)}
		},
	}, nil
}

// numberOf is operand i, one number of any type.
func numberOf(in []Spec, i int, otherwise float64) (float64, error) {
	s := optional(in, i)
	if !s.given() {
		return otherwise, nil
	}
	if tensor.Product(s.Shape) != 1 {
		return 0, fail(ErrShape, "operand %d has shape %v, want one number", i, s.Shape)
	}
	if s.DType.Float() {
		return floatAt(s.Value, 0), nil
	}
	return float64(integerAt(s.Value, 0)), nil
}

type suppression struct {
	boxes, scores      *Tensor
	centered, filtered bool
	most               int64
	limit, least       float32
}

func (s *suppression) run() (list []int64) {
	images, classes, n := s.scores.Shape[0], s.scores.Shape[1], s.scores.Shape[2]
	for image := range images {
		for class := range classes {
			scores := s.scores.Float32s()[(image*classes+class)*n:][:n]
			for _, i := range s.take(s.boxes.Float32s()[image*n*4:], scores) {
				list = append(list, int64(image), int64(class), int64(i))
			}
		}
	}
	return list
}

// take chooses among the boxes of one image and class.
func (s *suppression) take(boxes, scores []float32) (taken []int) {
	var order []int
	for i, v := range scores {
		if v == v && (!s.filtered || v > s.least) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	var kept []box
	for _, i := range order {
		if int64(len(taken)) >= s.most {
			break
		}
		next := boxOf(boxes[i*4:i*4+4], s.centered)
		if !slices.ContainsFunc(kept, func(b box) bool { return b.overlap(next) > s.limit }) {
			taken, kept = append(taken, i), append(kept, next)
		}
	}
	return taken
}
