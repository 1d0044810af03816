package markettest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/internal/subnet"
)

// Sizes of the real model and of the jobs that the demo places.
const (
	dimension = 384
	batch     = 40
)

var manifest = []byte("manifest of a test")

func modelRoot() commitment.Hash { return commitment.ModelRoot(manifest) }

// embed stands for a model: the same text gives the same vector, close to nothing else.
func embed(text string) []float32 {
	r := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(text))))
	v, length := make([]float32, dimension), 0.0
	for i := range v {
		v[i] = float32(r.NormFloat64())
		length += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(length))
	}
	return v
}

func tensor(v []float32) marketapi.Tensor {
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return marketapi.Tensor{Dtype: marketapi.DType{F32: true}, Shape: []uint64{dimension}, Data: data}
}

// provider is played by the test through the market's public methods.
type provider struct {
	w      *network
	name   string
	cheats bool
}

func (p provider) operator() principal.Principal { return subnet.User(p.name + " operator") }
func (p provider) worker() principal.Principal   { return subnet.User(p.name + " worker") }

func (p provider) admission() daoapi.Action {
	arg, err := marketapi.EncodeAdmitProviderArgs(marketapi.ProviderEntry{Operator: p.operator(), Worker: p.worker(), Name: p.name})
	return marketAction("admit_provider", arg, err)
}

// open lists the provider's assignments, each checked against the root key.
func (p provider) open() []marketapi.Assignment {
	w := p.w
	w.t.Helper()
	as, err := w.market(p.worker()).Assignments(w.t.Context(), p.operator())
	w.must(err)
	tree := w.verify(as.Certificate, as.Witness)
	for _, a := range as.Assignments {
		sum := assignmentSum(a, w.rootKey)
		value, result := tree.Lookup([]byte("assignments"), p.operator().Bytes(), commitment.SeqLabel(a.Job.Seq))
		if result != hashtree.Found || !bytes.Equal(value, sum[:]) {
			w.t.Fatalf("assignment of job %d to %s is not certified (%s)", a.Job.Seq, p.name, result)
		}
	}
	return as.Assignments
}

// verify checks a certificate of the market with its witness.
func (w *network) verify(cert, witness []byte) hashtree.Node {
	w.t.Helper()
	c, err := certificate.Decode(cert)
	w.must(err)
	w.must(c.Verify(w.rootKey, w.ids["market"], w.Now, time.Minute))
	tree, err := c.VerifyWitness(w.ids["market"], witness)
	w.must(err)
	return tree
}

func hashOf(b []byte) (h commitment.Hash) {
	copy(h[:], b)
	return h
}

func workOf(a marketapi.Assignment, rootKey []byte) commitment.Work {
	return commitment.Work{
		Network: commitment.NetworkID(rootKey), Job: commitment.JobID{Market: string(a.Job.Market.Bytes()), Seq: a.Job.Seq},
		Attempt: a.Attempt, Executor: a.Worker.Bytes(), Model: hashOf(a.Model), Input: hashOf(a.InputHash),
	}
}

func assignmentSum(a marketapi.Assignment, rootKey []byte) commitment.Hash {
	return commitment.Assignment{
		Work: workOf(a, rootKey), Operator: a.Operator.Bytes(), Parameters: hashOf(a.ParametersHash), Phase: a.Phase.Tag(), Deadline: a.Deadline,
	}.Sum()
}

// work does all that the provider is asked to do at the moment.
func (p provider) work() {
	w := p.w
	w.t.Helper()
	for _, a := range p.open() {
		in, err := w.market(p.worker()).JobInput(w.t.Context(), a.Job.Seq)
		w.must(err)
		if in.Err != nil {
			w.t.Fatalf("input: %s", in.Err.Message)
		}
		var out marketapi.Output
		var roots []commitment.Hash
		for _, it := range *in.Ok.Inline {
			v := embed(*it.Text)
			if p.cheats {
				v[0] += 0.5
			}
			t := tensor(v)
			root, err := commitment.TensorRoot(commitment.Float32, t.Shape, t.Data)
			w.must(err)
			out, roots = append(out, t), append(roots, root)
		}
		p.handIn(a, out, commitment.OutputRoot(roots))
	}
}

