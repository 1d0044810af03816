package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/cmd/assay/stack"
	"assay/ic/candid"
	"assay/ic/principal"
)

const (
	batchSize   = 20
	userGrant   = 20_000_000_000 // cycles that the dApp deposits for the user
	demoWindow  = 2 * time.Second
	workTimeout = 5 * time.Minute // for a stage of the story; a stuck demo must end with a cause
)

// story is the demo's plot on a running stack.
type story struct {
	*teller
	s     *stack.Stack
	dir   string
	texts []string
	own   bool // our own passages, so that our own question has an answer

	alpha, beta stack.ProviderState
	dapp        dappapi.Client[context.Context] // as its developer
	user        *client.Client
	agreed      uint64 // the user's job that both providers computed
	disputed    uint64
	jobs        int
	watched     chan watchResult
	audited     audit
}

func (t *story) tell(ctx context.Context) error {
	for _, step := range []struct {
		name, title string
		do          func(context.Context) error
	}{
		{"canisters", "Five canisters, and one that controls them", t.canisters},
		{"vote", "Three members vote: two providers, one model, a short window", t.vote},
		{"submit", "A dApp and a user ask for embeddings", t.submit},
		{"work", "Providers are drawn, compute and deliver", t.work},
		{"cheat", "One provider cheats once", t.cheat},
		{"search", "A question finds its passages", t.search},
		{"watch", "A websocket showed one job from submitted to final", t.watch},
		{"settle", "The books, and one receipt checked offline", t.settle},
	} {
		t.begin(step.name, step.title)
		stepCtx, cancel := context.WithTimeout(ctx, workTimeout)
		err := step.do(stepCtx)
		cancel()
		if err != nil {
			return fmt.Errorf("step %d (%s): %w", t.n-1, step.name, err)
		}
	}
	t.summary()
	return nil
}

func (t *story) canisters(ctx context.Context) error {
	installer, err := t.s.Agent("installer")
	if err != nil {
		return err
	}
	root := t.s.State.Canisters["root"]
	for _, name := range stack.Canisters[1:] {
		controllers, err := stack.Controllers(ctx, installer, t.s.State.Canisters[name])
		if err != nil {
			return fmt.Errorf("read the controllers of %s: %w", name, err)
		}
		if len(controllers) != 1 || controllers[0] != root {
			return fmt.Errorf("%s is controlled by %v, not by root alone", name, controllers)
		}
	}
	t.linef("root (%s) is the only controller of dao, market, vectors and dapp; root obeys the dao", root)
	return nil
}

func (t *story) vote(ctx context.Context) error {
	var err error
	if t.alpha, err = t.s.NewProvider("alpha"); err != nil {
		return err
	}
	if t.beta, err = t.s.NewProvider("beta"); err != nil {
		return err
	}
	gamma, err := t.s.NewProvider("gamma")
	if err != nil {
		return err
	}
	if err := t.installerIsRefused(ctx); err != nil {
		return err
	}
	parameters := stack.DefaultParameters()
	parameters.Window = uint64(demoWindow)
	if err := t.s.Admit(ctx, []stack.ProviderState{t.alpha, t.beta}, parameters, t.line); err != nil {
		return err
	}
	action, err := stack.AdmitProvider(gamma)
	if err != nil {
		return err
	}
	p, err := t.s.Decide(ctx, stack.Ballot{Summary: "admit provider gamma", Action: action, Votes: []bool{false, true, false}})
	if err != nil {
		return err
	}
	if p.State == nil || !p.State.Rejected {
		return fmt.Errorf("gamma's application ended as %s", p.State.Tag())
	}
	t.linef("proposal %d, %q: rejected, %d against %d", p.Id, p.Summary, p.No, p.Yes)
	for _, provider := range []stack.ProviderState{t.alpha, t.beta} {
		if err := t.s.StartProvider(ctx, provider, 0); err != nil {
			return err
		}
		t.linef("provider %s runs as process %d with its own key and journal", provider.Name, t.s.Provider(provider.Name).PID())
	}
	return nil
}

// installerIsRefused shows that who installed the market cannot admit anybody.
func (t *story) installerIsRefused(ctx context.Context) error {
	market, err := t.s.Market("installer")
	if err != nil {
		return err
	}
	answer, err := market.AdmitProvider(ctx, marketapi.ProviderEntry{Operator: t.alpha.Operator, Worker: t.alpha.Worker, Name: "alpha"})
	if err != nil {
		return err
	}
	if answer.Err == nil {
		return errors.New("the market let the installer admit a provider")
	}
	t.linef("the installer tries to admit a provider: refused (%s)", answer.Err.Message)
	return nil
}

