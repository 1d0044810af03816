package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/cmd/assay/stack"
	"assay/commitment"
	"assay/orchestrator/daemon"
)

// session is the user's side of a running stack.
type session struct {
	state  stack.State
	client *client.Client
}

// open connects to the stack in the state folder, or where --network and --market say.
func (a *app) open(ctx context.Context) (session, error) {
	state, err := a.where(ctx)
	if err != nil {
		return session{}, err
	}
	agent, err := stack.Connect(a.state, state, a.identity)
	if err != nil {
		return session{}, err
	}
	return session{state, client.New(agent, state.Canisters["market"])}, nil
}

func (a *app) submit() *cobra.Command {
	var redundancy uint8
	var wait bool
	var model, file string
	c := &cobra.Command{
		Use:   "submit TEXT…",
		Short: "Submit an embedding job, one item per text, paid from your prepaid balance",
		RunE: func(c *cobra.Command, args []string) error {
			args, err := submitTexts(c, args, file)
			if err != nil {
				return err
			}
			s, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if model == "" {
				model = s.state.Model.Root
			}
			var root commitment.Hash
			if err := parseHash(model, &root); err != nil {
				return withCode(exitUsage, err)
			}
			submitted, err := s.client.Submit(c.Context(), client.Request{Model: root, Items: client.Texts(args...), Redundancy: redundancy})
			if err != nil {
				return err
			}
			if wait {
				if _, err := waitSettled(c.Context(), s.client, submitted.Job.Seq); err != nil {
					return err
				}
			}
			return a.print(submittedView{submitted.Job.Seq, submitted.Price.String(), fmt.Sprintf("%x", submitted.InputHash)}, func(w io.Writer) {
				fmt.Fprintf(w, "job %d, %s cycles; follow it with `assay job watch %d`\n", submitted.Job.Seq, cycles(submitted.Price), submitted.Job.Seq)
			})
		},
	}
	c.Flags().Uint8Var(&redundancy, "redundancy", 1, "providers that compute it; 2 and more commit before they reveal")
	c.Flags().StringVar(&file, "file", "", "one more text, the whole content of a file")
	c.Flags().StringVar(&model, "model-root", "", "the model to run, by its root (the stack's if empty)")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the job has settled")
	return a.jsonFlag(c)
}

// submitTexts are the texts of the command line and the file, which have to be UTF-8.
func submitTexts(c *cobra.Command, texts []string, file string) ([]string, error) {
	if file != "" {
		text, err := readText(file)
		if err != nil {
			return nil, withCode(exitUsage, err)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return nil, withCode(exitUsage, fmt.Errorf("give at least one text; see `%s --help`", c.CommandPath()))
	}
	for i, text := range texts {
		switch {
		case text == "":
			return nil, withCode(exitUsage, fmt.Errorf("text %d is empty: give it at least one character", i+1))
		case !visible(text):
			return nil, withCode(exitUsage, fmt.Errorf("text %d is empty to a reader: it has no character that can be seen", i+1))
		case !utf8.ValidString(text):
			return nil, withCode(exitUsage, fmt.Errorf("text %d is not valid UTF-8: convert it first, for example with iconv", i+1))
		}
	}
	return texts, nil
}

// visible reports whether a text has anything but spaces and control characters.
func visible(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

// maxFile is the longest file in bytes that is read as one text: no request is longer.
const maxFile = 2 << 20

func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%s is longer than %d bytes, which no request may be: split it", file, maxFile)
	}
	return string(b), nil
}

type submittedView struct {
	Job       uint64 `json:"job"`
	Price     string `json:"price"`
	InputHash string `json:"input_hash"`
}

func waitSettled(ctx context.Context, c *client.Client, seq uint64) (job marketapi.Job, err error) {
	err = until(ctx, 100*time.Millisecond, func() (bool, error) {
		job, err = c.Job(ctx, seq)
		return err == nil && client.Settled(job), err
	})
	return job, err
}

func (a *app) job() *cobra.Command {
	return group("job", "Look at a job: show, watch, verify, replay", a.jobShow(), a.jobWatch(), a.jobVerify(), a.jobReplay())
}

// jobCommand is a verb on one job of the running stack.
func (a *app) jobCommand(use, short, long string, do func(context.Context, session, uint64) error) *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use: use + " ID", Short: short, Long: long, Args: exactArgs(1, "a job id"),
		RunE: func(c *cobra.Command, args []string) error {
			seq, err := commitment.ParseSeq(args[0])
			if err != nil {
				return withCode(exitUsage, err)
			}
			s, err := a.open(c.Context())
			if err != nil {
				return err
			}
			return notFound(do(c.Context(), s, seq))
		},
	})
}

