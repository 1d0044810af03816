package client_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/commitment"
	"assay/ic/agent"
	"assay/ic/agent/agenttest"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
)

var (
	marketID   = principal.Canister(3)
	rootID     = principal.Canister(1)
	operatorA  = principal.SelfAuthenticating([]byte("operator a"))
	operatorB  = principal.SelfAuthenticating([]byte("operator b"))
	model      = commitment.ModelRoot([]byte("model"))
	moduleHash = commitment.Hash{1, 2, 3}
)

// market is a market in the test process: it keeps what a test put there and certifies
// it with the network's keys. Methods it lacks panic, which the network turns to 500.
type market struct {
	marketapi.Service[agenttest.Call]
	t         *testing.T
	net       *agenttest.Network
	mu        sync.Mutex
	submitted map[string]marketapi.Submitted // by caller and key
	submits   int
	dropFirst bool // executes the first submit and answers with a reset

	job      marketapi.Job
	output   []marketapi.Tensor
	input    marketapi.Input
	receipt  marketapi.Receipt
	failure  *marketapi.Failure // of submit
	lie      func(*marketapi.CertifiedReceipt)
	module   []byte
	certTime time.Time
}

func setUp(t *testing.T) (*market, *client.Client) {
	t.Helper()
	n := agenttest.New(t, certtest.Sharded, certificate.Range{From: principal.Canister(0), To: principal.Canister(9)})
	m := &market{t: t, net: n, submitted: map[string]marketapi.Submitted{}, module: moduleHash[:], certTime: time.Now()}
	m.fill()
	methods := map[string]candid.Method[agenttest.Call]{}
	for _, method := range marketapi.Methods[agenttest.Call](m) {
		methods[method.Name] = method
	}
	n.Handle = func(c agenttest.Call) agenttest.Answer {
		method, ok := methods[c.Method]
		if !ok || c.Canister != marketID || (method.Kind == candid.Update) == c.Query {
			return agenttest.Answer{Reject: 5, Message: "no method " + c.Method, ErrorCode: "IC0536"}
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		reply, err := method.Handle(c, c.Arg)
		if err != nil {
			return agenttest.Answer{Reject: 4, Message: err.Error()}
		}
		return agenttest.Answer{Reply: reply}
	}
	n.State = func(b *hashtree.Builder, path [][]byte) {
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case len(path) != 3 || string(path[1]) != string(marketID.Bytes()):
		case string(path[2]) == "module_hash":
			b.Set(m.module, path...)
		case string(path[2]) == "controllers":
			b.Set(certificate.EncodePrincipals([]principal.Principal{rootID}), path...)
		}
	}
	id, err := identity.NewEd25519()
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Config{URL: n.URL, RootKey: n.RootKey, Identity: id, HTTP: &http.Client{Timeout: 10 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return m, client.New(a, marketID)
}

// change changes the market between two requests.
func (m *market) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func vector(values ...byte) marketapi.Tensor {
	return marketapi.Tensor{Dtype: marketapi.DType{U8: true}, Shape: []uint64{uint64(len(values))}, Data: values}
}

func outputRoot(t *testing.T, output []marketapi.Tensor) []byte {
	t.Helper()
	root, err := client.OutputRoot(output)
	if err != nil {
		t.Fatal(err)
	}
	return root[:]
}

// fill puts one final job with its receipt into the market.
func (m *market) fill() {
	items := client.Texts("ab", "c")
	m.input = marketapi.Input{Inline: &items}
	input := commitment.InputHash([]commitment.Hash{commitment.TextItem([]byte("ab")), commitment.TextItem([]byte("c"))})
	m.output = []marketapi.Tensor{vector(2), vector(1)}
	root := outputRoot(m.t, m.output)
	network := commitment.NetworkID(m.net.RootKey)
	parameters := commitment.Parameters{Class: "exact", Redundancy: 2}.Sum()
	settled := uint64(m.certTime.Add(-time.Second).UnixNano())
	m.job = marketapi.Job{
		Id: marketapi.JobId{Market: marketID, Seq: 7}, Model: model[:], Items: 2, InputHash: input[:],
		State: &marketapi.JobState{Final: true}, OutputRoot: &root, Settled: &settled,
		Deliveries: []marketapi.Delivery{{Operator: operatorA, OutputRoot: &root, Attempt: 1}, {Operator: operatorB, Attempt: 1}},
	}
	owner := operatorA
	m.receipt = marketapi.Receipt{
		Network: network[:], Job: m.job.Id, Requester: operatorB, Model: model[:], Input: input[:], Parameters: parameters[:], Output: &root,
		State: "final", Executors: []principal.Principal{operatorA}, Evidence: []marketapi.Claim{{Word: commitment.Agreed, Detail: "2 commits of 2 operators"}},
		Price: candid.NewNat(1000), Shares: []marketapi.Share{{Account: "provider", Owner: &owner, Cycles: candid.NewNat(900)}, {Account: "treasury", Cycles: candid.NewNat(100)}},
		Submitted: settled - 5, Settled: settled, Window: 3,
	}
}

func (m *market) Quote(_ agenttest.Call, arg marketapi.QuoteArg) (out marketapi.QuoteResult, err error) {
	price := candid.NewNat(100 * uint64(arg.Items) * uint64(arg.Redundancy))
	out.Ok = &price
	return out, nil
}

func (m *market) Submit(c agenttest.Call, arg marketapi.SubmitArg) (out marketapi.SubmitResult, err error) {
	m.submits++
	if m.failure != nil {
		return marketapi.SubmitResult{Err: m.failure}, nil
	}
	key := c.Sender.String() + string(arg.Key)
	s, ok := m.submitted[key]
	if !ok {
		var hashes []commitment.Hash
		for _, item := range *arg.Input.Inline {
			hashes = append(hashes, commitment.TextItem([]byte(*item.Text)))
		}
		input := commitment.InputHash(hashes)
		s = marketapi.Submitted{Job: marketapi.JobId{Market: marketID, Seq: uint64(len(m.submitted))}, Price: arg.MaxPrice, InputHash: input[:]}
		m.submitted[key] = s
	}
	if m.dropFirst && m.submits == 1 {
		panic(http.ErrAbortHandler) // the call ran, its answer is lost
	}
	return marketapi.SubmitResult{Ok: &s}, nil
}

func (m *market) Job(_ agenttest.Call, seq uint64) (*marketapi.Job, error) {
	if seq != m.job.Id.Seq {
		return nil, nil
	}
	return &m.job, nil
}

func (m *market) Result(agenttest.Call, uint64) (marketapi.ResultResult, error) {
	return marketapi.ResultResult{Ok: &marketapi.Result{Job: m.job, Output: m.output}}, nil
}

func (m *market) JobInput(agenttest.Call, uint64) (marketapi.JobInputResult, error) {
	return marketapi.JobInputResult{Ok: &m.input}, nil
}

func (m *market) Events(_ agenttest.Call, arg marketapi.EventsArg) ([]marketapi.Event, error) {
	return []marketapi.Event{{Seq: arg.From, Job: arg.Job, Kind: "final"}}, nil
}

func (m *market) Receipt(_ agenttest.Call, seq uint64) (out marketapi.ReceiptResult, err error) {
	certified, err := m.certify(m.receipt)
	if err != nil {
		return out, err
	}
	if m.lie != nil {
		m.lie(&certified)
	}
	out.Ok = &certified
	return out, nil
}

// certify makes the certificate and witness of a receipt, beside another one.
func (m *market) certify(r marketapi.Receipt) (out marketapi.CertifiedReceipt, err error) {
	sum, err := client.ReceiptHash(r)
	if err != nil {
		return out, err
	}
	path := [][]byte{[]byte("receipts"), commitment.SeqLabel(r.Job.Seq)}
	tree, err := hashtree.NewBuilder().Set(sum[:], path...).
		Set(model[:], []byte("receipts"), commitment.SeqLabel(99)).Set(model[:], []byte("parameters")).Tree()
	if err != nil {
		return out, err
	}
	digest := tree.Digest()
	cert, err := m.net.Sign(hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(m.certTime.UnixNano())), []byte("time")).
		Set(digest[:], []byte("canister"), marketID.Bytes(), []byte("certified_data")))
	return marketapi.CertifiedReceipt{Receipt: r, Certificate: cert, Witness: tree.Prune(path).EncodeTagged()}, err
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	got, err := c.Submit(t.Context(), client.Request{Model: model, Items: client.Texts("a", "b"), Redundancy: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got.Price.Cmp(candid.NewNat(400)) != 0 || got.Job.Market != marketID {
		t.Errorf("got %+v, want the quoted price of 400", got)
	}
	again, err := c.Submit(t.Context(), client.Request{Model: model, Items: client.Texts("a", "b"), Redundancy: 2})
	if err != nil || again.Job.Seq == got.Job.Seq {
		t.Errorf("second submit: job %d %v, want another job", again.Job.Seq, err)
	}
	m.failure = &marketapi.Failure{Code: &marketapi.FailureCode{NoFunds: true}, Message: "balance 0", Retry: true}
	_, err = c.Submit(t.Context(), client.Request{Model: model, Items: client.Texts("a")})
	var refusal *client.MarketError
	if !errors.As(err, &refusal) || refusal.Code() != "no_funds" || !refusal.Retry() || refusal.Happened() != agent.No {
		t.Errorf("no funds: got %v", err)
	}
}

// TestSubmitOnce loses the answer of a submit that was executed: the repetition has the
// same key, so one job comes out.
func TestSubmitOnce(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	m.dropFirst = true
	if _, err := c.Submit(t.Context(), client.Request{Model: model, Items: client.Texts("a"), MaxPrice: candid.NewNat(5)}); err != nil {
		t.Fatal(err)
	}
	if m.submits != 2 || len(m.submitted) != 1 {
		t.Errorf("%d submits made %d jobs, want 2 and 1", m.submits, len(m.submitted))
	}
}

func TestSubmitRefusesBadInput(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	text, tokens := "a", []uint32{1}
	for name, items := range map[string][]marketapi.Item{
		"no item":       nil,
		"empty text":    client.Texts("a", ""),
		"invalid UTF-8": client.Texts("a\xff"),
		"no variant":    {{}},
		"two variants":  {{Text: &text, Tokens: &tokens}},
	} {
		var want *client.InputError
		if _, err := c.Submit(t.Context(), client.Request{Model: model, Items: items}); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want an InputError", name, err)
		}
	}
	if m.submits != 0 {
		t.Errorf("%d submits were sent", m.submits)
	}
	_, err := c.Submit(t.Context(), client.Request{Model: model, Items: client.Texts(strings.Repeat("x", 3<<20)), MaxPrice: candid.NewNat(1)})
	if !errors.Is(err, agent.ErrTooLarge) {
		t.Errorf("3 MB text: got %v, want ErrTooLarge", err)
	}
}
