package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"assay/inference/inspect"
	"assay/inference/lower"
	"assay/inference/modelfile"
	"assay/inference/onnx"
)

func (a *app) modelDraw() *cobra.Command {
	var out string
	var lowered bool
	c := &cobra.Command{
		Use:     "draw FILE",
		Short:   "Write a model's graph as an SVG picture",
		Long:    "Draws the graph of an ONNX model, or with --lowered the one that is computed, as SVG: to standard output or to a file.",
		Example: "  assay model draw model.onnx -o model.svg\n  assay model draw model.onnx --lowered > lowered.svg",
		Args:    exactArgs(1, "a model file"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.drawModel(args[0], out, lowered) },
	}
	c.Flags().StringVarP(&out, "output", "o", "", "file to write; standard output without it")
	c.Flags().BoolVar(&lowered, "lowered", false, "draw the graph that is computed instead of the model's")
	return c
}

func (a *app) drawModel(path, out string, lowered bool) error {
	file, err := modelfile.Open(path, onnx.Limits{})
	if err != nil {
		return err
	}
	defer file.Close()
	var picture bytes.Buffer
	if err := draw(&picture, file.Graph, lowered); err != nil {
		return err
	}
	if out == "" {
		_, err := a.stdout.Write(picture.Bytes())
		return err
	}
	if err := os.WriteFile(out, picture.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stderr, "wrote %s\n", out)
	return err
}

func draw(w io.Writer, g *onnx.Graph, lowered bool) error {
	if !lowered {
		return inspect.Draw(w, g)
	}
	l, err := lower.Lower(g)
	if err != nil {
		return err
	}
	return inspect.DrawLowered(w, l, g.Name)
}