// notFound gives the market's "unknown job" its exit code.
func notFound(err error) error {
	var market *client.MarketError
	if errors.Is(err, client.ErrUnknownJob) || errors.As(err, &market) && market.Code() == "unknown_job" {
		return withCode(exitUnknown, err)
	}
	return err
}

func (a *app) jobShow() *cobra.Command {
	return a.jobCommand("show", "Show a job's state, evidence, price and who delivered", "", func(ctx context.Context, s session, seq uint64) error {
		job, err := s.client.Job(ctx, seq)
		if err != nil {
			return err
		}
		return a.print(viewJob(job), func(w io.Writer) { printJob(w, job) })
	})
}

func (a *app) jobWatch() *cobra.Command {
	return a.jobCommand("watch", "Follow a job over a provider's websocket until it has settled", "", func(ctx context.Context, s session, seq uint64) error {
		var daemons []string
		for _, p := range s.state.Providers {
			if address, err := daemon.ReadAddress(stack.ProviderDir(a.state, p.Name)); err == nil {
				daemons = append(daemons, address.URL)
			}
		}
		if len(daemons) == 0 {
			return withCode(exitUnknown, errors.New("no provider of this stack runs: start it with `assay up`"))
		}
		if _, err := s.client.Job(ctx, seq); err != nil {
			return err // a job that nobody knows is not worth watching
		}
		_, err := client.Watch(ctx, daemons, seq, 0, func(f client.Frame) error {
			return a.printLine(f, func(w io.Writer) {
				switch f.Type {
				case client.FrameSnapshot:
					fmt.Fprintf(w, "job %d is %s\n", f.Job, f.State)
				case client.FrameEvent:
					fmt.Fprintf(w, "%s  #%d  %-12s %s\n", time.Unix(0, int64(f.At)).Format("15:04:05.000"), f.Seq, f.Kind, f.Detail)
				default:
					fmt.Fprintln(w, "settled; its receipt: `assay job verify "+commitment.JobID{Seq: f.Job}.String()+"`")
				}
			})
		})
		return err
	})
}

func (a *app) jobVerify() *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use: "verify ID", Short: "Check a job's receipt offline against the root key and the pinned market id",
		Long: `Check a job's receipt. The receipt with its certificates is fetched once and kept in the
state folder; the check itself uses nothing but that file, the root key and the market's id
that the folder pins, so it works without a network.`,
		Args: exactArgs(1, "a job id"),
		RunE: func(c *cobra.Command, args []string) error {
			seq, err := commitment.ParseSeq(args[0])
			if err != nil {
				return withCode(exitUsage, err)
			}
			s, err := a.open(c.Context())
			if err != nil {
				return err
			}
			file, err := receiptFile(a.state, seq)
			if err != nil {
				return err
			}
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
				if err := keepReceipt(c.Context(), s.client, seq, file); err != nil {
					return notFound(err)
				}
			}
			findings, err := checkReceipt(file, s.state, seq)
			view := verifyView{Job: seq, File: file, Holds: err == nil, Findings: findings.Lines}
			if perr := a.print(view, func(w io.Writer) { printFindings(w, view) }); perr != nil {
				return perr
			}
			if err != nil {
				return withCode(exitDoubt, err)
			}
			return nil
		},
	})
}

type verifyView struct {
	Job      uint64           `json:"job"`
	File     string           `json:"file"`
	Holds    bool             `json:"holds"`
	Findings []client.Finding `json:"findings"`
}

func printFindings(w io.Writer, v verifyView) {
	fmt.Fprintf(w, "receipt of job %d, kept in %s\n", v.Job, v.File)
	for _, f := range v.Findings {
		fmt.Fprintln(w, "  "+finding(f))
	}
}

func (a *app) jobReplay() *cobra.Command {
	long := `Compute a job again on this machine and compare with every delivery. Only the requester and
the drawn providers may read a job's input, so this is the requester's check.`
	return a.jobCommand("replay", "Compute a job again and compare with every delivery", long, func(ctx context.Context, s session, seq uint64) error {
		model, err := s.model(ctx, func(text string) { fmt.Fprintln(a.stderr, text) })
		if err != nil {
			return err
		}
		replay, err := s.client.Replay(ctx, seq, model)
		if err != nil {
			return err
		}
		view := viewReplay(replay)
		if err := a.print(view, func(w io.Writer) { printReplay(w, view) }); err != nil {
			return err
		}
		if n := len(replay.Wrong()); n > 0 {
			return withCode(exitDoubt, fmt.Errorf("%d deliveries of job %d are wrong", n, seq))
		}
		return nil
	})
}

