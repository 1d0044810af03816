package cli

import (
	"errors"
	"fmt"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/ic/candid/did"
	"assay/ic/candid/gen"
)

func (a *app) candid() *cobra.Command {
	return group("candid", "Work with Candid: generate Go, make and read messages, compare and format interfaces",
		a.candidGen(), a.candidEncode(), a.candidDecode(), a.candidCheck(), a.candidFormat())
}

// loadDid reads a .did file with its imports.
func loadDid(file string) (*did.Program, error) {
	dir := filepath.Dir(file)
	p, err := did.Load(filepath.Base(file), func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	})
	return p, missing(err)
}

// missing gives a file that is not there its exit code.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return withCode(exitUnknown, err)
	}
	return err
}

func (a *app) candidGen() *cobra.Command {
	var out, pkg string
	c := &cobra.Command{
		Use: "gen FILE.did", Short: "Write a Go package from an interface: types, codec, client, server",
		Long: `Write Go from a .did file: types with encoders and decoders without reflection, a client for
callers on and off chain, and the method table of a canister. The file is fit for go:generate.

Without --pkg the package is called like the folder of the output, or after the .did file.`,
		Example: `  assay candid gen market.did -o marketapi/api_gen.go
  assay candid gen market.did --pkg marketapi > api_gen.go`,
		Args: exactArgs(1, "a .did file"),
		RunE: func(_ *cobra.Command, args []string) error {
			name, err := packageName(pkg, out, args[0])
			if err != nil {
				return withCode(exitUsage, err)
			}
			source, err := gen.File(args[0], name)
			if err != nil {
				return missing(err)
			}
			if out == "" {
				_, err := a.stdout.Write(source)
				return err
			}
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(out, source, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(a.stderr, "wrote package %s to %s\n", name, out)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "Go file to write; without it stdout")
	c.Flags().StringVar(&pkg, "pkg", "", "name of the Go package")
	return c
}

// packageName is the name given, that of the output's folder, or the interface's with "api".
func packageName(given, out, file string) (string, error) {
	name := given
	if name == "" && out != "" {
		dir, err := filepath.Abs(filepath.Dir(out))
		if err != nil {
			return "", err
		}
		name = filepath.Base(dir)
	}
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(file), ".did") + "api"
	}
	if !token.IsIdentifier(name) {
		return "", fmt.Errorf("%q is no name for a Go package: give one with --pkg", name)
	}
	return name, nil
}

func (a *app) candidCheck() *cobra.Command {
	var strict bool
	c := &cobra.Command{
		Use: "check NEW.did OLD.did", Short: "Check that clients of the old interface can go on with the new one",
		Long: `Compare two interfaces by Candid's subtyping. Every method that breaks is named with the place
and the reason, and the exit code is 5. Candid lets anything pass under opt, since what does not
fit reads as null; with --strict that holds for new variant tags alone.`,
		Example: `  assay candid check market.did released/market.did --strict`,
		Args:    exactArgs(2, "the new and the old .did file"),
		RunE: func(_ *cobra.Command, args []string) error {
			renewed, err := loadDid(args[0])
			if err != nil {
				return err
			}
			old, err := loadDid(args[1])
			if err != nil {
				return err
			}
			broken := did.Compatible(old, renewed, strict)
			reasons := []string{}
			if broken != nil {
				reasons = strings.Split(broken.Error(), "\n")
			}
			err = a.print(map[string]any{"compatible": broken == nil, "reasons": reasons}, func(w io.Writer) {
				if broken == nil {
					fmt.Fprintf(w, "%s serves the clients of %s\n", args[0], args[1])
				}
				for _, reason := range reasons {
					fmt.Fprintln(w, reason)
				}
			})
			if err == nil && broken != nil {
				err = withCode(exitDoubt, fmt.Errorf("%s does not serve the clients of %s", args[0], args[1]))
			}
			return err
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "an option must not change to a type that old readers read as null")
	return a.jsonFlag(c)
}

func (a *app) candidFormat() *cobra.Command {
	var write, check bool
	c := &cobra.Command{
		Use: "format [FILE.did …]", Short: "Format interfaces: even spaces and indents, comments and line breaks stay",
		Long: `Format .did files, or stdin if none is named or one is called -. The result goes to stdout; -w
writes it back; --check names the files that would change and exits with 5.`,
		Example: `  assay candid format market.did
  assay candid format -w canisters/*/*.did
  assay candid format --check canisters/*/*.did`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := exclusive(c, "write", "check"); err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{"-"}
			}
			changed := 0
			for _, file := range args {
				differs, err := a.formatFile(file, write, check)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				if differs {
					changed++
				}
			}
			if check && changed > 0 {
				return withCode(exitDoubt, fmt.Errorf("%d of %d files are not formatted: run `assay candid format -w` on them", changed, len(args)))
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "write the files back")
	c.Flags().BoolVar(&check, "check", false, "change nothing, name files that would change")
	return c
}

func (a *app) formatFile(file string, write, check bool) (differs bool, err error) {
	if file == "-" && write {
		return false, withCode(exitUsage, errors.New("stdin cannot be written back"))
	}
	source, err := a.readInput(file)
	if err != nil {
		return false, err
	}
	pretty, err := did.Pretty(string(source))
	if err != nil {
		return false, err
	}
	differs = pretty != string(source)
	switch {
	case check && differs:
		fmt.Fprintln(a.stdout, file)
	case write && differs:
		return true, os.WriteFile(file, []byte(pretty), 0o644)
	case !check && !write:
		_, err = io.WriteString(a.stdout, pretty)
	}
	return differs, err
}

// maxInput bounds what a verb reads into memory from a file or stdin.
const maxInput = 64 << 20

// readInput reads a file, or stdin if it is called -.
func (a *app) readInput(file string) ([]byte, error) {
	from := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, missing(err)
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = fmt.Errorf("longer than %d MiB", maxInput>>20)
	}
	return b, err
}
