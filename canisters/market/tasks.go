package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

// The market's tasks.
const (
	taskBeacon    = "beacon"
	taskDraw      = "draw"
	taskDeadlines = "deadlines"
	taskCallbacks = "callbacks"
)

// callbackTimeout is how many seconds a customer's canister has to take a result.
const callbackTimeout = 60

// Notes of the market's calls: what a call was for, so that its outcome finds its record
// after an upgrade too. One letter and a number.
const (
	noteBeacon     = 'b'
	noteCallback   = 'c'
	noteWithdrawal = 'w'
)

func note(kind byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, n) }

// runBeacon fixes the waiting jobs and requests the beacon that serves them.
func runBeacon(m *cdk.Message) error {
	b := open()
	id, request, fx := b.Freeze(call(m))
	if err := conclude(m, b, fx); err != nil || !request {
		return err
	}
	arg, err := managementapi.EncodeRawRandArgs()
	if err != nil {
		return err
	}
	o := cdk.All(m, cdk.Call{To: principal.Management, Method: "raw_rand", Arg: arg, Note: note(noteBeacon, id)})[0]
	return storeBeacon(m, id, o)
}

// storeBeacon keeps an answer and leaves the draw to a later message.
func storeBeacon(m *cdk.Message, id uint64, o cdk.Outcome) error {
	b := open()
	beacon, err := []byte(nil), o.Err
	if err == nil {
		beacon, err = managementapi.DecodeRawRandResults(o.Reply)
	}
	switch {
	case o.Lost:
		return nil // it was answered: the book gives this beacon up after a time
	case err != nil:
		m.Print(fmt.Sprintf("beacon %d: %v", id, err))
		b.BeaconRejected(call(m), id)
	default:
		if err := b.StoreBeacon(call(m), id, beacon); err != nil {
			m.Print(fmt.Sprintf("beacon %d: %v", id, err))
		}
	}
	return conclude(m, b, book.Effects{})
}

func runDraw(m *cdk.Message) error {
	b := open()
	_, fx := b.Draw(call(m))
	return conclude(m, b, fx)
}

func runDeadlines(m *cdk.Message) error {
	b := open()
	_, fx := b.Tick(call(m))
	return conclude(m, b, fx)
}

// runCallbacks sends the callbacks that are due. It answers its own message first: the
// task then counts as done and can run again for others while these wait.
func runCallbacks(m *cdk.Message) error {
	b := open()
	due, fx := b.Callbacks(call(m))
	if err := conclude(m, b, fx); err != nil || len(due) == 0 {
		return err
	}
	calls := make([]cdk.Call, len(due))
	for i, d := range due {
		arg, err := marketapi.EncodeOutcome(outcomeOut(b, d))
		if err != nil {
			return fmt.Errorf("encode the outcome of job %d: %w", d.Job.Seq, err)
		}
		calls[i] = cdk.Call{To: principalOut(d.Callee), Method: d.Method, Arg: arg, Timeout: callbackTimeout, Note: note(noteCallback, d.Job.Seq)}
	}
	if err := m.Reply([]byte("DIDL\x00\x00")); err != nil {
		return err
	}
	for i, o := range cdk.All(m, calls...) {
		if err := noteOutcome(m, due[i].Job.Seq, o); err != nil {
			return err
		}
	}
	return nil
}

func noteOutcome(m *cdk.Message, seq uint64, o cdk.Outcome) error {
	b := open()
	failure, retry := "", false
	if o.Err != nil {
		failure, retry = o.Err.Error(), true
		if ce, ok := errors.AsType[*cdk.CallError](o.Err); ok {
			retry = ce.Retry() || ce.Happened() == cdk.Unknown
		}
	}
	return conclude(m, b, b.CallbackDone(call(m), seq, failure, retry))
}

// send carries a withdrawal out. Of a call that ended without a clear outcome nothing is
// noted: the withdrawal stays on its way.
func send(m *cdk.Message, w book.Intent) (arrived bool, err error) {
	arg, err := managementapi.EncodeDepositCyclesArgs(managementapi.Canister{CanisterId: principalOut(w.To)})
	if err != nil {
		return false, err
	}
	o := cdk.All(m, cdk.Call{
		To: principal.Management, Method: "deposit_cycles", Arg: arg, Cycles: candid.NewNat(w.Amount), Note: note(noteWithdrawal, w.ID),
	})[0]
	return o.Err == nil, errors.Join(o.Err, endWithdrawal(m, w.ID, candid.NewNat(w.Amount), o))
}

func endWithdrawal(m *cdk.Message, id uint64, amount candid.Nat, o cdk.Outcome) error {
	if o.Err != nil && !o.Lost && o.Refunded != amount {
		m.Print(fmt.Sprintf("withdrawal %d: %v, and %s of %s cycles came back; it stays on its way", id, o.Err, o.Refunded, amount))
		return nil
	}
	b := open()
	return conclude(m, b, b.WithdrawalDone(call(m), id, o.Err == nil))
}

// orphan takes the outcome of a call whose handler is gone with an upgrade or a trap. A
// rejected unbounded-wait call to the management canister always returns its cycles.
func orphan(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
	if len(i.Note) != 9 {
		return
	}
	id := binary.BigEndian.Uint64(i.Note[1:])
	var err error
	switch i.Note[0] {
	case noteBeacon:
		err = storeBeacon(m, id, o)
	case noteCallback:
		err = noteOutcome(m, id, o)
	case noteWithdrawal:
		err = endWithdrawal(m, id, i.Cycles, o)
	}
	if err != nil {
		m.Print(fmt.Sprintf("outcome of %s for %c%d: %v", i.Method, i.Note[0], id, err))
	}
}
