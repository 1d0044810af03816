package main

import (
	"errors"
	"fmt"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// edge serves market.did.
type edge struct{}

var _ marketapi.Service[*cdk.Message] = edge{}

// command runs a book's command that has no result, and splits its failure from others.
func command(m *cdk.Message, do func(*book.Book, book.Call) (book.Effects, error)) (bool, *marketapi.Failure, error) {
	b := open()
	fx, err := do(b, call(m))
	if f := failureOut(err); f != nil || err != nil {
		return false, f, unless(f, err)
	}
	return true, nil, conclude(m, b, fx)
}

// unless drops an error that is told to the caller as a failure.
func unless(f *marketapi.Failure, err error) error {
	if f != nil {
		return nil
	}
	return err
}

func (edge) Quote(_ *cdk.Message, a marketapi.QuoteArg) (r marketapi.QuoteResult, err error) {
	model, err := hashIn("model", a.Model)
	if err == nil {
		var price book.Cycles
		price, err = open().Quote(model, a.Items, a.Redundancy)
		r.Ok = new(candid.NewNat(price))
	}
	if r.Err = failureOut(err); r.Err != nil {
		r.Ok = nil
	}
	return r, unless(r.Err, err)
}

func (edge) Submit(m *cdk.Message, a marketapi.SubmitArg) (r marketapi.SubmitResult, err error) {
	b := open()
	s, err := submissionIn(a)
	var placed book.Placed
	var fx book.Effects
	if err == nil {
		placed, fx, err = b.Submit(call(m), s)
	}
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	take(m, placed.Accept)
	r.Ok = &marketapi.Submitted{Job: jobID(b, placed.Seq), Price: candid.NewNat(placed.Price), InputHash: placed.InputHash[:]}
	return r, conclude(m, b, fx)
}

// take accepts exactly so many of the attached cycles, which the book has entered.
func take(m *cdk.Message, n book.Cycles) {
	if n == 0 {
		return
	}
	if got, err := m.Accept(candid.NewNat(n)); err != nil || got != candid.NewNat(n) {
		panic(fmt.Sprintf("accept %d cycles: got %s, %v", n, got, err))
	}
}

func (edge) Deposit(m *cdk.Message, to principal.Principal) (r marketapi.DepositResult, err error) {
	b := open()
	n, fx, err := b.Deposit(call(m), principalIn(to))
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	take(m, n)
	r.Ok = new(candid.NewNat(b.Balance(principalIn(to))))
	return r, conclude(m, b, fx)
}

func (edge) Balance(m *cdk.Message, who *principal.Principal) (marketapi.Cycles, error) {
	p := m.Caller()
	if who != nil {
		p = *who
	}
	return candid.NewNat(open().Balance(principalIn(p))), nil
}

func (edge) Withdraw(m *cdk.Message, a marketapi.WithdrawArg) (r marketapi.WithdrawResult, err error) {
	b := open()
	w, fx, err := b.Withdraw(call(m), principalIn(a.To), saturate(a.Amount))
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	if err := conclude(m, b, fx); err != nil {
		return r, err
	}
	if arrived, err := send(m, w); !arrived {
		r.Err = &marketapi.Failure{Code: &marketapi.FailureCode{Busy: true}, Message: fmt.Sprintf("withdrawal %d: %v; see the balance for what came back", w.ID, err), Retry: true}
		return r, nil
	}
	r.Ok = &marketapi.Withdrawal{Id: w.ID, To: a.To, Amount: a.Amount}
	return r, nil
}

func (edge) Job(_ *cdk.Message, seq uint64) (*marketapi.Job, error) {
	b := open()
	j, err := b.Job(seq)
	if err != nil {
		return nil, nil
	}
	return new(jobOut(b, j)), nil
}

func (edge) Result(_ *cdk.Message, seq uint64) (r marketapi.ResultResult, err error) {
	b := open()
	j, output, err := b.Result(seq)
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	r.Ok = &marketapi.Result{Job: jobOut(b, j), Output: outputOut(output)}
	return r, nil
}

// certified is the certificate of a query and the witness of one path.
func certified(m *cdk.Message, path ...[]byte) (certificate, witness []byte, err error) {
	certificate, ok := m.DataCertificate()
	if !ok {
		return nil, nil, errors.New("certificates are there in a query alone; call this as a query")
	}
	witness, err = cdk.Certified(m).Witness(path)
	return certificate, witness, err
}

func (edge) Receipt(m *cdk.Message, seq uint64) (r marketapi.ReceiptResult, err error) {
	b := open()
	receipt, err := b.Receipt(seq)
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	certificate, witness, err := certified(m, []byte("receipts"), commitment.SeqLabel(seq))
	if err != nil {
		return r, err
	}
	r.Ok = &marketapi.CertifiedReceipt{Receipt: receiptOut(receipt), Certificate: certificate, Witness: witness}
	return r, nil
}

func (edge) Events(_ *cdk.Message, a marketapi.EventsArg) ([]marketapi.Event, error) {
	job := uint64(0)
	if a.Job != nil {
		if job = *a.Job; job == 0 {
			return nil, nil
		}
	}
	var out []marketapi.Event
	for _, x := range open().Events(job, a.From, int(min(a.Limit, book.MaxEvents))) {
		out = append(out, eventOut(x))
	}
	return out, nil
}

func (edge) EventCount(*cdk.Message) (uint64, error) { return open().EventCount(), nil }

func (edge) Assignments(m *cdk.Message, operator principal.Principal) (r marketapi.Assignments, err error) {
	b := open()
	for _, a := range b.Assignments(principalIn(operator)) {
		r.Assignments = append(r.Assignments, assignmentOut(b, a))
	}
	r.Certificate, r.Witness, err = certified(m, []byte("assignments"), operator.Bytes())
	return r, err
}

func (edge) JobInput(m *cdk.Message, seq uint64) (r marketapi.JobInputResult, err error) {
	items, err := open().Input(principalIn(m.Caller()), seq)
	if r.Err = failureOut(err); err != nil {
		return r, unless(r.Err, err)
	}
	r.Ok = new(inputOut(items))
	return r, nil
}

func (edge) Deliver(m *cdk.Message, a marketapi.DeliverArg) (r marketapi.DeliverResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.Deliver(c, a.Job, a.Attempt, outputIn(a.Output))
	})
	return r, err
}

