package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"assay/cmd/assay/stack"
)

func (a *app) model() *cobra.Command {
	return group("model", "Fetch, check, inspect, draw and rewrite model files",
		a.modelVerb("fetch", "Bring a model's files into the cache folder, checked by hash", func(c *cobra.Command, name string) (stack.Model, error) {
			return stack.PrepareModel(c.Context(), name, func(text string) { fmt.Fprintln(a.stderr, text) })
		}),
		a.modelVerb("check", "Hash a model's files in the cache folder and load it", func(_ *cobra.Command, name string) (stack.Model, error) {
			m, err := stack.FindModel(name)
			if err == nil {
				_, err = m.Load(1)
			}
			return m, err
		}),
		a.modelInspect(),
		a.modelDraw(),
		a.modelRewrite(),
		a.modelTokens(),
	)
}

func (a *app) modelVerb(use, short string, do func(*cobra.Command, string) (stack.Model, error)) *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use: use + " minilm|tiny", Short: short, Args: exactArgs(1, "a model's name, minilm or tiny"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := do(c, args[0])
			if err != nil {
				return err
			}
			view := map[string]any{"name": m.Manifest.Name, "version": m.Manifest.Version, "root": m.Root.String(), "dimension": m.Dimension}
			return a.print(view, func(w io.Writer) {
				fmt.Fprintf(w, "%s %s: %d dimensions, root %s\n", m.Manifest.Name, m.Manifest.Version, m.Dimension, m.Root)
			})
		},
	})
}