func (p provider) handIn(a marketapi.Assignment, out marketapi.Output, root commitment.Hash) {
	w := p.w
	w.t.Helper()
	ctx, market, seq := w.t.Context(), w.market(p.worker()), a.Job.Seq
	salt := sha256.Sum256(fmt.Append(nil, p.name, seq, a.Attempt))
	var failure *marketapi.Failure
	var err error
	switch {
	case a.Phase.Deliver:
		var r marketapi.DeliverResult
		r, err = market.Deliver(ctx, marketapi.DeliverArg{Job: seq, Attempt: a.Attempt, Output: out})
		failure = r.Err
	case a.Phase.Commit:
		var r marketapi.CommitResult
		c := commitment.Commit(workOf(a, w.rootKey), root, salt[:])
		r, err = market.Commit(ctx, marketapi.CommitArg{Job: seq, Attempt: a.Attempt, Commit: c[:]})
		failure = r.Err
	default:
		var r marketapi.RevealResult
		r, err = market.Reveal(ctx, marketapi.RevealArg{Job: seq, Attempt: a.Attempt, Output: out, Salt: salt[:]})
		failure = r.Err
	}
	w.must(err)
	if failure != nil && !failure.Code.Duplicate {
		w.t.Fatalf("%s hands in job %d: %s", p.name, seq, failure.Message)
	}
}

func (w *network) admitModel() {
	w.t.Helper()
	root := modelRoot()
	arg, err := marketapi.EncodeAdmitArgs(marketapi.Entry{Model: &marketapi.ModelEntry{
		Root: root[:], Name: "test", Manifest: manifest, Publisher: subnet.User("publisher"), Classes: []marketapi.Class{{Exact: true}},
		PricePerItem: candid.NewNat(1e8), RoyaltyPermille: 100, Dimension: dimension, MaxItems: 64, MaxItemBytes: 1000,
	}})
	w.adopt(marketAction("admit", arg, err))
}

func (w *network) state(seq uint64) string {
	w.t.Helper()
	j, err := w.market(alice).Job(w.t.Context(), seq)
	w.must(err)
	if j == nil {
		w.t.Fatalf("no job %d", seq)
	}
	return j.State.Tag()
}

func (w *network) wantState(seq uint64, want string) {
	w.t.Helper()
	if got := w.state(seq); got != want {
		w.t.Fatalf("job %d is %s, want %s\n%s", seq, got, want, w.trapped())
	}
}

func (w *network) checkBooks() marketapi.Books {
	w.t.Helper()
	b, err := w.market(alice).Books(w.t.Context())
	w.must(err)
	if !b.Sum.IsZero() || !b.Covered {
		w.t.Fatalf("books: sum %s, owed %s, liquid %s, covered %v", b.Sum, b.Owed, b.Liquid, b.Covered)
	}
	return b
}

// userJob places a job of redundancy 2 from alice's balance.
func (w *network) userJob(name, text string) uint64 {
	w.t.Helper()
	root := modelRoot()
	r, err := w.market(alice).Submit(w.t.Context(), marketapi.SubmitArg{
		Key: []byte(name), Model: root[:], Input: marketapi.Input{Inline: &[]marketapi.Item{{Text: &text}}}, Class: marketapi.Class{Exact: true},
		Redundancy: 2, MaxPrice: candid.NewNat(1e12), Currency: marketapi.Currency{Cycles: true}, Payment: marketapi.Payment{Balance: true},
	})
	w.must(err)
	if r.Err != nil {
		w.t.Fatalf("submit: %s", r.Err.Message)
	}
	return r.Ok.Job.Seq
}