func (t *story) submit(ctx context.Context) error {
	developer, err := t.s.Agent("developer")
	if err != nil {
		return err
	}
	t.dapp = dappapi.NewClient[context.Context](developer.Canister(t.s.State.Canisters["dapp"]))
	for at := 0; at < len(t.texts); at += batchSize {
		batch := t.texts[at:min(at+batchSize, len(t.texts))]
		answer, err := t.dapp.Index(ctx, dappapi.IndexArg{Passages: batch, Redundancy: 1})
		if err != nil {
			return fmt.Errorf("submit passages %d to %d: %w", at+1, at+len(batch), err)
		}
		if answer.Err != nil {
			return fmt.Errorf("submit passages %d to %d: %s", at+1, at+len(batch), answer.Err.Message)
		}
		t.jobs++
	}
	t.linef("the dApp canister submitted %d passages as %d jobs, cycles attached to each call", len(t.texts), t.jobs)
	return t.submitAsUser(ctx)
}

func (t *story) submitAsUser(ctx context.Context) (err error) {
	if t.user, err = t.s.Client("user"); err != nil {
		return err
	}
	id, err := t.s.Principal("user")
	if err != nil {
		return err
	}
	if err := t.s.Sponsor(ctx, "user", candid.NewNat(userGrant)); err != nil {
		return err
	}
	balance, err := t.user.API().Balance(ctx, nil)
	if err != nil {
		return err
	}
	t.linef("the dApp deposits cycles for user %s: balance %s", short(id), cycles(balance))
	t.agreed, err = t.submitText(ctx, "What is known about an answer, and who says so?")
	if err != nil {
		return err
	}
	t.linef("the user submits job %d from that balance, for two providers by commit and reveal", t.agreed)
	return t.startWatching(ctx)
}

// submitText is a user's job of one text for both providers.
func (t *story) submitText(ctx context.Context, text string) (uint64, error) {
	submitted, err := t.user.Submit(ctx, client.Request{Model: t.s.ModelRoot(), Items: client.Texts(text), Redundancy: 2})
	if err != nil {
		return 0, err
	}
	t.jobs++
	return submitted.Job.Seq, nil
}

func (t *story) work(ctx context.Context) error {
	if err := t.gammaIsRefused(ctx); err != nil {
		return err
	}
	last := -1
	err := until(ctx, 150*time.Millisecond, func() (bool, error) {
		status, err := t.dapp.Status(ctx)
		if err != nil {
			return false, err
		}
		for _, b := range status.Batches {
			if err := unanswered(b); err != nil {
				return false, err
			}
		}
		if done := int(status.Indexed) * 5 / len(t.texts); done != last && status.Indexed > 0 {
			last = done
			t.linef("%d of %d passages are embedded and stored in vectors", status.Indexed, len(t.texts))
		}
		return int(status.Indexed) == len(t.texts), nil
	})
	if err != nil {
		return fmt.Errorf("wait for the passages: %w", err)
	}
	job, err := t.settled(ctx, t.agreed)
	if err != nil {
		return err
	}
	if !job.State.Final {
		return fmt.Errorf("job %d ended as %s: %s", t.agreed, job.State.Tag(), job.Message)
	}
	t.linef("job %d was fixed before its beacon %x… was requested by raw_rand; it drew %s", t.agreed, (*job.Beacon)[:6], t.names(job.Assigned))
	for _, d := range job.Deliveries {
		t.linef("%s committed %x…, then revealed output %x…", t.name(d.Operator), (*d.Committed)[:6], (*d.OutputRoot)[:6])
	}
	t.linef("the hashes agree; evidence: %s", claims(job.Evidence))
	return nil
}

// unanswered is the error of a batch that will never be indexed; its state holds the market's reason.
func unanswered(b dappapi.Batch) error {
	if !strings.HasPrefix(b.State, "failed") && !strings.HasPrefix(b.State, "disputed") {
		return nil
	}
	return fmt.Errorf("job %d of %d passages ended as %q; one text that the model cannot read spoils its whole batch", b.Job.Seq, b.Passages, b.State)
}

