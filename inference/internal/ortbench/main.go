// Command ortbench times the exact executor beside Python's ONNX Runtime in one run: one thread each, the same
// inputs, runs of both in turn, medians. It prints, per shape and kernel set, ONNX Runtime's time divided by ours,
// and the memory that a process of each takes at most to load the model and run the largest shape.
//
//	ortbench -model FILE -python python3 -script scripts/reference/bench_ort.py
//	ortbench -model OURS -theirs THEIRS …      another file for ONNX Runtime
//
// It needs no Go toolchain and no network: a static binary, the script and the files can be taken to another
// machine. `make bench` runs it through this package's benchmark, which fetches what it needs.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// shape is a batch of texts of that many tokens, or of images of that many pixels on each side.
type shape struct{ batch, sequence int }

func (s shape) String() string { return fmt.Sprintf("%dx%d", s.batch, s.sequence) }

// config is one comparison.
type config struct {
	label          string
	model, theirs  string // files; theirs is the one for ONNX Runtime
	python, script string
	runs           int
	shapes         []shape
	kernels        []string
	memory         bool
	self           string // this program, for the process whose memory is measured
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ortbench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("ortbench", flag.ContinueOnError)
	c := config{}
	flags.StringVar(&c.label, "label", "model", "`name` of the comparison")
	flags.StringVar(&c.model, "model", "", "model `file`")
	flags.StringVar(&c.theirs, "theirs", "", "model `file` for ONNX Runtime, if another")
	flags.StringVar(&c.python, "python", "python3", "Python `program` with onnxruntime")
	flags.StringVar(&c.script, "script", "scripts/reference/bench_ort.py", "`file` of the Python side")
	flags.IntVar(&c.runs, "runs", 21, "runs of each side per shape")
	shapes := flags.String("shapes", "1x32,8x32,1x128,8x128", "`list` of batch and sequence, or side of images")
	kernels := flags.String("kernels", "", "`list` of kernel sets; empty means avx512 and avx2, where the CPU has them")
	flags.BoolVar(&c.memory, "memory", true, "measure memory as well")
	limit := flags.Bool("limit", true, "measure the processor's arithmetic limit as well")
	peak := flags.String("peak", "", "load the model, run this `shape` three times, print the memory taken, nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if *peak != "" {
		return printPeak(c.model, *peak, out)
	}
	if c.shapes, err = parseShapes(*shapes); err != nil {
		return err
	}
	if *kernels != "" {
		c.kernels = strings.Split(*kernels, ",")
	}
	if c.self, err = os.Executable(); err != nil {
		return err
	}
	fmt.Fprintf(out, "CPU: %s\n", processor())
	if *limit {
		printLimit(out)
	}
	return compare(c, out)
}

func parseShapes(list string) ([]shape, error) {
	var shapes []shape
	for _, text := range strings.Split(list, ",") {
		batch, sequence, _ := strings.Cut(text, "x")
		b, err := strconv.Atoi(batch)
		if err != nil {
			return nil, fmt.Errorf("shape %q: %w", text, err)
		}
		s, err := strconv.Atoi(sequence)
		if err != nil {
			return nil, fmt.Errorf("shape %q: %w", text, err)
		}
		if b < 1 || s < 1 || b*s > 1<<16 {
			return nil, fmt.Errorf("shape %q is not between 1 and 65,536 tokens", text)
		}
		shapes = append(shapes, shape{b, s})
	}
	return shapes, nil
}

// processor is the CPU's name and the features that the comparison turns on.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	name, family, flags := field(info, "model name"), field(info, "cpu family")+"/"+field(info, "model\t"), " "+field(info, "flags")+" "
	var has []string
	for _, f := range []string{"avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni"} {
		if strings.Contains(flags, " "+f+" ") {
			has = append(has, f)
		}
	}
	return fmt.Sprintf("%s (family %s; %s)", name, family, strings.Join(has, " "))
}

func field(info []byte, name string) string {
	for line := range strings.Lines(string(info)) {
		if strings.HasPrefix(line, name) {
			_, value, _ := strings.Cut(line, ":")
			return strings.TrimSpace(value)
		}
	}
	return "?"
}
