package exam

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	graphSeed  = 20261128
	sampleSize = 200
	chunkSize  = 100
)

// The sample of `make test`; ASSAY_GRAPHS=10000 is that of `make prove PART=graphs`, with ASSAY_SEED.
func TestRandomGraphs(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	count, seed := number(t, "ASSAY_GRAPHS", sampleSize), number(t, "ASSAY_SEED", graphSeed)
	operators := claimed(t)
	tally := &tally{operators: map[string]int{}, refused: map[string]int{}}
	if count <= sampleSize {
		modules, err := filepath.Glob(filepath.Join(scripts, "graphs", "*.py"))
		if err != nil || len(modules) == 0 {
			t.Fatalf("no modules: %v", err)
		}
		folder := made(t, "randomgraphs.py", modules, arguments(seed, 0, count, operators)...)
		tally.checkAll(t, folder)
	} else {
		tally.checkChunks(t, seed, count, operators)
	}
	tally.report(t, seed)
	if tally.graphs < count*99/100 {
		t.Errorf("%d graphs of %d were made", tally.graphs, count)
	}
	tally.covers(t, count, operators)
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s is %q", variable, text)
	}
	return n
}

func arguments(seed, first, count int, operators []string) []string {
	return append([]string{strconv.Itoa(seed), strconv.Itoa(first), strconv.Itoa(count)}, operators...)
}

// notDrawn are operators that ONNX Runtime has in no operator set that graphs are drawn in.
var notDrawn = map[string]bool{
	"BitCast":             true, // newer
	"CausalConvWithState": true, // newer
	"LinearAttention":     true, // newer
	"OptionalGetElement":  true, // leaves nothing in a graph
	"OptionalHasElement":  true, // a constant
	"Scatter":             true, // ended with operator set 10, as ScatterElements
	"SwiGLU":              true, // newer
	"Upsample":            true, // ended with operator set 10, as Resize
}

// foreign are operators of other domains that the executor has.
var foreign = []string{
	"ArrayFeatureExtractor@ai.onnx.ml", "Binarizer@ai.onnx.ml", "FeatureVectorizer@ai.onnx.ml", "Imputer@ai.onnx.ml",
	"LabelEncoder@ai.onnx.ml", "LinearClassifier@ai.onnx.ml", "LinearRegressor@ai.onnx.ml", "Normalizer@ai.onnx.ml",
	"OneHotEncoder@ai.onnx.ml", "Scaler@ai.onnx.ml", "TreeEnsemble@ai.onnx.ml", "TreeEnsembleClassifier@ai.onnx.ml",
	"TreeEnsembleRegressor@ai.onnx.ml",
	"BiasGelu@com.microsoft", "FastGelu@com.microsoft", "GroupQueryAttention@com.microsoft", "MatMulNBits@com.microsoft",
	"MultiHeadAttention@com.microsoft", "QuickGelu@com.microsoft", "RotaryEmbedding@com.microsoft", "SkipLayerNormalization@com.microsoft",
}

// claimed are the operators of the default domain of which a case of the ONNX project passes, and those of other
// domains that the executor has, as the script names them.
func claimed(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(recordFile)
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	var out []string
	for op, o := range r.Operators {
		if slices.ContainsFunc(o.Passed, isWhole) && !strings.Contains(op, ".") && !notDrawn[op] {
			out = append(out, op)
		}
	}
	out = append(out, foreign...)
	slices.Sort(out)
	return out
}

// isWhole tells a case of an operator from one that spells a function out in other operators.
func isWhole(name string) bool { return !strings.Contains(name, "_expanded") }

// dependent are the operators whose shapes may depend on data.
var dependent = map[string]bool{"NonZero": true, "Compress": true, "Unique": true, "If": true, "NonMaxSuppression": true}

// tally counts what was checked.
type tally struct {
	sync.Mutex
	graphs, deep, batched int
	dynamic               int
	unbounded             []int // graphs without an operator in dependent that have no bound
	largest               int
	worst                 float64
	worstIndex            int
	operators             map[string]int // graphs that hold the operator
	refused               map[string]int // reasons for which a graph was not run
}

// checkChunks makes and checks the graphs a chunk at a time, two chunks at once.
func (c *tally) checkChunks(t *testing.T, seed, count int, operators []string) {
	t.Helper()
	t.Run("chunks", func(t *testing.T) {
		for first := 0; first < count; first += chunkSize {
			t.Run(strconv.Itoa(first), func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				fill(t, folder, "randomgraphs.py", arguments(seed, first, min(chunkSize, count-first), operators)...)
				c.checkAll(t, folder)
			})
		}
	})
}

func (c *tally) checkAll(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.graph"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		g, err := ReadGraph(file)
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := g.Check()
		var u *Unsupported
		if err != nil && !errors.As(err, &u) {
			t.Errorf("graph %d, %d nodes %v: %v", g.Index, g.Nodes, g.Operators, err)
		}
		c.add(g, outcome, u)
	}
}

