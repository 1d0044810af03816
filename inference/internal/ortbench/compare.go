package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compare prints a line per shape and kernel set, and one of memory.
func compare(c config, out io.Writer) error {
	if c.theirs == "" {
		c.theirs = c.model
	}
	sides, err := loadKernels(c.model, c.kernels)
	if err != nil {
		return err
	}
	peer, err := startPeer(c)
	if err != nil {
		return err
	}
	defer peer.stop()
	fmt.Fprintf(out, "%s beside %s, one thread each, medians of %d runs in turn\n", c.label, peer.version, c.runs)
	for _, s := range c.shapes {
		if err := compareShape(c, s, sides, peer, out); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	if !c.memory {
		return nil
	}
	return compareMemory(c, out)
}

// side is our executor with one kernel set; call is nil where the CPU lacks it.
type side struct {
	kernel string
	call   func(shape) error
}

func loadKernels(model string, kernels []string) ([]side, error) {
	if kernels == nil {
		kernels = []string{"avx2", "avx512"}
	}
	data, err := os.ReadFile(model)
	if err != nil {
		return nil, err
	}
	var sides []side
	for _, k := range kernels {
		s := side{kernel: k}
		if slices.Contains(kernelNames(), k) {
			if s.call, err = load(data, k); err != nil {
				return nil, fmt.Errorf("kernel set %s: %w", k, err)
			}
		}
		sides = append(sides, s)
	}
	return sides, nil
}

func compareShape(c config, s shape, sides []side, peer *peer, out io.Writer) error {
	theirs, ours := []took{}, make([][]took, len(sides))
	const warm = 3
	for i := range warm + c.runs {
		for j, side := range sides {
			if side.call == nil {
				continue
			}
			one, err := timed(func() error { return side.call(s) })
			if err != nil {
				return err
			}
			if i >= warm {
				ours[j] = append(ours[j], one)
			}
		}
		one, err := peer.run(s)
		if err != nil {
			return err
		}
		if i >= warm {
			theirs = append(theirs, one)
		}
	}
	for j, side := range sides {
		if side.call == nil {
			fmt.Fprintf(out, "  %-6s %-7s not run: the CPU lacks it\n", s, side.kernel)
			continue
		}
		a, b := medians(ours[j]), medians(theirs)
		fmt.Fprintf(out, "  %-6s %-7s ours %8.2f ms   ONNX Runtime %8.2f ms   speed %.2f× (by processor time %.2f×)\n",
			s, side.kernel, ms(a.clock), ms(b.clock), b.clock.Seconds()/a.clock.Seconds(), b.processor.Seconds()/a.processor.Seconds())
	}
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

// compareMemory starts a process of each side.
func compareMemory(c config, out io.Writer) error {
	largest := slices.MaxFunc(c.shapes, func(a, b shape) int { return a.batch*a.sequence - b.batch*b.sequence })
	ours, err := exec.Command(c.self, "-model", c.model, "-peak", largest.String()).Output()
	if err != nil {
		return fmt.Errorf("measure our memory: %w", err)
	}
	theirs := exec.Command(c.python, c.script, c.theirs, "peak")
	theirs.Stdin = strings.NewReader(fmt.Sprintf("%d %d\n", largest.batch, largest.sequence))
	answer, err := theirs.Output()
	if err != nil {
		return fmt.Errorf("measure ONNX Runtime's memory: %w", err)
	}
	_, number, _ := strings.Cut(strings.TrimSpace(string(answer)), "\n")
	a, errA := strconv.ParseInt(strings.TrimSpace(string(ours)), 10, 64)
	b, errB := strconv.ParseInt(number, 10, 64)
	if errA != nil || errB != nil {
		return fmt.Errorf("memory %q and %q bytes", ours, answer)
	}
	fmt.Fprintf(out, "  memory at most, load and %s: ours %.0f MB, ONNX Runtime in Python %.0f MB: %.2f of it\n", largest, float64(a)/1e6, float64(b)/1e6, float64(a)/float64(b))
	return nil
}

// printPeak is what the process does whose memory is measured.
func printPeak(model, text string, out io.Writer) error {
	shapes, err := parseShapes(text)
	if err != nil {
		return err
	}
	call, err := loadFile(model)
	if err != nil {
		return err
	}
	for range 3 {
		if err := call(shapes[0]); err != nil {
			return err
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	kilobytes, err := strconv.ParseInt(strings.TrimSuffix(field(status, "VmHWM"), " kB"), 10, 64)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, kilobytes*1024)
	return err
}
