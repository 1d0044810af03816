package main

import (
	"fmt"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// Limits of one call; the market and the model have their own.
const (
	maxPassages = 64
	maxText     = 4096 // bytes
)

// edge serves dapp.did.
type edge struct{}

var _ dappapi.Service[*cdk.Message] = edge{}

func refuse(code dappapi.FailureCode, format string, args ...any) *dappapi.Failure {
	return &dappapi.Failure{Code: &code, Message: fmt.Sprintf(format, args...)}
}

func checkOwner(m *cdk.Message, a dappapi.Init) *dappapi.Failure {
	if m.Caller() != a.Owner {
		return refuse(dappapi.FailureCode{NotPermitted: true}, "only the dApp's owner may do this, it costs cycles")
	}
	return nil
}

func checkTexts(texts []string) *dappapi.Failure {
	if len(texts) < 1 || len(texts) > maxPassages {
		return refuse(dappapi.FailureCode{TooLarge: true}, "%d passages, 1 to %d are allowed", len(texts), maxPassages)
	}
	for i, t := range texts {
		if t == "" || len(t) > maxText {
			return refuse(dappapi.FailureCode{BadInput: true}, "passage %d has %d bytes, 1 to %d are allowed", i, len(t), maxText)
		}
	}
	return nil
}

// Index has passages embedded. They are searchable once the market's callback came and
// vectors took them.
func (edge) Index(m *cdk.Message, arg dappapi.IndexArg) (r dappapi.IndexResult, err error) {
	a := config()
	if r.Err = checkOwner(m, a); r.Err == nil {
		r.Err = checkTexts(arg.Passages)
	}
	if r.Err != nil {
		return r, nil
	}
	id := nextID('b')
	for i, t := range arg.Passages {
		if err := cdk.Map(regionState).Put(textKey(id, i), []byte(t)); err != nil {
			return r, fmt.Errorf("keep the passages: %w", err)
		}
	}
	saveBatch(id, dappapi.Batch{Job: dappapi.JobId{Market: a.Market}, Passages: uint32(len(arg.Passages)), State: "submitting"})
	r.Ok, r.Err = order(m, a, recordKey('b', id), arg.Passages, arg.Redundancy)
	return r, nil
}

// Ask has a question embedded; its answer follows by callback.
func (edge) Ask(m *cdk.Message, text string) (r dappapi.AskResult, err error) {
	a := config()
	if r.Err = checkOwner(m, a); r.Err == nil {
		r.Err = checkTexts([]string{text})
	}
	if r.Err != nil {
		return r, nil
	}
	q := dappapi.Question{Id: nextID('q'), Text: text, State: "submitting"}
	saveQuestion(q)
	if _, r.Err = order(m, a, recordKey('q', q.Id), []string{text}, 1); r.Err == nil {
		r.Ok = &q.Id
	}
	return r, nil
}

// order asks the market for its price and places a job, paid with this canister's
// cycles. The record behind the key is stored before and after.
func order(m *cdk.Message, a dappapi.Init, key []byte, texts []string, redundancy uint8) (*dappapi.JobId, *dappapi.Failure) {
	market := marketapi.NewClient[*cdk.Message](cdk.Canister{ID: a.Market})
	quote, err := market.Quote(m, marketapi.QuoteArg{Model: a.Model, Items: uint32(len(texts)), Redundancy: redundancy})
	if err != nil {
		return nil, unplaced(key, unreachable(err))
	}
	if quote.Err != nil {
		return nil, unplaced(key, failureOf(quote.Err))
	}
	items := make([]marketapi.Item, len(texts))
	for i := range texts {
		items[i].Text = &texts[i]
	}
	arg, err := marketapi.EncodeSubmitArgs(marketapi.SubmitArg{
		Key: key, Model: a.Model, Input: marketapi.Input{Inline: &items}, Class: marketapi.Class{Exact: true}, Redundancy: redundancy,
		MaxPrice: *quote.Ok, Currency: marketapi.Currency{Cycles: true}, Payment: marketapi.Payment{Attached: true},
		Callback: &marketapi.Callback{Method: "assay_result", At: marketapi.CallbackAt{Provisional: true}},
	})
	if err != nil {
		return nil, unplaced(key, unreachable(err))
	}
	return placed(key, cdk.All(m, cdk.Call{To: a.Market, Method: "submit", Arg: arg, Cycles: *quote.Ok, Note: key})[0])
}

// placed notes what became of a submission.
func placed(key []byte, o cdk.Outcome) (*dappapi.JobId, *dappapi.Failure) {
	if o.Lost && o.Err == nil {
		return nil, nil // it was placed; its callback brings the job's id
	}
	if o.Err != nil {
		return nil, unplaced(key, unreachable(o.Err))
	}
	r, err := marketapi.DecodeSubmitResults(o.Reply)
	if err != nil {
		return nil, unplaced(key, unreachable(err))
	}
	if r.Err != nil {
		return nil, unplaced(key, failureOf(r.Err))
	}
	job := dappapi.JobId{Market: r.Ok.Job.Market, Seq: r.Ok.Job.Seq}
	note(key, &job, "submitted")
	return &job, nil
}

func unplaced(key []byte, f *dappapi.Failure) *dappapi.Failure {
	note(key, nil, "not submitted: "+f.Message)
	return f
}

// note changes the job and state of the record behind a key, unless it is already done.
func note(key []byte, job *dappapi.JobId, state string) {
	kind, id := key[0], idOf(key)
	switch kind {
	case 'b':
		if b, ok := loadBatch(id); ok && b.State != stateIndexed {
			if b.State = state; job != nil {
				b.Job = *job
			}
			saveBatch(id, b)
		}
	case 'q':
		if q, ok := loadQuestion(id); ok && q.State != stateAnswered {
			if q.State = state; job != nil {
				q.Job = job
			}
			saveQuestion(q)
		}
	}
}

func unreachable(err error) *dappapi.Failure {
	return &dappapi.Failure{Code: &dappapi.FailureCode{Busy: true}, Message: err.Error(), Retry: true}
}

// failureOf keeps the market's words. Its code is named by the same tag here.
func failureOf(f *marketapi.Failure) *dappapi.Failure {
	out := &dappapi.Failure{Message: f.Message, Retry: f.Retry}
	if msg, err := marketapi.EncodeFailure(*f); err == nil {
		if same, err := dappapi.DecodeFailure(msg); err == nil {
			out.Code = same.Code
		}
	}
	return out
}

// Sponsor fills a user's prepaid balance at the market: users cannot attach cycles.
func (edge) Sponsor(m *cdk.Message, arg dappapi.SponsorArg) (r dappapi.SponsorResult, err error) {
	a := config()
	if r.Err = checkOwner(m, a); r.Err != nil {
		return r, nil
	}
	market := marketapi.NewClient[*cdk.Message](cdk.Canister{ID: a.Market, Cycles: arg.Cycles})
	d, err := market.Deposit(m, arg.User)
	switch {
	case err != nil:
		r.Err = unreachable(err)
	case d.Err != nil:
		r.Err = failureOf(d.Err)
	default:
		r.Ok = d.Ok
	}
	return r, nil
}

func (edge) Answer(_ *cdk.Message, id uint64) (*dappapi.Question, error) {
	q, ok := loadQuestion(id)
	if !ok {
		return nil, nil
	}
	return &q, nil
}

func (edge) Status(m *cdk.Message) (dappapi.Status, error) {
	s := dappapi.Status{Cycles: candid.Nat(m.Balance())}
	each('b', func(_ uint64, v []byte) {
		b := decoded(dappapi.DecodeBatch, v, true)
		s.Batches = append(s.Batches, b)
		s.Passages += uint64(b.Passages)
		if b.State == stateIndexed {
			s.Indexed += uint64(b.Passages)
		}
	})
	return s, nil
}
