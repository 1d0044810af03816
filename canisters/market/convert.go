package main

import (
	"errors"
	"fmt"
	"math"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/principal"
)

func principalIn(p principal.Principal) book.Principal { return book.Principal(p.Bytes()) }

func principalOut(p book.Principal) principal.Principal {
	out, err := principal.FromBytes([]byte(p))
	if err != nil {
		panic(err) // the book refuses longer ones
	}
	return out
}

// saturate reads an amount; more than a book counts is as much as it can count.
func saturate(n candid.Nat) book.Cycles {
	if v, ok := n.Uint64(); ok {
		return v
	}
	return math.MaxUint64
}

func refuse(c book.Code, format string, args ...any) error {
	return &book.Failure{Code: c, Message: fmt.Sprintf(format, args...)}
}

func hashIn(what string, b []byte) (h commitment.Hash, err error) {
	if len(b) != len(h) {
		return h, refuse(book.BadInput, "%s has %d bytes, a hash has %d", what, len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}

func hashOut(h *commitment.Hash) *[]byte {
	if h == nil {
		return nil
	}
	return new(append([]byte(nil), h[:]...))
}

// failureOut is the failure of an error, nil when it is none.
func failureOut(err error) *marketapi.Failure {
	f, ok := errors.AsType[*book.Failure](err)
	if !ok {
		return nil
	}
	return &marketapi.Failure{Code: codeOut(f.Code), Message: f.Message, Retry: f.Retry}
}

func codeOut(c book.Code) *marketapi.FailureCode {
	var out marketapi.FailureCode
	fields := [...]*bool{
		&out.NotPermitted, &out.UnknownModel, &out.UnknownJob, &out.UnknownProvider, &out.BadInput, &out.TooLarge, &out.PriceTooLow,
		&out.NoFunds, &out.NotSupported, &out.WrongState, &out.StaleAttempt, &out.Duplicate, &out.NoProviders, &out.WrongOutput, &out.Busy,
	}
	*fields[c] = true
	return &out
}

func submissionIn(a marketapi.SubmitArg) (s book.Submission, err error) {
	if !a.Currency.Cycles {
		return s, refuse(book.NotSupported, "currency %q is not served, cycles are", a.Currency.Tag())
	}
	if a.Input.Inline == nil {
		return s, refuse(book.NotSupported, "input %q is not served, inline is", a.Input.Tag())
	}
	if s.Model, err = hashIn("model", a.Model); err != nil {
		return s, err
	}
	s.Key, s.Class, s.Redundancy = a.Key, a.Class.Tag(), a.Redundancy
	s.MaxPrice, s.FromBalance = saturate(a.MaxPrice), a.Payment.Balance
	for _, it := range *a.Input.Inline {
		item := book.Item{}
		if it.Text != nil {
			item.Text = *it.Text
		} else {
			item.Tokens = append([]uint32{}, *it.Tokens...)
		}
		s.Items = append(s.Items, item)
	}
	if a.Callback != nil {
		s.Callback, s.CallbackAt = a.Callback.Method, book.AtFinal
		if a.Callback.At.Provisional {
			s.CallbackAt = book.AtProvisional
		}
	}
	return s, nil
}

func inputOut(items []book.Item) marketapi.Input {
	out := make([]marketapi.Item, len(items))
	for i := range items {
		if items[i].Tokens != nil {
			out[i].Tokens = &items[i].Tokens
		} else {
			out[i].Text = &items[i].Text
		}
	}
	return marketapi.Input{Inline: &out}
}

func jobID(b *book.Book, seq uint64) marketapi.JobId {
	return marketapi.JobId{Market: principalOut(b.Market()), Seq: seq}
}

func stateOut(s book.State) *marketapi.JobState {
	var out marketapi.JobState
	fields := [...]*bool{&out.Submitted, &out.Drawing, &out.Assigned, &out.Provisional, &out.Final, &out.Disputed, &out.Failed}
	*fields[s] = true
	return &out
}

func classOut(class string) *marketapi.Class {
	if class != book.ClassExact {
		return nil
	}
	return &marketapi.Class{Exact: true}
}

func claimsOut(claims []commitment.Claim) []marketapi.Claim {
	var out []marketapi.Claim
	for _, c := range claims {
		out = append(out, marketapi.Claim{Word: c.Word, Detail: c.Detail})
	}
	return out
}

func jobOut(b *book.Book, j *book.Job) marketapi.Job {
	out := marketapi.Job{
		Id: jobID(b, j.Seq), Requester: principalOut(j.Requester), Model: j.Model[:], Class: classOut(j.Class), Redundancy: j.Redundancy,
		Items: j.Items, InputHash: j.InputHash[:], ParametersHash: j.ParametersHash[:], Price: candid.NewNat(j.Price), State: stateOut(j.State),
		Attempt: j.Attempt, OutputRoot: hashOut(j.OutputRoot), Evidence: claimsOut(j.Evidence), Message: j.Message, Submitted: j.Submitted,
	}
	if len(j.Beacon) > 0 {
		out.Beacon = &j.Beacon
	}
	for _, s := range j.Assigned {
		out.Assigned = append(out.Assigned, principalOut(s.Operator))
	}
	for _, d := range j.Deliveries {
		out.Deliveries = append(out.Deliveries, marketapi.Delivery{
			Operator: principalOut(d.Operator), Worker: principalOut(d.Worker), Attempt: d.Attempt,
			Committed: hashOut(d.Committed), OutputRoot: hashOut(d.OutputRoot), At: d.At,
		})
	}
	if j.Deadline != 0 {
		out.Deadline = &j.Deadline
	}
	if j.Settled != 0 {
		out.Settled = &j.Settled
	}
	if j.CallbackAt != book.NoCallback {
		out.Callback = &j.CallbackNote
	}
	return out
}

func outcomeOut(b *book.Book, c book.Callback) marketapi.Outcome {
	j := c.Job
	return marketapi.Outcome{
		Job: jobID(b, j.Seq), Key: j.Key, State: stateOut(j.State), Output: outputOut(c.Output), Evidence: claimsOut(j.Evidence), Message: j.Message,
	}
}

func assignmentOut(b *book.Book, a book.Assignment) marketapi.Assignment {
	w := a.Commitment
	out := marketapi.Assignment{
		Job: jobID(b, a.Job.Seq), Attempt: w.Attempt, Operator: principalOut(book.Principal(w.Operator)), Worker: principalOut(book.Principal(w.Executor)),
		Model: w.Model[:], InputHash: w.Input[:], ParametersHash: w.Parameters[:], Class: classOut(a.Job.Class), Redundancy: a.Job.Redundancy,
		Phase: &marketapi.Phase{}, Deadline: w.Deadline,
	}
	switch a.Job.Phase {
	case book.DeliverPhase:
		out.Phase.Deliver = true
	case book.CommitPhase:
		out.Phase.Commit = true
	default:
		out.Phase.Reveal = true
	}
	return out
}

func receiptOut(r commitment.Receipt) marketapi.Receipt {
	out := marketapi.Receipt{
		Network: r.Network[:], Job: marketapi.JobId{Market: principalOut(book.Principal(r.Job.Market)), Seq: r.Job.Seq},
		Requester: principalOut(book.Principal(r.Requester)), Model: r.Model[:], Input: r.Input[:], Parameters: r.Parameters[:],
		State: r.State, Evidence: claimsOut(r.Evidence), Price: amountOut(r.Price), Submitted: r.Submitted, Settled: r.Settled, Window: r.Window,
	}
	if r.Output != (commitment.Hash{}) {
		out.Output = hashOut(&r.Output)
	}
	for _, e := range r.Executors {
		out.Executors = append(out.Executors, principalOut(book.Principal(e)))
	}
	for _, s := range r.Shares {
		out.Shares = append(out.Shares, marketapi.Share{Account: s.Account, Owner: ownerOut(book.Principal(s.Owner)), Cycles: amountOut(s.Cycles)})
	}
	return out
}

func amountOut(s string) candid.Nat {
	n, err := candid.ParseNat(s)
	if err != nil {
		panic(err) // the book printed it
	}
	return n
}

func ownerOut(p book.Principal) *principal.Principal {
	if p == "" {
		return nil
	}
	return new(principalOut(p))
}

func eventOut(x book.Event) marketapi.Event {
	out := marketapi.Event{Seq: x.Seq, At: x.At, Kind: x.Kind, Detail: x.Detail}
	if x.Job != 0 {
		out.Job = &x.Job
	}
	return out
}

// dtypes pairs the element types of the wire with those of commitments.
var dtypes = [...]struct {
	number commitment.DType
	tag    marketapi.DType
}{
	{commitment.Float32, marketapi.DType{F32: true}},
	{commitment.Uint8, marketapi.DType{U8: true}},
	{commitment.Int8, marketapi.DType{I8: true}},
	{commitment.Int32, marketapi.DType{I32: true}},
	{commitment.Int64, marketapi.DType{I64: true}},
}

func outputIn(out marketapi.Output) []book.Tensor {
	tensors := make([]book.Tensor, len(out))
	for i, t := range out {
		tensors[i] = book.Tensor{Shape: t.Shape, Data: t.Data}
		for _, d := range dtypes {
			if d.tag == t.Dtype {
				tensors[i].DType = d.number
			}
		}
	}
	return tensors
}

func outputOut(tensors []book.Tensor) marketapi.Output {
	out := make(marketapi.Output, len(tensors))
	for i, t := range tensors {
		out[i] = marketapi.Tensor{Shape: t.Shape, Data: t.Data}
		for _, d := range dtypes {
			if d.number == t.DType {
				out[i].Dtype = d.tag
			}
		}
	}
	return out
}

func entryIn(a marketapi.Entry) (r book.RegistryEntry, err error) {
	if a.Wasm != nil {
		r.Root, err = hashIn("module_hash", a.Wasm.ModuleHash)
		r.Kind, r.Name, r.Publisher = book.WasmKind, a.Wasm.Name, principalIn(a.Wasm.Publisher)
		return r, err
	}
	e := a.Model
	if r.Root, err = hashIn("root", e.Root); err != nil {
		return r, err
	}
	for _, c := range e.Classes {
		r.Classes = append(r.Classes, c.Tag())
	}
	r.Kind, r.Name, r.Publisher, r.Manifest = book.ModelKind, e.Name, principalIn(e.Publisher), e.Manifest
	r.PricePerItem, r.RoyaltyPermille = saturate(e.PricePerItem), e.RoyaltyPermille
	r.Dimension, r.MaxItems, r.MaxItemBytes = e.Dimension, e.MaxItems, e.MaxItemBytes
	return r, nil
}

func entryOut(r book.RegistryEntry) marketapi.Entry {
	if r.Kind == book.WasmKind {
		return marketapi.Entry{Wasm: &marketapi.WasmEntry{ModuleHash: r.Root[:], Name: r.Name, Publisher: principalOut(r.Publisher)}}
	}
	return marketapi.Entry{Model: &marketapi.ModelEntry{
		Root: r.Root[:], Name: r.Name, Manifest: r.Manifest, Publisher: principalOut(r.Publisher), Classes: []marketapi.Class{{Exact: true}},
		PricePerItem: candid.NewNat(r.PricePerItem), RoyaltyPermille: r.RoyaltyPermille,
		Dimension: r.Dimension, MaxItems: r.MaxItems, MaxItemBytes: r.MaxItemBytes,
	}}
}

func parametersIn(a marketapi.Parameters) book.Parameters {
	return book.Parameters{
		Window: a.Window, DeliveryTimeout: a.DeliveryTimeout, RevealTimeout: a.RevealTimeout, MaxAttempts: a.MaxAttempts,
		TreasuryPermille: a.TreasuryPermille, BasePrice: saturate(a.BasePrice), Reserve: saturate(a.Reserve),
	}
}

func parametersOut(p book.Parameters) marketapi.Parameters {
	return marketapi.Parameters{
		Window: p.Window, DeliveryTimeout: p.DeliveryTimeout, RevealTimeout: p.RevealTimeout, MaxAttempts: p.MaxAttempts,
		TreasuryPermille: p.TreasuryPermille, BasePrice: candid.NewNat(p.BasePrice), Reserve: candid.NewNat(p.Reserve),
	}
}

func booksOut(b book.Books) marketapi.Books {
	out := marketapi.Books{
		Sum: candid.NewInt(b.Sum), Entries: b.Entries, Owed: candid.NewNat(b.Owed), Reserve: candid.NewNat(b.Reserve),
		Liquid: candid.NewNat(b.Liquid), Covered: b.Covered,
	}
	for _, a := range b.Accounts {
		out.Accounts = append(out.Accounts, marketapi.Account{Name: accountName(a.Account), Owner: ownerOut(a.Account.Owner), Balance: candid.NewInt(a.Balance)})
	}
	return out
}

func accountName(a book.Account) string {
	switch a.Kind {
	case book.World:
		return "world"
	case book.InFlight:
		return "in flight"
	case book.Treasury:
		return "treasury"
	case book.Escrow:
		return fmt.Sprintf("escrow:%d", a.ID)
	case book.Earned:
		return "provider:" + principalOut(a.Owner).String()
	case book.Royalty:
		return "publisher:" + principalOut(a.Owner).String()
	case book.User:
		return "user:" + principalOut(a.Owner).String()
	case book.Withdrawal:
		return fmt.Sprintf("withdrawal:%d", a.ID)
	}
	return fmt.Sprintf("account kind %d", a.Kind)
}
