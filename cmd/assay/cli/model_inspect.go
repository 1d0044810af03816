package cli

import (
	"fmt"
	"io"
	"maps"
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
	if r.Name != "" {
		fmt.Fprintf(w, "%s\n", r.Name)
	}
	var sets []string
	for _, domain := range slices.Sorted(maps.Keys(r.Opsets)) {
		name := domain
		if name == "" {
			name = "ai.onnx"
		}
		sets = append(sets, fmt.Sprintf("%s %d", name, r.Opsets[domain]))
	}
	fmt.Fprintf(w, "format      ONNX %d, operator sets %s\n", r.IRVersion, strings.Join(sets, ", "))
	writeValues(w, "input", r.Inputs)
	writeValues(w, "output", r.Outputs)
	fmt.Fprintf(w, "parameters  %d in %s\n", r.Parameters, megabytes(r.ParameterBytes))
	fmt.Fprintf(w, "operators   %s\n", counts(r.Operators))
	if l := r.Lowered; l != nil {
		fmt.Fprintf(w, "assay-ir %d  root %s, constants %s\n", l.Version, l.RootText, megabytes(l.Bytes))
		fmt.Fprintf(w, "            %s\n", counts(l.Operators))
	}
	for _, c := range r.Costs {
		fmt.Fprintf(w, "one run     %s: %s\n", sizesText(c.Sizes), costText(c))
	}
	for _, c := range r.Classes {
		word := "yes"
		if !c.Served {
			word = "no"
		}
		line := fmt.Sprintf("class       %-9s  %s", c.Name, word)
		if c.Reason != "" {
			line += ": " + c.Reason
		}
		fmt.Fprintln(w, line)
	}
}

func writeValues(w io.Writer, what string, list []inspect.Value) {
	for _, v := range list {
		fmt.Fprintf(w, "%-10s  %s %s%s\n", what, v.Name, v.DType, v.Shape)
	}
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
	return fmt.Sprintf("at most %.1f M multiply-adds, %.2f G canister instructions in %d messages, %s beside the constants",
		float64(c.Multiplies)/1e6, float64(c.Instructions)/1e9, c.Messages, megabytes(c.Bytes))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