func (edge) Commit(m *cdk.Message, a marketapi.CommitArg) (r marketapi.CommitResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		h, err := hashIn("commit", a.Commit)
		if err != nil {
			return book.Effects{}, err
		}
		return b.Commit(c, a.Job, a.Attempt, h)
	})
	return r, err
}

func (edge) Reveal(m *cdk.Message, a marketapi.RevealArg) (r marketapi.RevealResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.Reveal(c, a.Job, a.Attempt, outputIn(a.Output), a.Salt)
	})
	return r, err
}

func (edge) Decline(m *cdk.Message, a marketapi.DeclineArg) (r marketapi.DeclineResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.Decline(c, a.Job, a.Attempt, a.Cause != nil && a.Cause.Input, a.Reason)
	})
	return r, err
}

func (edge) AdmitProvider(m *cdk.Message, a marketapi.ProviderEntry) (r marketapi.AdmitProviderResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.AdmitProvider(c, book.Provider{Operator: principalIn(a.Operator), Worker: principalIn(a.Worker), Name: a.Name})
	})
	return r, err
}

func (edge) RemoveProvider(m *cdk.Message, operator principal.Principal) (r marketapi.RemoveProviderResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.RemoveProvider(c, principalIn(operator))
	})
	return r, err
}

func (edge) Admit(m *cdk.Message, a marketapi.Entry) (r marketapi.AdmitResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		e, err := entryIn(a)
		if err != nil {
			return book.Effects{}, err
		}
		return b.Admit(c, e)
	})
	return r, err
}

func (edge) SetParameters(m *cdk.Message, a marketapi.Parameters) (r marketapi.SetParametersResult, err error) {
	r.Ok, r.Err, err = command(m, func(b *book.Book, c book.Call) (book.Effects, error) {
		return b.SetParameters(c, parametersIn(a))
	})
	return r, err
}

func (edge) Providers(*cdk.Message) ([]marketapi.ProviderEntry, error) {
	var out []marketapi.ProviderEntry
	for _, p := range open().Providers() {
		out = append(out, marketapi.ProviderEntry{Operator: principalOut(p.Operator), Worker: principalOut(p.Worker), Name: p.Name})
	}
	return out, nil
}

func (edge) Registry(*cdk.Message) ([]*marketapi.Entry, error) {
	var out []*marketapi.Entry
	for _, e := range open().Registry() {
		out = append(out, new(entryOut(e)))
	}
	return out, nil
}

func (edge) Parameters(*cdk.Message) (marketapi.Parameters, error) {
	return parametersOut(open().Parameters()), nil
}

func (edge) Books(m *cdk.Message) (marketapi.Books, error) {
	return booksOut(open().Books(saturate(m.LiquidBalance()))), nil
}
