package costs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/canisters/vectors/vectorsapi"
	"assay/commitment"
	"assay/ic/principal"
	"assay/internal/subnet"
)

const (
	dimension = 384
	passages  = 40
)

var (
	dao       = subnet.User("dao")
	developer = subnet.User("developer")
	manifest  = []byte("manifest of a test")
	modelRoot = commitment.ModelRoot(manifest)
)

// story is a market with two providers, vectors, and a dApp that uses both.
type story struct {
	*meter
	market, vectors, dapp principal.Principal
}

// provider is played through the market's public methods.
type provider string

func (p provider) operator() principal.Principal { return subnet.User(string(p) + " operator") }
func (p provider) worker() principal.Principal   { return subnet.User(string(p) + " worker") }

// market plays two jobs of the dApp, a batch of passages to be indexed and a question,
// and one of a user that two providers commit to and reveal.
func (m *meter) market() {
	s := &story{meter: m}
	s.install()
	s.admit()
	providers := []provider{"alpha", "beta"}
	var texts []string
	for i := range passages {
		texts = append(texts, fmt.Sprintf("passage %d speaks of nothing in particular but takes as much room as others do", i))
	}
	dapp := dappapi.NewClient[context.Context](m.As(developer, s.dapp))
	indexed, err := dapp.Index(m.ctx, dappapi.IndexArg{Passages: texts, Redundancy: 1})
	m.Must(err)
	m.ok(indexed.Ok != nil, "index")
	s.work(1, providers)
	asked, err := dapp.Ask(m.ctx, texts[7])
	m.Must(err)
	m.ok(asked.Ok != nil, "ask")
	s.work(1, providers)
	answer, err := dapp.Answer(m.ctx, *asked.Ok)
	m.Must(err)
	m.ok(answer != nil && len(answer.Hits) > 0 && answer.Hits[0].Text == texts[7], "the question's answer")
	sponsored, err := dapp.Sponsor(m.ctx, dappapi.SponsorArg{User: alice, Cycles: nat(1e11)})
	m.Must(err)
	m.ok(sponsored.Ok != nil, "sponsor")
	s.userJob(texts[0])
	s.work(2, providers)
	m.Advance(5 * time.Second)
	receipt, err := s.client(alice).Receipt(m.ctx, 3)
	m.Must(err)
	m.ok(receipt.Ok != nil && receipt.Ok.Receipt.State == "final", "the receipt of a final job")
	m.found(s)
}

// found searches the collection directly: the dApp's own search is a call between canisters.
func (m *meter) found(s *story) {
	v := vectorsapi.NewClient[context.Context](m.As(s.dapp, s.vectors))
	r, err := v.Search(m.ctx, vectorsapi.SearchArg{Collection: "passages", Vector: tensor("a question").Data, K: 5})
	m.Must(err)
	m.ok(r.Ok != nil && len(*r.Ok) == 5, "search")
}

func (s *story) client(p principal.Principal) marketapi.Client[context.Context] {
	return marketapi.NewClient[context.Context](s.As(p, s.market))
}

func (s *story) install() {
	arg, err := marketapi.EncodeInitArgs(marketapi.Init{Dao: dao, Parameters: marketapi.Parameters{
		Window: 3e9, DeliveryTimeout: 30e9, RevealTimeout: 20e9, MaxAttempts: 3, TreasuryPermille: 50, BasePrice: nat(1e9), Reserve: nat(1e12),
	}})
	s.Must(err)
	s.market = s.add("market", "canisters/market", arg)
	arg, err = vectorsapi.EncodeInitArgs()
	s.Must(err)
	s.vectors = s.add("vectors", "canisters/vectors", arg)
	arg, err = dappapi.EncodeInitArgs(dappapi.Init{
		Owner: developer, Market: s.market, Vectors: s.vectors, Model: modelRoot[:], Dimension: dimension, Collection: "passages",
	})
	s.Must(err)
	s.dapp = s.add("dapp", "canisters/dapp", arg)
}

