package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/cmd/assay/stack"
)

func (a *app) canister() *cobra.Command {
	return group("canister", "Build canisters from Go", a.canisterBuild())
}

func (a *app) canisterBuild() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "build DIR", Short: "Build one of the project's canisters into an installable module",
		Long: `Build a canister of this repository: compile with the standard Go compiler, link, check every
rule for installing. The same source gives the same module hash. A name ending in .gz is compressed.`,
		Args: exactArgs(1, "a folder such as canisters/market"),
		RunE: func(c *cobra.Command, args []string) error {
			source, err := stack.FindSource()
			if err != nil {
				return err
			}
			name := filepath.Base(args[0])
			m, err := stack.BuildCanister(c.Context(), source, name)
			if err != nil {
				return err
			}
			bytes, hash := m.Wasm, m.Hash
			if strings.HasSuffix(out, ".gz") {
				bytes, hash = m.Gzip, m.GzipHash
			}
			if out != "" {
				if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(out, bytes, 0o644); err != nil {
					return err
				}
			}
			return a.print(map[string]any{"canister": name, "bytes": len(bytes), "sha256": fmt.Sprintf("%x", hash), "file": out}, func(w io.Writer) {
				fmt.Fprintf(w, "%x  %s (%d bytes)\n", hash, name, len(bytes))
			})
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (.wasm or .wasm.gz); without it the hash is printed")
	return a.jsonFlag(c)
}
