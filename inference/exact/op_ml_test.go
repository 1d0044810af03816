package exact

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// runWithConstants runs a node whose first operand is an input and whose others are constants.
func runWithConstants(t *testing.T, op string, attrs []ir.Attr, x *Tensor, constants ...*Tensor) (*Tensor, error) {
	t.Helper()
	g := &ir.Graph{Inputs: []ir.Value{{Name: "x", DType: x.DType, Unranked: true}}}
	n := ir.Node{Op: op, In: []ir.ID{0}, Attrs: slices.Clone(attrs)}
	slices.SortFunc(n.Attrs, func(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range constants {
		if c == nil {
			n.In = append(n.In, ir.None)
			continue
		}
		n.In = append(n.In, ir.ID(1+len(g.Constants)))
		g.Constants = append(g.Constants, ir.Constant{Data: *c})
	}
	n.Out = []ir.ID{g.First()}
	g.Nodes, g.Outputs = []ir.Node{n}, []ir.Output{{Name: "y", Value: g.First()}}
	p, err := New(g, Config{})
	if err != nil {
		return nil, err
	}
	out, err := p.Run(map[string]Tensor{"x": *x}, nil)
	y := out["y"]
	return &y, err
}

func TestMLOperators(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	nan := math.Float32frombits(0x7fc00000)
	scores := f32s([]float32{0.25, 0.75}, 2, 1)
	runTable(t, []row{
		{"first of equals", "Classify", attrs(aInts("labels", 7, 8, 9)), []*Tensor{f32s([]float32{1, 2, 2}, 1, 3)}, []*Tensor{i64s([]int64{8}), f32s([]float32{1, 2, 2}, 1, 3)}},
		{"one column", "Classify", attrs(aInts("labels", 7, 8), aInt("binary", 1), aInt("complement", 1), aFloat("threshold", 0.5)), []*Tensor{scores}, []*Tensor{i64s([]int64{7, 8}), f32s([]float32{0.75, 0.25, 0.25, 0.75}, 2, 2)}},
		{"opposite", "Classify", attrs(aInts("labels", 7, 8), aInt("binary", 1)), []*Tensor{scores}, []*Tensor{i64s([]int64{8, 8}), f32s([]float32{-0.25, 0.25, -0.75, 0.75}, 2, 2)}},
		{"logistic", "Classify", attrs(aInts("labels", 7, 8), aInt("binary", 1), aText("post_transform", "LOGISTIC")), []*Tensor{f32s([]float32{1}, 1, 1)}, []*Tensor{i64s([]int64{8}), f32s([]float32{kernel.Sigmoid(-1), kernel.Sigmoid(1)}, 1, 2)}},
		{"zeros stay", "Scores", attrs(aText("post_transform", "SOFTMAX_ZERO")), []*Tensor{f32s([]float32{0, 3, 0, 3}, 1, 4)}, []*Tensor{f32s([]float32{0, 0.5, 0, 0.5}, 1, 4)}},
		{"by the greatest", "Normalizer", nil, []*Tensor{f32s([]float32{1, -3, 2, 0, 0, 0}, 2, 3)}, []*Tensor{f32s([]float32{0.5, -1.5, 1, 0, 0, 0}, 2, 3)}},
		{"by the length", "Normalizer", attrs(aText("norm", "L2")), []*Tensor{f32s([]float32{3, -4}, 2)}, []*Tensor{f32s([]float32{0.6, -0.8}, 2)}},
		{"last dimension", "ArrayFeatureExtractor", nil, []*Tensor{ramp(2, 3), i64s([]int64{2, 0}, 1, 2)}, []*Tensor{f32s([]float32{2, 0, 5, 3}, 2, 2)}},
		{"cut and filled", "FeatureVectorizer", attrs(aInts("inputdimensions", 1, 3)), []*Tensor{ramp(2, 2), ramp(2, 2)}, []*Tensor{f32s([]float32{0, 0, 1, 0, 2, 2, 3, 0}, 2, 4)}},
	})
	got, err := runWithConstants(t, "OneHotEncoder", nil, f32s([]float32{2.5, nan}, 2), i64s([]int64{2, 1}))
	if want := f32s([]float32{1, 0, 0, 0}, 2, 2); err != nil || !same(got, want) {
		t.Errorf("OneHotEncoder: %v %v", got, err)
	}
	if _, err := runWithConstants(t, "OneHotEncoder", attrs(aInt("zeros", 0)), i64s([]int64{5}), i64s([]int64{2, 1})); !errors.Is(err, ErrInput) {
		t.Errorf("an unknown category: error %v", err)
	}
	got, err = runWithConstants(t, "LabelEncoder", nil, f32s([]float32{1, nan, 3, 1}, 4), f32s([]float32{3, nan, 1, 1}, 4), i64s([]int64{10, 20, 30, 40}), i64s([]int64{-1}))
	if want := i64s([]int64{30, 20, 10, 30}); err != nil || !same(got, want) {
		t.Errorf("LabelEncoder: %v %v", got, err)
	}
}

// grownForest is a random forest, and how to walk it without the lists.
type grownForest struct {
	features, modes, yes, no, missing, roots, first, targets []int64
	splits, weights                                          []float32
}

// grow adds a subtree and gives its place.
func (f *grownForest) grow(r *rand.Rand, depth, features, targets int) int64 {
	if depth == 0 || r.IntN(4) == 0 {
		for range r.IntN(3) {
			f.targets, f.weights = append(f.targets, int64(r.IntN(targets))), append(f.weights, float32(r.NormFloat64()))
		}
		f.first = append(f.first, int64(len(f.targets)))
		return -int64(len(f.first) - 1)
	}
	at := len(f.features)
	f.features, f.modes = append(f.features, int64(r.IntN(features))), append(f.modes, int64(r.IntN(6)))
	f.missing, f.splits = append(f.missing, int64(r.IntN(2))), append(f.splits, float32(r.IntN(3)))
	f.yes, f.no = append(f.yes, 0), append(f.no, 0)
	yes := f.grow(r, depth-1, features, targets)
	no := f.grow(r, depth-1, features, targets)
	f.yes[at], f.no[at] = yes, no
	return int64(at)
}

func (f *grownForest) attrs(width int64, aggregate string) []ir.Attr {
	return []ir.Attr{
		aInts("features", f.features...), aInts("modes", f.modes...), aInts("true", f.yes...), aInts("false", f.no...),
		aInts("missing", f.missing...), aInts("roots", f.roots...), aInts("leaf_first", f.first...), aInts("targets", f.targets...),
		aInt("width", width), aText("aggregate", aggregate),
	}
}

// row is the sum over the trees for one row, from the definition.
func (f *grownForest) row(x []float32, width int) []float32 {
	out := make([]float32, width)
	for _, at := range f.roots {
		for at >= 0 {
			v, s := x[f.features[at]], f.splits[at]
			yes := []bool{v <= s, v < s, v >= s, v > s, v == s, v != s}[f.modes[at]]
			if yes || v != v && f.missing[at] == 1 {
				at = f.yes[at]
			} else {
				at = f.no[at]
			}
		}
		for i := f.first[-1-at]; i < f.first[-at]; i++ {
			out[f.targets[i]] += f.weights[i]
		}
	}
	return out
}

func TestTreesMatchDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(20, 21))
	for range 60 {
		features, targets := 1+r.IntN(4), 1+r.IntN(3)
		f := &grownForest{first: []int64{0}}
		for range 1 + r.IntN(5) {
			f.roots = append(f.roots, f.grow(r, 4, features, targets))
		}
		x := tensor.New(tensor.Float32, 20, features)
		for i := range x.Float32s() {
			if x.Float32s()[i] = float32(r.IntN(3)); r.IntN(8) == 0 {
				x.Float32s()[i] = math.Float32frombits(0x7fc00000)
			}
		}
		got, err := runWithConstants(t, "TreeEnsemble", f.attrs(int64(targets), "SUM"), &x,
			f32s(f.splits, len(f.splits)), f32s(f.weights, len(f.weights)))
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		for i := range 20 {
			want = append(want, f.row(x.Float32s()[i*features:(i+1)*features], targets)...)
		}
		if !same(got, f32s(want, 20, targets)) {
			t.Fatalf("%+v:\n got %v\nwant %v", f, show(got), want)
		}
	}
}