func (s *story) admit() {
	for _, p := range []provider{"alpha", "beta"} {
		r, err := s.client(dao).AdmitProvider(s.ctx, marketapi.ProviderEntry{Operator: p.operator(), Worker: p.worker(), Name: string(p)})
		s.Must(err)
		s.ok(r.Ok, "admit provider")
	}
	r, err := s.client(dao).Admit(s.ctx, marketapi.Entry{Model: &marketapi.ModelEntry{
		Root: modelRoot[:], Name: "test", Manifest: manifest, Publisher: subnet.User("publisher"), Classes: []marketapi.Class{{Exact: true}},
		PricePerItem: nat(1e8), RoyaltyPermille: 100, Dimension: dimension, MaxItems: 64, MaxItemBytes: 1000,
	}})
	s.Must(err)
	s.ok(r.Ok, "admit model")
}

func (s *story) userJob(text string) {
	r, err := s.client(alice).Submit(s.ctx, marketapi.SubmitArg{
		Key: []byte("a job"), Model: modelRoot[:], Input: marketapi.Input{Inline: &[]marketapi.Item{{Text: &text}}}, Class: marketapi.Class{Exact: true},
		Redundancy: 2, MaxPrice: nat(1e12), Currency: marketapi.Currency{Cycles: true}, Payment: marketapi.Payment{Balance: true},
	})
	s.Must(err)
	s.ok(r.Ok != nil, "submit")
}

// work lets the draw happen, then has all providers do what they are assigned, so often,
// then lets callbacks arrive.
func (s *story) work(times int, providers []provider) {
	s.Advance(time.Second)
	for range times {
		for _, p := range providers {
			s.provide(p)
		}
	}
	s.Advance(2 * time.Second)
}

func (s *story) provide(p provider) {
	market := s.client(p.worker())
	open, err := market.Assignments(s.ctx, p.operator())
	s.Must(err)
	for _, a := range open.Assignments {
		input, err := market.JobInput(s.ctx, a.Job.Seq)
		s.Must(err)
		s.ok(input.Ok != nil && input.Ok.Inline != nil, "job input")
		var out marketapi.Output
		var roots []commitment.Hash
		for _, item := range *input.Ok.Inline {
			t := tensor(*item.Text)
			root, err := commitment.TensorRoot(commitment.Float32, t.Shape, t.Data)
			s.Must(err)
			out, roots = append(out, t), append(roots, root)
		}
		s.handIn(p, a, out, commitment.OutputRoot(roots))
	}
}

func (s *story) handIn(p provider, a marketapi.Assignment, out marketapi.Output, root commitment.Hash) {
	market, salt := s.client(p.worker()), sha256.Sum256([]byte(p))
	switch {
	case a.Phase.Deliver:
		r, err := market.Deliver(s.ctx, marketapi.DeliverArg{Job: a.Job.Seq, Attempt: a.Attempt, Output: out})
		s.Must(err)
		s.ok(r.Err == nil, "deliver")
	case a.Phase.Commit:
		c := commitment.Commit(commitment.Work{
			Network: commitment.NetworkID(subnet.RootKey), Job: commitment.JobID{Market: string(s.market.Bytes()), Seq: a.Job.Seq},
			Attempt: a.Attempt, Executor: a.Worker.Bytes(), Model: modelRoot, Input: commitment.Hash(a.InputHash),
		}, root, salt[:])
		r, err := market.Commit(s.ctx, marketapi.CommitArg{Job: a.Job.Seq, Attempt: a.Attempt, Commit: c[:]})
		s.Must(err)
		s.ok(r.Err == nil || r.Err.Code.Duplicate, "commit")
	default:
		r, err := market.Reveal(s.ctx, marketapi.RevealArg{Job: a.Job.Seq, Attempt: a.Attempt, Output: out, Salt: salt[:]})
		s.Must(err)
		s.ok(r.Err == nil, "reveal")
	}
}

// tensor stands for a model: a vector of length 1 that its text determines.
func tensor(text string) marketapi.Tensor {
	r := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(text))))
	v, length := make([]float32, dimension), 0.0
	for i := range v {
		v[i] = float32(r.NormFloat64())
		length += float64(v[i]) * float64(v[i])
	}
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x/float32(math.Sqrt(length))))
	}
	return marketapi.Tensor{Dtype: marketapi.DType{F32: true}, Shape: []uint64{dimension}, Data: data}
}
