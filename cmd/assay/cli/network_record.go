package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay/ic/replica"
)

// endWait is how long the end of a recording, with a hash over the whole state, may take
// after Ctrl-C.
const endWait = 5 * time.Minute

func (a *app) networkRecord() *cobra.Command {
	var f controlFlags
	var o replica.RecordOptions
	var limit time.Duration
	c := &cobra.Command{
		Use:   "record FILE",
		Short: "Record what happens in a running network",
		Long: `Write the network's state, then all that happens in it, to a new file, until Ctrl-C, --rounds or
--for; at the end stands a hash over the whole state. ` + "`assay network replay`" + ` executes the
file again, in a network of its own, and compares. The network waits for the file to be written.`,
		Args: exactArgs(1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := a.controlClient(f)
			if err != nil {
				return err
			}
			file, err := createRecording(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stderr, "recording; end it with Ctrl-C")
			ctx, cancel := c.Context(), context.CancelFunc(func() {})
			if limit > 0 {
				ctx, cancel = context.WithTimeout(ctx, limit)
			}
			defer cancel()
			hard, stop := lateContext(ctx, endWait)
			defer stop()
			if err := errors.Join(client.Record(ctx, hard, file, o), file.keep()); err != nil {
				return err
			}
			v := recordView{args[0], file.size}
			return a.print(v, func(w io.Writer) { fmt.Fprintf(w, "recorded %d bytes to %s\n", v.Bytes, v.File) })
		},
	}
	f.add(c)
	c.Flags().Uint64Var(&o.Rounds, "rounds", 0, "end after so many rounds (0: not)")
	c.Flags().Uint64Var(&o.HashEvery, "hash-every", 0, "rounds between hashes of the state, by which a replay finds where it parts (0: at the end only)")
	c.Flags().DurationVar(&limit, "for", 0, "end after so long (0: not)")
	return a.jsonFlag(c)
}

type recordView struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// lateContext ends some time after another.
func lateContext(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(wait, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}

// recordingFile is a recording being written.
type recordingFile struct {
	f    *os.File
	size int64
}

// createRecording makes a file where there is none.
func createRecording(path string) (*recordingFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("record to %s: there is such a file already; take another name", path)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &recordingFile{f: f}, nil
}

func (r *recordingFile) Write(b []byte) (int, error) {
	n, err := r.f.Write(b)
	r.size += int64(n)
	return n, err
}

func (r *recordingFile) keep() error { return errors.Join(r.f.Sync(), r.f.Close()) }
