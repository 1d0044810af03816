package exact

import (
	"math"
	"slices"

	"assay/inference/tensor"
)

// resizeOperators sample images at positions between their pixels.
func resizeOperators() map[string]*operator {
	return map[string]*operator{
		"Resize": {minIn: 1, maxIn: 4, out: 1, bind: bindResize, attributes: []string{
			"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value",
			"keep_aspect_ratio_policy", "mode", "nearest_mode",
		}},
		"AffineGrid": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"align_corners"}, bind: bindAffineGrid},
		"GridSample": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"align_corners", "mode", "padding_mode"}, bind: bindGridSample},
		"RoiAlign": {minIn: 3, maxIn: 3, out: 1, bind: bindRoiAlign, attributes: []string{
			"coordinate_transformation_mode", "mode", "output_height", "output_width", "sampling_ratio", "spatial_scale",
		}},
	}
}

// resize is a Resize node.
type resize struct {
	mode, nearest, coordinates, policy string
	axes                               []int // nil is all
	cubic                              float64
	exclude, antialias                 bool
	outside                            float32
}

func bindResize(b *binder) (eval, error) {
	r := &resize{
		mode: b.text("mode", "nearest"), nearest: b.text("nearest_mode", "round_prefer_floor"),
		coordinates: b.text("coordinate_transformation_mode", "half_pixel"), policy: b.text("keep_aspect_ratio_policy", "stretch"),
		axes: b.ints("axes"), cubic: float64(b.float("cubic_coeff_a", -0.75)),
		exclude: b.bool("exclude_outside", false), antialias: b.bool("antialias", false), outside: b.float("extrapolation_value", 0),
	}
	for _, choice := range []struct {
		what string
		of   []string
	}{
		{r.mode, []string{"nearest", "linear", "cubic"}},
		{r.nearest, []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
		{r.policy, []string{"stretch", "not_larger", "not_smaller"}},
		{r.coordinates, []string{
			"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn",
		}},
	} {
		if !slices.Contains(choice.of, choice.what) {
			return eval{}, fail(ErrUnsupported, "%q, known are %q", choice.what, choice.of)
		}
	}
	return eval{infer: r.infer, compute: r.compute, cost: r.cost}, nil
}

// resampled is how one axis is resized.
type resampled struct {
	in, out    int
	scale      float64
	start, end float64 // of the part that is cropped, between 0 and 1
}

// plan finds every axis's sizes. An operand without elements counts as left out.
func (r *resize) plan(in []Spec) ([]resampled, error) {
	shape := in[0].Shape
	axes := r.axes
	if axes == nil {
		axes = count(len(shape))
	}
	if _, err := axisSet(axes, len(shape)); err != nil {
		return nil, err
	}
	list := make([]resampled, len(shape))
	for d, size := range shape {
		list[d] = resampled{in: size, out: size, scale: 1, end: 1}
	}
	given := func(i int) bool {
		s := optional(in, i)
		return s.given() && tensor.Product(s.Shape) > 0
	}
	if given(2) == given(3) {
		return nil, fail(ErrShape, "want either scales or sizes")
	}
	at := func(i int) *resampled {
		a := axes[i]
		if a < 0 {
			a += len(shape)
		}
		return &list[a]
	}
	if given(1) && r.coordinates == "tf_crop_and_resize" {
		roi, err := in[1].numbers("roi", 2*len(axes))
		if err != nil {
			return nil, err
		}
		for i := range axes {
			at(i).start, at(i).end = roi[i], roi[i+len(axes)]
		}
	}
	if given(2) {
		scales, err := in[2].numbers("scales", len(axes))
		if err != nil {
			return nil, err
		}
		for i, scale := range scales {
			if !(scale > 0) || scale > 1<<31 {
				return nil, fail(ErrShape, "scales %v", scales)
			}
			at(i).scale = scale
			at(i).out = clampInt(int64(min(math.Floor(float64(float64(at(i).in)*scale)), 1<<40)))
		}
		return list, nil
	}
	sizes, err := in[3].ints("sizes", len(axes))
	if err != nil {
		return nil, err
	}
	if len(sizes) != len(axes) {
		return nil, fail(ErrShape, "sizes %v of %d axes", sizes, len(axes))
	}
	return list, r.fitSizes(sizes, at)
}

// fitSizes takes sizes, all scaled alike when the aspect is to be kept.
func (r *resize) fitSizes(sizes []int, at func(i int) *resampled) error {
	common := 0.0
	for i, size := range sizes {
		if size < 0 || at(i).in < 1 {
			return fail(ErrShape, "size %d from %d", size, at(i).in)
		}
		scale := float64(size) / float64(at(i).in)
		if i == 0 || r.policy == "not_larger" && scale < common || r.policy == "not_smaller" && scale > common {
			common = scale
		}
		at(i).out, at(i).scale = size, scale
	}
	if r.policy == "stretch" {
		return nil
	}
	for i := range sizes {
		at(i).scale, at(i).out = common, clampInt(int64(min(math.Floor(float64(common*float64(at(i).in))+0.5), 1<<40)))
	}
	return nil
}

// numbers reads a list of n floats that decides a shape.
func (s *Spec) numbers(what string, n int) ([]float64, error) {
	if !s.DType.Float() || s.DType.Size() < 2 || !slices.Equal(s.Shape, []int{n}) {
		return nil, fail(ErrShape, "%s is %v of shape %v, want %d floats", what, s.DType, s.Shape, n)
	}
	t, err := s.known(what)
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = floatAt(t, i)
	}
	return out, nil
}

func (r *resize) infer(in []Spec) ([]Spec, error) {
	list, err := r.plan(in)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(list))
	for d, a := range list {
		shape[d] = a.out
		if a.in == 0 && a.out != 0 {
			return nil, fail(ErrShape, "%d positions out of none", a.out)
		}
	}
	switch in[0].DType {
	case tensor.Float32, tensor.Float16, tensor.BFloat16:
	default:
		if r.mode != "nearest" || r.coordinates == "tf_crop_and_resize" {
			return nil, fail(ErrUnsupported, "mode %q of %v", r.mode, in[0].DType)
		}
	}
	return one(in[0].DType, shape), nil
}

func (r *resize) cost(_, out []Spec) Cost {
	n := int64(tensor.Product(out[0].Shape)) * int64(max(1, len(out[0].Shape)))
	if r.antialias {
		return Cost{Instructions: 4000 * n}
	}
	return Cost{Instructions: 400 * n}
}

// position is where output position o of an axis lies in the input. All steps are rounded float64 ones.
func (r *resize) position(a *resampled, o int) float64 {
	x, whole := float64(o), float64(a.scale*float64(a.in))
	size := float64(a.in)
	switch r.coordinates {
	case "asymmetric":
		return x / a.scale
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / a.scale
	case "align_corners":
		if whole == 1 {
			return 0
		}
		return float64(x*(size-1)) / (whole - 1)
	case "pytorch_half_pixel":
		if whole == 1 {
			return 0
		}
	case "half_pixel_symmetric":
		offset := float64(float64(size/2) * (1 - float64(a.out)/whole))
		return offset + (x+0.5)/a.scale - 0.5
	case "tf_crop_and_resize":
		first := float64(a.start * (size - 1))
		if whole == 1 {
			return float64(float64((a.end-a.start)*(size-1))/2) + first
		}
		return float64(float64(x*(a.end-a.start))*(size-1))/(whole-1) + first
	}
	return (x+0.5)/a.scale - 0.5
}
