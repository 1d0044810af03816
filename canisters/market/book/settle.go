package book

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"assay/commitment"
)

// accept makes a job provisional: its result may be used, and can still be challenged
// until the window closes.
func (b *Book) accept(now Time, j *Job, root commitment.Hash, fx *Effects) {
	b.withdrawAssignments(j, fx)
	j.State, j.Phase, j.OutputRoot = Provisional, NoPhase, &root
	j.Evidence = evidence(j)
	b.setDeadline(j, now+j.Terms.Window)
	b.event(now, j.Seq, "provisional", fmt.Sprintf("output %s, window %s", root, time.Duration(j.Terms.Window)))
	if j.CallbackAt == AtProvisional {
		b.queueCallback(now, j)
	}
	b.save(j)
}

// evidence is what is known once the outputs are in. Operators of one draw are distinct.
func evidence(j *Job) []commitment.Claim {
	k := int(j.Redundancy)
	if k == 1 {
		return []commitment.Claim{{Word: commitment.Signed, Detail: "1 worker's registered key"}}
	}
	return []commitment.Claim{
		{Word: commitment.Signed, Detail: fmt.Sprintf("%d workers' registered keys", k)},
		{Word: commitment.Agreed, Detail: fmt.Sprintf("%d commits of %d operators", k, k)},
	}
}

// permille is n·p/1000, rounded down, without overflow.
func permille(n Cycles, p uint16) Cycles {
	return n/1000*Cycles(p) + n%1000*Cycles(p)/1000
}

// settle makes a provisional job final and pays. What does not divide goes to the
// treasury.
func (b *Book) settle(now Time, j *Job, fx *Effects) {
	k := Cycles(j.Redundancy)
	treasury, royalty := permille(j.Price, j.Terms.TreasuryPermille), permille(j.Price, j.Terms.RoyaltyPermille)
	each := (j.Price - treasury - royalty) / k
	treasury = j.Price - royalty - each*k
	postings := []Posting{debit(Account{Kind: Escrow, ID: j.Seq}, j.Price)}
	var shares []commitment.Share
	for _, s := range j.Assigned {
		postings = append(postings, credit(Account{Kind: Earned, Owner: s.Operator}, each))
		shares = append(shares, share("provider", s.Operator, each))
	}
	postings = append(postings, credit(Account{Kind: Royalty, Owner: j.Terms.Publisher}, royalty), credit(Account{Kind: Treasury}, treasury))
	shares = append(shares, share("royalty", j.Terms.Publisher, royalty), share("treasury", "", treasury))
	b.post(now, j.Seq, "settle", postings...)
	j.Evidence = append(j.Evidence, commitment.Claim{Word: commitment.WindowClosed, Detail: fmt.Sprintf("no challenge within %s", time.Duration(j.Terms.Window))})
	b.close(now, j, Final, "", shares, fx)
}

// refund ends a job that has no assignments left without paying anybody for it. A failed
// one quotes the providers that gave it back.
func (b *Book) refund(now Time, j *Job, s State, why string, fx *Effects) {
	if s == Failed {
		why += b.lastWords(j.Seq)
	}
	b.store.Delete(numKey('O', j.Seq))
	b.post(now, j.Seq, "refund", debit(Account{Kind: Escrow, ID: j.Seq}, j.Price), credit(Account{Kind: User, Owner: j.Requester}, j.Price))
	b.close(now, j, s, why, []commitment.Share{share("refund", j.Requester, j.Price)}, fx)
}

func share(account string, owner Principal, n Cycles) commitment.Share {
	return commitment.Share{Account: account, Owner: []byte(owner), Cycles: strconv.FormatUint(n, 10)}
}

// close writes the end of a job: its receipt, its last event, its callback.
func (b *Book) close(now Time, j *Job, s State, why string, shares []commitment.Share, fx *Effects) {
	b.store.Delete(numKey('N', j.Seq))
	b.setDeadline(j, 0)
	j.State, j.Phase, j.Message, j.Settled = s, NoPhase, why, now
	if j.CallbackAt == AtFinal || j.CallbackAt == AtProvisional && s != Final {
		b.queueCallback(now, j)
	}
	b.save(j)
	b.setCounter("open", b.counter("open")-1)
	b.store.Put(numKey('Z', j.Seq), encodeShares(shares))
	sum := b.receipt(j, shares).Sum()
	fx.put(sum[:], []byte("receipts"), commitment.SeqLabel(j.Seq))
	b.event(now, j.Seq, s.String(), why)
}

// retry starts the next attempt of a job after its providers failed it, or ends it when
// the attempts are used up.
func (b *Book) retry(now Time, j *Job, silent []Principal, why string, fx *Effects) {
	b.withdrawAssignments(j, fx)
	b.store.Delete(numKey('O', j.Seq))
	for _, p := range silent {
		if !slices.Contains(j.Excluded, p) {
			j.Excluded = append(j.Excluded, p)
		}
	}
	if most := b.Parameters().MaxAttempts; j.Attempt >= most {
		b.refund(now, j, Failed, fmt.Sprintf("%s; attempt %d was the last", why, j.Attempt), fx)
		return
	}
	j.Attempt++
	b.event(now, j.Seq, "redraw", why)
	b.wait(now, j)
}

func encodeShares(shares []commitment.Share) []byte {
	var e encoder
	e.u32(uint32(len(shares)))
	for _, s := range shares {
		e.str(s.Account).bytes(s.Owner).str(s.Cycles)
	}
	return e.record(1)
}

func decodeShares(v []byte) ([]commitment.Share, error) {
	d := decode(v, 1)
	var out []commitment.Share
	for range d.count(12) {
		out = append(out, commitment.Share{Account: d.str(), Owner: d.bytes(), Cycles: d.str()})
	}
	return out, d.end()
}

func (b *Book) receipt(j *Job, shares []commitment.Share) commitment.Receipt {
	r := commitment.Receipt{
		Network: b.network, Job: b.jobID(j.Seq), Requester: []byte(j.Requester), Model: j.Model, Input: j.InputHash, Parameters: j.ParametersHash,
		State: j.State.String(), Evidence: j.Evidence, Price: strconv.FormatUint(j.Price, 10), Shares: shares,
		Submitted: j.Submitted, Settled: j.Settled, Window: j.Terms.Window,
	}
	if j.OutputRoot != nil {
		r.Output = *j.OutputRoot
	}
	for _, d := range j.Deliveries {
		if d.Attempt == j.Attempt && d.OutputRoot != nil {
			r.Executors = append(r.Executors, []byte(d.Worker))
		}
	}
	return r
}

// Receipt says what became of a settled job; its hash is in the certified tree.
func (b *Book) Receipt(seq uint64) (commitment.Receipt, error) {
	j, err := b.findJob(seq)
	if err != nil {
		return commitment.Receipt{}, err
	}
	v, ok := b.store.Get(numKey('Z', seq))
	if !ok {
		return commitment.Receipt{}, failRetry(WrongState, "job %d is %s; a receipt follows when it is settled", seq, j.State)
	}
	shares, err := decodeShares(v)
	must("shares", err)
	return b.receipt(j, shares), nil
}