func (c *tally) add(g *RandomGraph, outcome Outcome, u *Unsupported) {
	c.Lock()
	defer c.Unlock()
	c.graphs++
	if u != nil {
		c.refused[u.Error()]++
		return
	}
	if g.Depth >= 20 {
		c.deep++
	}
	if g.Batched {
		c.batched++
	}
	if outcome.Dynamic {
		c.dynamic++
		if !slices.ContainsFunc(g.Operators, func(op string) bool { return dependent[op] }) {
			c.unbounded = append(c.unbounded, g.Index)
		}
	}
	c.largest = max(c.largest, g.Largest())
	if outcome.Worst > c.worst {
		c.worst, c.worstIndex = outcome.Worst, g.Index
	}
	seen := slices.Clone(g.Operators)
	slices.Sort(seen)
	for _, op := range slices.Compact(seen) {
		c.operators[op]++
	}
}

func (c *tally) report(t *testing.T, seed int) {
	t.Helper()
	t.Logf("seed %d: %d graphs, %d of them 20 nodes deep or more, %d with a batch, %d without a bound, up to %d elements; largest error %.2f of what is allowed (graph %d)",
		seed, c.graphs, c.deep, c.batched, c.dynamic, c.largest, c.worst, c.worstIndex)
	for _, reason := range slices.SortedFunc(maps.Keys(c.refused), func(a, b string) int { return cmp.Compare(c.refused[b], c.refused[a]) }) {
		t.Logf("refused %d times: %s", c.refused[reason], reason)
	}
	var counts []string
	for _, op := range slices.Sorted(maps.Keys(c.operators)) {
		counts = append(counts, op+" "+strconv.Itoa(c.operators[op]))
	}
	t.Logf("graphs by operator: %s", strings.Join(counts, ", "))
}

// covers wants a hundredth of the graphs to hold each operator, a tenth to be deep, and some to be large.
func (c *tally) covers(t *testing.T, count int, operators []string) {
	t.Helper()
	for _, op := range operators {
		if name, domain, ok := strings.Cut(op, "@"); ok {
			op = domain + "." + name
		}
		if c.operators[op] < count/100 {
			t.Errorf("operator %s is in %d graphs, want %d", op, c.operators[op], count/100)
		}
	}
	if c.deep < count/10 {
		t.Errorf("%d graphs are deep, want %d", c.deep, count/10)
	}
	if c.largest < 500_000 {
		t.Errorf("the largest tensor has %d elements", c.largest)
	}
	if len(c.unbounded) > 0 {
		t.Errorf("no bound for graphs %v, whose shapes do not depend on data", c.unbounded)
	}
	for reason, n := range c.refused {
		t.Errorf("%d graphs of claimed operators are refused: %s", n, reason)
	}
}

// A value that is off is noticed, and rows are picked as they are.
func TestGraphCompare(t *testing.T) {
	t.Parallel()
	f := func(v ...float32) Value {
		out := Value{DType: floatType, Shape: []int64{int64(len(v))}}
		for _, x := range v {
			out.Raw = appendElement(out.Raw, uint64(math.Float32bits(x)), 32)
		}
		return out
	}
	const unit = 0x1p-20 // of the largest magnitude, 8
	for _, c := range []struct {
		name  string
		error float64
		got   Value
		ok    bool
	}{
		{"equal", 0, f(8, 1), true},
		{"four units", 0, f(8, 1+4*unit), true},
		{"five units", 0, f(8, 1+5*unit), false},
		{"five units, ONNX Runtime one", unit, f(8, 1+5*unit), true},
		{"nine units, ONNX Runtime one", unit, f(8, 1+9*unit), false},
		{"NaN", unit, f(8, float32(math.NaN())), false},
		{"infinity", unit, f(float32(math.Inf(1)), 1), false},
		{"another shape", unit, f(8), false},
	} {
		want := graphValue{Value: f(8, 1), wide: []float64{8, 1}, error: c.error}
		if _, err := want.compare(&c.got); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	v := f(1, 2, 3)
	if got, want := v.rows([]int{2, 0, 2}), f(3, 1, 3); !bytes.Equal(got.Raw, want.Raw) || got.Shape[0] != 3 {
		t.Errorf("rows 2, 0, 2 are %v", got)
	}
}

// Threads runs every task once.
func TestThreads(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 50} {
		var ran [50]atomic.Int32
		Threads(3)(n, func(i int) { ran[i].Add(1) })
		for i := range ran {
			if got := ran[i].Load(); got != 0 && i >= n || got != 1 && i < n {
				t.Errorf("task %d of %d ran %d times", i, n, got)
			}
		}
	}
}