// gammaIsRefused shows that the work of a provider that was voted down is not taken.
func (t *story) gammaIsRefused(ctx context.Context) error {
	market, err := t.s.Market("worker-gamma")
	if err != nil {
		return err
	}
	answer, err := market.Deliver(ctx, marketapi.DeliverArg{Job: 1, Attempt: 1, Output: marketapi.Output{
		{Dtype: marketapi.DType{F32: true}, Shape: []uint64{uint64(t.s.Model.Dimension)}, Data: make([]byte, 4*t.s.Model.Dimension)},
	}})
	if err != nil {
		return err
	}
	if answer.Err == nil {
		return errors.New("the market took work of a provider that was voted down")
	}
	t.linef("gamma, voted down, delivers anyway: refused (%s)", answer.Err.Message)
	return nil
}

func (t *story) cheat(ctx context.Context) error {
	t.s.StopProvider(t.beta.Name)
	if err := t.s.StartProvider(ctx, t.beta, 1); err != nil {
		return err
	}
	t.line("provider beta is restarted with --development-cheat: it will falsify one output")
	before, err := t.user.API().Balance(ctx, nil)
	if err != nil {
		return err
	}
	if t.disputed, err = t.submitText(ctx, "Would you notice a single wrong bit?"); err != nil {
		return err
	}
	job, err := t.settled(ctx, t.disputed)
	if err != nil {
		return err
	}
	if !job.State.Disputed {
		return fmt.Errorf("job %d ended as %s, the cheat was not noticed", t.disputed, job.State.Tag())
	}
	after, err := t.user.API().Balance(ctx, nil)
	if err != nil {
		return err
	}
	if after.Cmp(before) != 0 {
		return fmt.Errorf("the user had %s cycles before the disputed job and has %s after it", before, after)
	}
	t.linef("job %d: the reveals differ, so it is disputed; nobody is paid, the user has %s again", t.disputed, cycles(after))
	return t.replay(ctx, t.disputed)
}

func (t *story) replay(ctx context.Context, seq uint64) error {
	model, err := t.s.Model.Load(2)
	if err != nil {
		return err
	}
	replay, err := t.user.Replay(ctx, seq, model)
	if err != nil {
		return err
	}
	t.linef("assay job replay %d computes it again: output %s", seq, replay.Output)
	for _, v := range replay.Deliveries {
		t.linef("   %s", t.verdict(v))
	}
	wrong := replay.Wrong()
	if len(wrong) != 1 || wrong[0].Operator != t.beta.Operator {
		return fmt.Errorf("beta cheated once, the replay blames %d deliveries", len(wrong))
	}
	t.line("no verdict and no penalty here: the replay is anybody's own check, the referee comes later")
	return nil
}

func (t *story) verdict(v client.Verdict) string {
	switch {
	case v.Shown == nil:
		return t.name(v.Operator) + " never showed an output"
	case v.Equal:
		return fmt.Sprintf("%s delivered %s: the same", t.name(v.Operator), v.Shown)
	}
	return fmt.Sprintf("%s delivered %s: ANOTHER OUTPUT, the wrong delivery", t.name(v.Operator), v.Shown)
}

func (t *story) search(ctx context.Context) error {
	question := "Who pays for the computation of a canister?"
	if !t.own {
		question = t.texts[0]
	}
	answer, err := ask(ctx, t.dapp, question)
	if err != nil {
		return err
	}
	if len(answer.Hits) == 0 {
		return errors.New("the search found nothing")
	}
	t.jobs++
	t.linef("question, embedded the same way: %q", question)
	for _, hit := range answer.Hits {
		t.linef("%.4f  %s", hit.Score, hit.Text)
	}
	return nil
}

// settled waits until a job does not change any more.
func (t *story) settled(ctx context.Context, seq uint64) (marketapi.Job, error) {
	var job marketapi.Job
	err := until(ctx, 100*time.Millisecond, func() (bool, error) {
		j, err := t.user.Job(ctx, seq)
		job = j
		return err == nil && client.Settled(j), err
	})
	if err != nil {
		return job, fmt.Errorf("wait for job %d: %w", seq, err)
	}
	return job, nil
}

// until polls a condition.
func until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (t *story) name(operator principal.Principal) string {
	for _, p := range []stack.ProviderState{t.alpha, t.beta} {
		if p.Operator == operator {
			return p.Name
		}
	}
	return operator.String()
}

func (t *story) names(operators []principal.Principal) string {
	var out []string
	for _, o := range operators {
		out = append(out, t.name(o))
	}
	return strings.Join(out, " and ")
}
