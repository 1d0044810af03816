package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/cmd/assay/stack"
	"assay/ic/candid"
	"assay/ic/principal"
)

// watchResult is what a websocket client saw.
type watchResult struct {
	frames []client.Frame
	err    error
}

// startWatching follows the user's job over a provider's websocket while the story goes on.
func (t *story) startWatching(ctx context.Context) error {
	var urls []string
	for _, p := range []stack.ProviderState{t.alpha, t.beta} {
		url, err := t.s.Provider(p.Name).URL()
		if err != nil {
			return fmt.Errorf("find the event stream of %s: %w", p.Name, err)
		}
		urls = append(urls, url)
	}
	t.watched = make(chan watchResult, 1)
	seq := t.agreed
	watchCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	go func() {
		defer cancel()
		var r watchResult
		_, r.err = client.Watch(watchCtx, urls, seq, 0, func(f client.Frame) error {
			r.frames = append(r.frames, f)
			return nil
		})
		t.watched <- r
	}()
	return nil
}

func (t *story) watch(ctx context.Context) error {
	var r watchResult
	select {
	case r = <-t.watched:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.err != nil {
		return fmt.Errorf("watch job %d: %w", t.agreed, r.err)
	}
	var start uint64
	seen := map[string]bool{}
	for _, f := range r.frames {
		if f.Type != client.FrameEvent {
			continue
		}
		if start == 0 {
			start = f.At
		}
		seen[f.Kind] = true
		t.linef("#%-4d +%6.2fs  %-12s %s", f.Seq, float64(f.At-start)/1e9, f.Kind, f.Detail)
	}
	for _, kind := range []string{"submitted", "provisional", "final"} {
		if !seen[kind] {
			return fmt.Errorf("the stream of job %d did not show %q", t.agreed, kind)
		}
	}
	t.linef("the window between provisional and final is %s here: a parameter that the members voted to seconds", demoWindow)
	return nil
}

func (t *story) settle(ctx context.Context) error {
	books, err := t.finalBooks(ctx)
	if err != nil {
		return err
	}
	printBooks(t.linef, books)
	if s := books.Sum.String(); s != "0" {
		return fmt.Errorf("the books sum to %s, not to zero", s)
	}
	if !books.Covered {
		return errors.New("the market's liquid cycles do not cover what it owes and its reserve")
	}
	if err := t.audit(ctx, books); err != nil {
		return err
	}
	file, err := receiptFile(t.dir, t.agreed)
	if err != nil {
		return err
	}
	if err := keepReceipt(ctx, t.user, t.agreed, file); err != nil {
		return err
	}
	t.linef("assay job verify %d, offline, against the root key and the pinned market id:", t.agreed)
	findings, err := checkReceipt(file, t.s.State, t.agreed)
	for _, f := range findings.Lines {
		t.linef("   %s", finding(f))
	}
	return err
}

// audit asks the market what became of every job; the summary is made of it.
func (t *story) audit(ctx context.Context, books marketapi.Books) (err error) {
	if t.audited, err = auditJobs(ctx, t.user.API(), t.disputed); err != nil {
		return fmt.Errorf("the market's jobs at the end: %w", err)
	}
	if n := t.audited.jobs(); n != t.jobs {
		return fmt.Errorf("%d jobs were submitted, the market has %d", t.jobs, n)
	}
	if err := t.audited.paidOnce(books); err != nil {
		return err
	}
	for i, line := range t.audited.lines {
		if i == shownJobs {
			t.linef("… and %d jobs more, each as it has to be", len(t.audited.lines)-shownJobs)
			break
		}
		t.line(line)
	}
	return nil
}

// finalBooks waits until every job of the story has settled and returns the books.
func (t *story) finalBooks(ctx context.Context) (marketapi.Books, error) {
	market, err := t.s.Market("user")
	if err != nil {
		return marketapi.Books{}, err
	}
	var books marketapi.Books
	err = until(ctx, 150*time.Millisecond, func() (bool, error) {
		if books, err = market.Books(ctx); err != nil {
			return false, err
		}
		for _, a := range books.Accounts {
			if strings.HasPrefix(a.Name, "escrow") && a.Balance.String() != "0" {
				return false, nil
			}
		}
		return true, nil
	})
	return books, err
}

func printBooks(linef func(string, ...any), b marketapi.Books) {
	linef("%-28s %22s", "account", "cycles")
	for _, a := range b.Accounts {
		name := a.Name
		if a.Owner != nil {
			kind, _, _ := strings.Cut(a.Name, ":")
			name = kind + " " + short(*a.Owner)
		}
		linef("%-28s %22s", name, grouped(a.Balance.String()))
	}
	linef("%-28s %22s   (%d entries)", "sum", b.Sum.String(), b.Entries)
	linef("liquid cycles %s cover what is owed (%s) and the reserve (%s): %t", cycles(b.Liquid), cycles(b.Owed), cycles(b.Reserve), b.Covered)
}

func (t *story) summary() {
	t.end()
	t.plain("\nSummary")
	a := t.audited
	t.linef("%d passages, %d jobs: %d final, %d disputed, %d failed; %d providers, %d canisters, 1 network", len(t.texts), a.jobs(), a.final, a.disputed, a.failed, a.providers, len(t.s.State.Canisters))
	var parts []string
	for _, s := range t.steps {
		parts = append(parts, fmt.Sprintf("%s %.1fs", s.name, s.took.Seconds()))
	}
	t.linef("time: %.1fs in all (%s)", time.Since(t.start).Seconds(), strings.Join(parts, ", "))
	t.line("for development only: the embedded network and its free cycles, the cheat, keys in a temporary folder, a window of seconds")
	if t.s.Model.Tiny {
		t.line("model: the TINY ONE, made from the repository's own passages; with pip and npm the demo runs all-MiniLM-L6-v2")
	} else {
		t.linef("model: %s, the real one, run by the exact executor", t.s.Model.Manifest.Name)
	}
}

// ask puts a question to the dApp and waits for its answer.
func ask(ctx context.Context, dapp dappapi.Client[context.Context], question string) (dappapi.Question, error) {
	asked, err := dapp.Ask(ctx, question)
	if err != nil {
		return dappapi.Question{}, err
	}
	if asked.Err != nil {
		return dappapi.Question{}, withCode(exitRefused, fmt.Errorf("dapp: %s", asked.Err.Message))
	}
	var answer dappapi.Question
	err = until(ctx, 100*time.Millisecond, func() (bool, error) {
		q, err := dapp.Answer(ctx, *asked.Ok)
		if err != nil || q == nil {
			return false, err
		}
		answer = *q
		if strings.HasPrefix(answer.State, "failed") {
			return false, fmt.Errorf("the question was not answered: %s", answer.State)
		}
		return answer.State == "answered", nil
	})
	return answer, err
}

// short is the beginning of a principal, for tables.
func short(p principal.Principal) string {
	s := p.String()
	if i := strings.IndexByte(s, '-'); i > 0 && len(s) > 12 {
		return s[:i] + "…"
	}
	return s
}

// cycles prints an amount the way people say it.
func cycles(n candid.Nat) string { return grouped(n.String()) }

// grouped puts an apostrophe between groups of three digits.
func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte('\'')
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

func claims(evidence []marketapi.Claim) string {
	var out []string
	for _, c := range evidence {
		out = append(out, c.Word+" ("+c.Detail+")")
	}
	return strings.Join(out, ", ")
}

func finding(f client.Finding) string {
	if !f.OK {
		return "DOES NOT HOLD  " + f.Name + ": " + f.Detail
	}
	return "holds  " + f.Name + ": " + f.Detail
}

// keepReceipt fetches a job's receipt with its certificates into a file.
func keepReceipt(ctx context.Context, c *client.Client, seq uint64, file string) error {
	bundle, err := c.Receipt(ctx, seq)
	if err != nil {
		return err
	}
	b, err := bundle.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// checkReceipt checks a kept receipt of a job with nothing but the stack's root key and market id.
func checkReceipt(file string, state stack.State, seq uint64) (client.Findings, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return client.Findings{}, err
	}
	bundle, err := client.DecodeBundle(b)
	if err != nil {
		return client.Findings{}, err
	}
	rootKey, err := state.RootKeyDER()
	if err != nil {
		return client.Findings{}, err
	}
	findings, err := client.VerifyBundle(bundle, rootKey, state.Canisters["market"])
	if got := findings.Receipt.Job.Seq; err == nil && got != seq {
		err = fmt.Errorf("the file holds the receipt of job %d, not of job %d", got, seq)
		findings.Lines = append(findings.Lines, client.Finding{Name: "job", Detail: err.Error()})
	}
	return findings, err
}

// receiptFile is where a stack keeps a job's receipt bundle.
func receiptFile(dir string, seq uint64) (string, error) {
	folder := filepath.Join(dir, "receipts")
	return filepath.Join(folder, fmt.Sprintf("%d.json", seq)), os.MkdirAll(folder, 0o755)
}