type replayView struct {
	Job        uint64        `json:"job"`
	OutputRoot string        `json:"output_root"`
	Certified  bool          `json:"input_certified"`
	Deliveries []verdictView `json:"deliveries"`
}

type verdictView struct {
	Operator string `json:"operator"`
	Shown    string `json:"output_root,omitempty"`
	Equal    bool   `json:"equal"`
}

func viewReplay(r client.Replay) replayView {
	v := replayView{Job: r.Job.Id.Seq, OutputRoot: r.Output.String(), Certified: r.Certified}
	for _, d := range r.Deliveries {
		shown := ""
		if d.Shown != nil {
			shown = d.Shown.String()
		}
		v.Deliveries = append(v.Deliveries, verdictView{d.Operator.String(), shown, d.Equal})
	}
	return v
}

func printReplay(w io.Writer, v replayView) {
	fmt.Fprintf(w, "job %d computed again: output %s\n", v.Job, v.OutputRoot)
	for _, d := range v.Deliveries {
		verdict := "the same"
		switch {
		case d.Shown == "":
			verdict = "never showed an output"
		case !d.Equal:
			verdict = "ANOTHER OUTPUT, the wrong delivery: " + d.Shown
		}
		fmt.Fprintf(w, "  operator %s: %s\n", d.Operator, verdict)
	}
}

type jobView struct {
	ID         uint64            `json:"id"`
	State      string            `json:"state"`
	Requester  string            `json:"requester"`
	Model      string            `json:"model"`
	Items      uint32            `json:"items"`
	Redundancy uint8             `json:"redundancy"`
	Attempt    uint32            `json:"attempt"`
	Price      string            `json:"price"`
	OutputRoot string            `json:"output_root,omitempty"`
	Evidence   []marketapi.Claim `json:"evidence"`
	Deliveries []verdictView     `json:"deliveries"`
	Message    string            `json:"message,omitempty"`
	Submitted  time.Time         `json:"submitted"`
	Settled    *time.Time        `json:"settled,omitempty"`
}

func viewJob(j marketapi.Job) jobView {
	v := jobView{
		ID: j.Id.Seq, State: client.State(j), Requester: j.Requester.String(), Model: fmt.Sprintf("%x", j.Model), Items: j.Items, Redundancy: j.Redundancy,
		Attempt: j.Attempt, Price: j.Price.String(), Evidence: j.Evidence, Message: j.Message, Submitted: time.Unix(0, int64(j.Submitted)),
	}
	if j.OutputRoot != nil {
		v.OutputRoot = fmt.Sprintf("%x", *j.OutputRoot)
	}
	if j.Settled != nil {
		at := time.Unix(0, int64(*j.Settled))
		v.Settled = &at
	}
	for _, d := range j.Deliveries {
		shown := ""
		if d.OutputRoot != nil {
			shown = fmt.Sprintf("%x", *d.OutputRoot)
		}
		v.Deliveries = append(v.Deliveries, verdictView{d.Operator.String(), shown, shown != "" && shown == v.OutputRoot})
	}
	return v
}

func printJob(w io.Writer, j marketapi.Job) {
	v := viewJob(j)
	fmt.Fprintf(w, "job       %d, %s\n", v.ID, v.State)
	if v.Message != "" {
		fmt.Fprintf(w, "why       %s\n", v.Message)
	}
	fmt.Fprintf(w, "requester %s\nmodel     %s\nitems     %d for %d providers, attempt %d\nprice     %s cycles\n", v.Requester, v.Model, v.Items, v.Redundancy, v.Attempt, grouped(v.Price))
	if v.OutputRoot != "" {
		fmt.Fprintf(w, "output    %s\n", v.OutputRoot)
	}
	if len(v.Evidence) > 0 {
		fmt.Fprintf(w, "evidence  %s\n", claims(v.Evidence))
	}
	for _, d := range v.Deliveries {
		fmt.Fprintf(w, "delivery  %s %s\n", d.Operator, strings.TrimSpace(d.Shown))
	}
}