func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("not run: needs the canisters' Wasm")
	}
	w := newNetwork(t)
	alpha, beta := provider{w: w, name: "alpha"}, provider{w: w, name: "beta"}

	// admission is the dao's
	r, err := w.market(installer).AdmitProvider(t.Context(), marketapi.ProviderEntry{Operator: alpha.operator(), Worker: alpha.worker(), Name: "alpha"})
	w.must(err)
	if r.Err == nil || !r.Err.Code.NotPermitted {
		t.Fatalf("the installer admits a provider: %+v", r)
	}
	w.adopt(alpha.admission())
	w.adopt(beta.admission())
	w.admitModel()
	gamma := provider{w: w, name: "gamma"}
	if p := w.decide(gamma.admission(), false, false); !p.State.Rejected {
		t.Fatalf("gamma is %s", p.State.Tag())
	}

	w.indexAndAsk(alpha, beta)
	w.agreeAndDispute(alpha, beta)
	w.upgradeWithOpenJobs(alpha, beta)
	w.upgrade("dao", w.upload("dao")) // by its own vote

	w.checkBooks()
	for _, m := range []string{"submit", "deliver", "commit", "reveal", "assay_result", "upsert", "search", "assignments", "__assay_task"} {
		least, most := w.instructions(m)
		if most == 0 {
			t.Errorf("no %s was measured", m)
		}
		t.Logf("%-12s %5.1f to %5.1f M instructions", m, float64(least)/1e6, float64(most)/1e6)
	}
	for _, s := range w.Stats {
		if s.Failed {
			t.Errorf("a message failed: %s %s\n%s", s.Kind, s.Method, w.trapped())
		}
	}
}

// indexAndAsk: the dApp's passages and its question, by callbacks.
func (w *network) indexAndAsk(providers ...provider) {
	t := w.t
	var passages []string
	for i := range batch {
		passages = append(passages, fmt.Sprintf("passage %d speaks of nothing in particular but takes as much room as others do", i))
	}
	indexed, err := w.dapp(developer).Index(t.Context(), dappapi.IndexArg{Passages: passages, Redundancy: 1})
	w.must(err)
	if indexed.Err != nil {
		t.Fatalf("index: %s", indexed.Err.Message)
	}
	w.Advance(time.Second)
	w.wantState(indexed.Ok.Seq, "assigned")
	for _, p := range providers {
		p.work()
	}
	w.wantState(indexed.Ok.Seq, "provisional")
	w.Advance(2 * time.Second)
	status, err := w.dapp(developer).Status(t.Context())
	w.must(err)
	if status.Indexed != batch {
		t.Fatalf("status %+v\n%s", status, w.trapped())
	}
	asked, err := w.dapp(developer).Ask(t.Context(), passages[7])
	w.must(err)
	if asked.Err != nil {
		t.Fatalf("ask: %s", asked.Err.Message)
	}
	w.Advance(time.Second)
	for _, p := range providers {
		p.work()
	}
	w.Advance(2 * time.Second)
	answer, err := w.dapp(alice).Answer(t.Context(), *asked.Ok)
	w.must(err)
	if answer.State != "answered" || len(answer.Hits) == 0 || answer.Hits[0].Text != passages[7] {
		t.Fatalf("answer %+v\n%s", answer, w.trapped())
	}
	w.Advance(3 * time.Second)
	w.wantState(indexed.Ok.Seq, "final")
	w.checkReceipt(indexed.Ok.Seq, "final")
	w.checkBooks()
}

func (w *network) checkReceipt(seq uint64, state string) {
	w.t.Helper()
	r, err := w.market(alice).Receipt(w.t.Context(), seq)
	w.must(err)
	if r.Err != nil || r.Ok.Receipt.State != state {
		w.t.Fatalf("receipt %+v", r)
	}
	tree := w.verify(r.Ok.Certificate, r.Ok.Witness)
	if _, result := tree.Lookup([]byte("receipts"), commitment.SeqLabel(seq)); result != hashtree.Found {
		w.t.Errorf("the receipt of job %d is not certified (%s)", seq, result)
	}
}

