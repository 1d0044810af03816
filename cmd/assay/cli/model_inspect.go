package cli

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/inference/inspect"
	"assay/inference/modelfile"
	"assay/inference/onnx"
)

func (a *app) modelInspect() *cobra.Command {
	var sizes []string
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a model is, what it costs and which job classes it can serve",
		Long: `Reads an ONNX model and says what goes in and comes out, which operators it has, how many parameters, what it
is lowered to, what one run costs at most, and which job classes it can serve, with the reason where it cannot.

Costs are given for batch 1 and lengths of 8, 32, 128 and 256, or for the sizes that --size gives to the open
dimensions, all of them at one time: --size batch=1,sequence=64, as often as wanted.`,
		Example: "  assay model inspect model.onnx\n  assay model inspect model.onnx --size batch=8,sequence=128 --json",
		Args:    exactArgs(1, "a model file"),
		RunE: func(_ *cobra.Command, args []string) error {
			wanted, err := readSizes(sizes)
			if err != nil {
				return withCode(exitUsage, err)
			}
			file, err := modelfile.Open(args[0], onnx.Limits{})
			if err != nil {
				return err
			}
			defer file.Close()
			report := inspect.Model(file.Graph, wanted...)
			return a.print(report, func(w io.Writer) { writeReport(w, report) })
		},
	}
	c.Flags().StringArrayVar(&sizes, "size", nil, "sizes of open dimensions, as name=size,name=size")
	return a.jsonFlag(c)
}

func readSizes(list []string) ([]map[string]int, error) {
	var out []map[string]int
	for _, text := range list {
		sizes := map[string]int{}
		for part := range strings.SplitSeq(text, ",") {
			name, size, ok := strings.Cut(part, "=")
			n, err := strconv.Atoi(size)
			if !ok || err != nil || n < 0 || name == "" {
				return nil, fmt.Errorf("--size %s: want name=size, such as batch=1", text)
			}
			sizes[name] = n
		}
		out = append(out, sizes)
	}
	return out, nil
}

func writeReport(w io.Writer, r *inspect.Report) {
	// line keeps what a model says of itself from being taken for what we say of it.
	line := func(format string, args ...any) { fmt.Fprintln(w, printable(fmt.Sprintf(format, args...))) }
	if r.Name != "" {
		line("%s", r.Name)
	}
	line("format      ONNX %d, operator sets %s", r.IRVersion, operatorSets(r.Opsets))
	for _, v := range r.Inputs {
		line("input       %s %s%s", v.Name, v.DType, v.Shape)
	}
	for _, v := range r.Outputs {
		line("output      %s %s%s", v.Name, v.DType, v.Shape)
	}
	line("parameters  %d in %s", r.Parameters, amount(r.ParameterBytes, "B"))
	line("operators   %s", counts(r.Operators))
	if l := r.Lowered; l != nil {
		line("assay-ir %d  root %s, constants %s", l.Version, l.RootText, amount(l.Bytes, "B"))
		line("            %s", counts(l.Operators))
	}
	for _, c := range r.Costs {
		line("one run     %s: %s", sizesText(c.Sizes), costText(c))
	}
	for _, c := range r.Classes {
		word := "yes"
		if !c.Served {
			word = "no"
		}
		if c.Reason != "" {
			word += ": " + c.Reason
		}
		line("class       %-9s  %s", c.Name, word)
	}
}

func operatorSets(versions map[string]int64) string {
	var sets []string
	for _, domain := range slices.Sorted(maps.Keys(versions)) {
		name := domain
		if name == "" {
			name = "ai.onnx"
		}
		sets = append(sets, fmt.Sprintf("%s %d", name, versions[domain]))
	}
	return strings.Join(sets, ", ")
}

func counts(list []inspect.Count) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%s %d", c.Operator, c.Nodes))
	}
	return strings.Join(parts, ", ")
}

func sizesText(sizes map[string]int) string {
	if len(sizes) == 0 {
		return "fixed sizes"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, sizes[name]))
	}
	return strings.Join(parts, ",")
}

func costText(c inspect.Cost) string {
	if c.Problem != "" {
		return c.Problem
	}
	messages := "1 message"
	if c.Messages > 1 {
		messages = fmt.Sprintf("%d messages", c.Messages)
	}
	return fmt.Sprintf("at most %s, %s in %s, %s beside the constants",
		amount(c.Multiplies, "multiply-adds"), amount(c.Instructions, "canister instructions"), messages, amount(c.Bytes, "B"))
}

// amount writes a number of units with three digits and a decimal prefix, which a unit that is a symbol follows at once.
func amount(n int64, unit string) string {
	if n < 1000 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	v, prefix := float64(n), -1
	for v >= 999.5 {
		v /= 1000
		prefix++
	}
	if len(unit) > 1 {
		unit = " " + unit
	}
	return fmt.Sprintf("%.*f %c%s", 2-int(math.Log10(v)), v, "kMGTPE"[prefix], unit)
}