// TestTreesThatAreNone: lists from a hostile file are refused before a walk could go on for ever.
func TestTreesThatAreNone(t *testing.T) {
	t.Parallel()
	good := func() *grownForest {
		return &grownForest{
			features: []int64{0, 0}, modes: []int64{0, 0}, missing: []int64{0, 0}, yes: []int64{1, -1}, no: []int64{-1, -2},
			roots: []int64{0}, first: []int64{0, 1, 2}, targets: []int64{0, 0}, splits: []float32{0, 0}, weights: []float32{1, 2},
		}
	}
	for i, spoil := range []func(*grownForest){
		func(f *grownForest) { f.yes[1] = 0 },               // a circle
		func(f *grownForest) { f.no[0] = 1 },                // two ways to one branch
		func(f *grownForest) { f.yes[0] = 2 },               // no such branch
		func(f *grownForest) { f.no[1] = -4 },               // no such leaf
		func(f *grownForest) { f.roots = []int64{0, 0} },    // the same tree twice
		func(f *grownForest) { f.first = []int64{0, 3, 2} }, // lists that overlap
		func(f *grownForest) { f.first = nil },
		func(f *grownForest) { f.targets[0] = 1 },
		func(f *grownForest) { f.modes[0] = 9 },
		func(f *grownForest) { f.features[0] = -1 },
		func(f *grownForest) { f.features[0] = 5 },
		func(f *grownForest) { f.splits = f.splits[:1] },
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			f := good()
			run := func() error {
				_, err := runWithConstants(t, "TreeEnsemble", f.attrs(1, "SUM"), ramp(2, 1),
					f32s(f.splits, len(f.splits)), f32s(f.weights, len(f.weights)))
				return err
			}
			if err := run(); err != nil {
				t.Fatalf("the good one: %v", err)
			}
			spoil(f)
			if err := run(); !errors.Is(err, ErrShape) {
				t.Fatalf("error %v", err)
			}
		})
	}
}