// agreeAndDispute: a user's prepaid jobs with two providers, one of whom cheats once.
func (w *network) agreeAndDispute(alpha, beta provider) {
	t := w.t
	sponsored, err := w.dapp(developer).Sponsor(t.Context(), dappapi.SponsorArg{User: alice, Cycles: candid.NewNat(1e11)})
	w.must(err)
	if sponsored.Err != nil {
		t.Fatalf("sponsor: %s", sponsored.Err.Message)
	}
	agreed := w.userJob("agreed", "a text of alice")
	w.Advance(time.Second)
	for range 2 {
		alpha.work()
		beta.work()
	}
	w.wantState(agreed, "provisional")
	w.Advance(4 * time.Second)
	w.checkReceipt(agreed, "final")
	before, err := w.market(alice).Balance(t.Context(), nil)
	w.must(err)
	earned, err := w.market(alice).Balance(t.Context(), new(alpha.operator()))
	w.must(err)

	disputed := w.userJob("disputed", "a text of alice")
	w.Advance(time.Second)
	alpha.cheats = true
	for range 2 {
		alpha.work()
		beta.work()
	}
	w.wantState(disputed, "disputed")
	w.checkReceipt(disputed, "disputed")
	after, err := w.market(alice).Balance(t.Context(), nil)
	w.must(err)
	still, err := w.market(alice).Balance(t.Context(), new(alpha.operator()))
	w.must(err)
	if after != before || still != earned {
		t.Errorf("after a dispute alice has %s of %s, alpha %s of %s", after, before, still, earned)
	}
	w.checkBooks()
}

// upload gives root a module other than the installed one and returns its hash.
func (w *network) upload(name string) []byte {
	w.t.Helper()
	var module bytes.Buffer
	zip := gzip.NewWriter(&module)
	_, err := zip.Write(otherModule(w.t, name))
	w.must(err)
	w.must(zip.Close())
	uploaded, err := w.root(installer).Upload(w.t.Context(), module.Bytes())
	w.must(err)
	if uploaded.Err != nil {
		w.t.Fatalf("upload: %s", uploaded.Err.Message)
	}
	return *uploaded.Ok
}

// upgrade has the dao have root replace a module, and waits for it.
func (w *network) upgrade(name string, hash []byte) {
	w.t.Helper()
	w.adopt(daoapi.Action{Upgrade: &daoapi.ActionUpgrade{Canister: w.ids[name], ModuleHash: hash}})
	w.Advance(2 * time.Second)
	upgrades, err := w.root(alice).Upgrades(w.t.Context())
	w.must(err)
	if last := upgrades[len(upgrades)-1]; last.State != "done" || last.Canister != w.ids[name] {
		w.t.Fatalf("upgrade %+v\n%s", last, w.trapped())
	}
	info, _ := w.Info(w.ids[name])
	if !bytes.Equal(info.ModuleHash, hash) || !slices.Equal(info.Controllers, []principal.Principal{w.ids["root"]}) {
		w.t.Errorf("%s: module %x, controllers %v", name, info.ModuleHash, info.Controllers)
	}
}

// upgradeWithOpenJobs: the dao has root replace the market while jobs wait for draw,
// commit and window.
func (w *network) upgradeWithOpenJobs(alpha, beta provider) {
	t := w.t
	inWindow := w.userJob("in its window", "one")
	w.Advance(time.Second)
	for range 2 {
		alpha.work()
		beta.work()
	}
	w.wantState(inWindow, "provisional")
	committing := w.userJob("committing", "two")
	w.Advance(time.Second)
	alpha.work()
	waiting := w.userJob("waiting", "three")

	hash := w.upload("market")
	refused, err := w.Management(w.ids["market"]).CanisterStatus(t.Context(), managementCanister(w.ids["market"]))
	if err == nil {
		t.Errorf("the installer still controls the market: %+v", refused)
	}
	w.upgrade("market", hash)
	// witnesses hold in the first query after it
	if open := beta.open(); len(open) == 0 {
		t.Error("beta has no assignments after the upgrade")
	}
	for range 3 {
		w.Advance(time.Second)
		alpha.work()
		beta.work()
	}
	w.Advance(4 * time.Second)
	for _, seq := range []uint64{inWindow, committing, waiting} {
		w.wantState(seq, "final")
		w.checkReceipt(seq, "final")
	}
}
