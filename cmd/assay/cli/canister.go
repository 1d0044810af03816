package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/cmd/assay/project"
	"assay/cmd/assay/stack"
	"assay/ic/wasm/build"
	"assay/ic/wasm/inspect"
	"assay/internal/cache"
)

func (a *app) canister() *cobra.Command {
	return group("canister", "Write, build and inspect canisters in Go", a.canisterNew(), a.canisterBuild(), a.canisterInspect())
}

func (a *app) canisterNew() *cobra.Command {
	var o project.Options
	c := &cobra.Command{
		Use: "new DIR", Short: "Write a new canister project: a counter with its test",
		Long: `Write a project into a new or empty folder: a canister that counts, its interface, its test,
dfx.json and icp.yaml. It carries the sources of the canister kit in its folder kit, so the go
command alone builds and tests it.`,
		Args: exactArgs(1, "a new folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			name, err := project.New(args[0], o)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"canister": name, "folder": args[0]}, func(w io.Writer) {
				fmt.Fprintf(w, "canister %s is in %s; next:\n  cd %s\n  go test ./...\n  assay canister build . -o bin/%s.wasm.gz\n", name, args[0], args[0], name)
			})
		},
	}
	c.Flags().StringVar(&o.Name, "name", "", "name of the canister (the folder's)")
	c.Flags().StringVar(&o.Module, "module", "", "path of the Go module (example.com/NAME)")
	return a.jsonFlag(c)
}

// built is what `assay canister build --json` prints.
type built struct {
	Canister string         `json:"canister"`
	Bytes    int            `json:"bytes"`
	Hash     string         `json:"sha256"`
	File     string         `json:"file"`
	Commit   string         `json:"commit"`
	Report   inspect.Report `json:"report"`
}

func (a *app) canisterBuild() *cobra.Command {
	var out, commit string
	c := &cobra.Command{
		Use: "build [DIR]", Short: "Build the canister in a folder into an installable module",
		Long: `Build a canister: compile the main package in DIR (here, if none is given) with the standard Go
compiler, link it with its .did file, check every rule for installing. Inside this repository a
name such as market stands for canisters/market. The same source gives the same module hash.
--commit stores the commit of the checkout in the module, for releases; each commit then has a
hash of its own.`,
		Args: atMostOne("a folder such as canisters/market"),
		RunE: func(c *cobra.Command, args []string) error {
			name, config, err := target(arg(args))
			if err != nil {
				return err
			}
			if config.Commit, err = commitOf(c.Context(), config.Dir, commit); err != nil {
				return err
			}
			b, err := makeModule(c.Context(), name, config, out)
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) {
				fmt.Fprintf(w, "%s  %s (%d bytes)\n", b.Hash, b.Canister, b.Bytes)
				b.Report.Size(w)
			})
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (.wasm, or .wasm.gz for a compressed one); without it nothing is written")
	c.Flags().StringVar(&commit, "commit", "", "store the commit in the module: --commit for git's, --commit=TEXT for another")
	c.Flags().Lookup("commit").NoOptDefVal = fromGit
	return a.jsonFlag(c)
}

func (a *app) canisterInspect() *cobra.Command {
	c := &cobra.Command{
		Use: "inspect [FILE|DIR]", Short: "Say what a module is made of and how much of each limit it uses",
		Long: fmt.Sprintf(`Inspect a module, raw or gzip, or the canister in a folder, which is built: imports, exports,
methods, sections, sizes, and the use of each limit of the platform in percent, with a warning
above %d %%. Exit code 5 if a network would refuse to install it.`, inspect.WarnPercent),
		Args: atMostOne("a module or the folder of a canister"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := moduleAt(c.Context(), arg(args))
			if err != nil {
				return err
			}
			r, err := inspect.Module(b)
			if err != nil {
				return err
			}
			if err := a.print(r, r.Print); err != nil {
				return err
			}
			if r.Refused != "" {
				return withCode(exitDoubt, errors.New(r.Refused))
			}
			return nil
		},
	}
	return a.jsonFlag(c)
}

func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return withCode(exitUsage, fmt.Errorf("%s takes at most %s; see `%s --help`", c.CommandPath(), what, c.CommandPath()))
		}
		return nil
	}
}

// arg is the one argument, or the working folder.
func arg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// target finds the canister that a command line names: a folder, or one of this
// repository's by its name.
func target(at string) (name string, c build.Config, err error) {
	info, err := os.Stat(at)
	if err != nil {
		source, sourceErr := stack.FindSource()
		if in := filepath.Dir(at); sourceErr != nil || in != "." && in != "canisters" {
			return "", c, withCode(exitUnknown, fmt.Errorf("find the canister: %w", err))
		}
		at = filepath.Join(source, "canisters", filepath.Base(at))
	} else if !info.IsDir() {
		return "", c, withCode(exitUsage, fmt.Errorf("%s is a file; name the folder of a canister", at))
	}
	c, err = build.Find(at)
	if errors.Is(err, build.ErrNoCanister) {
		err = fmt.Errorf("%w; name its folder, or write a new one with `assay canister new DIR`", err)
	}
	if err != nil {
		return "", c, withCode(exitUnknown, fmt.Errorf("find the canister: %w", err))
	}
	if c.CacheDir, err = cache.Dir("canisters"); err != nil {
		return "", c, err
	}
	return strings.TrimSuffix(c.Candid, ".did"), c, nil
}

// makeModule builds and writes a canister.
func makeModule(ctx context.Context, name string, c build.Config, out string) (built, error) {
	m, err := build.Canister(ctx, c)
	if err != nil {
		return built{}, err
	}
	bytes := m.Wasm
	if strings.HasSuffix(out, ".gz") {
		bytes = m.Gzip
	}
	report, err := inspect.Module(bytes)
	if err != nil {
		return built{}, err
	}
	if out != "" {
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			return built{}, err
		}
		if err := os.WriteFile(out, bytes, 0o644); err != nil {
			return built{}, err
		}
	}
	return built{Canister: name, Bytes: len(bytes), Hash: report.Hash, File: out, Commit: c.Commit, Report: report}, nil
}

// fromGit is the value of --commit that stands for the checkout's.
const fromGit = "from git"

// commitOf asks git, which must have nothing uncommitted: the commit would not be the source.
func commitOf(ctx context.Context, dir, flag string) (string, error) {
	if flag != fromGit {
		return flag, nil
	}
	head, err := git(ctx, dir, "rev-parse", "HEAD")
	if err != nil {
		return "", fmt.Errorf("find the commit: %w; name one with --commit=TEXT", err)
	}
	changed, err := git(ctx, dir, "status", "--porcelain")
	if err != nil {
		return "", fmt.Errorf("look for changes: %w", err)
	}
	if changed != "" {
		first, _, _ := strings.Cut(changed, "\n")
		return "", fmt.Errorf("a release is built from a commit, and the checkout has changes that are in none: %s", first)
	}
	return head, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git: %s", strings.TrimSpace(string(exit.Stderr)))
	}
	return strings.TrimSpace(string(out)), err
}

// moduleAt reads a module, or builds the canister of a folder.
func moduleAt(ctx context.Context, at string) ([]byte, error) {
	if info, err := os.Stat(at); err == nil && !info.IsDir() {
		return os.ReadFile(at)
	}
	_, c, err := target(at)
	if err != nil {
		return nil, err
	}
	m, err := build.Canister(ctx, c)
	return m.Wasm, err
}
