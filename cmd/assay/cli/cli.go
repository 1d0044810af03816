// Package cli holds the verbs of the command line, one file each. What a verb does is in
// client, stack and the rooms; here it gets its flags, its texts and its exit code.
// stdout is data, stderr is for people.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/client"
	"assay/cmd/assay/stack"
)

// Exit codes, listed in `assay help`.
const (
	exitOK        = 0
	exitFailed    = 1   // it did not work; the message says why and what to do
	exitUsage     = 2   // the command line was wrong
	exitRefused   = 3   // a canister refused the call
	exitUnknown   = 4   // no such job, provider or folder
	exitDoubt     = 5   // a check found something wrong with a result or receipt
	exitInterrupt = 130 // Ctrl-C
)

const exitHelp = `
Exit codes: 0 it worked · 1 it failed · 2 wrong command line · 3 a canister refused ·
4 not found · 5 a check found something wrong · 130 interrupted`

// codeError carries an exit code with an error.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func withCode(code int, err error) error { return &codeError{code, err} }

// app is what all verbs share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	state          string // folder of the local stack
	identity       string // which of the stack's keys signs
	networkName    string // of another network than the stack's
	market         string // id of another market than the stack's
	json           bool
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.command()
	if isLauncherCall(args) {
		args = append([]string{"network", "launcher"}, args...)
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "interrupted")
		return exitInterrupt
	}
	for text := range strings.SplitSeq("assay: "+err.Error(), "\n") {
		fmt.Fprintln(stderr, printable(text))
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		fmt.Fprintln(stderr, "nothing answers there: start the stack with `assay up`, or name its folder with --state")
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var coded *codeError
	var refused *client.MarketError
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &refused):
		return exitRefused
	case errors.Is(err, stack.ErrRole), errors.Is(err, stack.ErrModelName), isCobra(err):
		return exitUsage
	}
	return exitFailed
}

// isCobra recognises the errors of the command line that cobra gives no type.
func isCobra(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "unknown command ") || strings.HasPrefix(text, "required flag(s) ")
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return withCode(exitUsage, fmt.Errorf("unknown command %q; see `%s --help`", args[0], c.CommandPath()))
			}
			return c.Help()
		},
	}
	c.AddCommand(commands...)
	return c
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "assay",
		Short:         "Verified AI compute for the Internet Computer",
		Long:          "Assay runs ONNX models off chain for Internet Computer canisters and brings answers back with evidence.\nStart with `assay demo`." + exitHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&a.state, "state", defaultState(), "folder of the local stack (ASSAY_STATE)")
	root.PersistentFlags().StringVar(&a.identity, "identity", "user", "which of the stack's keys signs: user, developer, member-1 …; a new name makes a new key")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return withCode(exitUsage, fmt.Errorf("%w; see `%s --help`", err, c.CommandPath()))
	})
	root.AddCommand(a.demo(), a.up(), a.network(), a.elsewhere(a.submit()), a.elsewhere(a.job()), a.elsewhere(a.search()), a.elsewhere(a.balance()), a.model(), a.provider(), a.canister(), a.candid())
	return root
}

func defaultState() string {
	if dir := os.Getenv("ASSAY_STATE"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".assay"
	}
	return filepath.Join(home, ".assay", "up")
}

// print writes data to stdout: as JSON when asked for, else in the words of text.
func (a *app) print(v any, text func(w io.Writer)) error {
	if !a.json {
		text(a.stdout)
		return nil
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (a *app) jsonFlag(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return c
}

// complete offers a shell the values that flags take.
func complete(c *cobra.Command, values map[string][]string) {
	for name, choices := range values {
		if err := c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // a flag of that name is not there, or is completed twice
		}
	}
}

// exactArgs is cobra's check with our exit code and a hint.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return withCode(exitUsage, fmt.Errorf("%s takes %s; see `%s --help`", c.CommandPath(), what, c.CommandPath()))
		}
		return nil
	}
}
