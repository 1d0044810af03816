package poll

import (
	"encoding/json"
	"fmt"

	"assay/commitment"
	"assay/ic/principal"
)

// Phases of an assignment, in the market's words.
const (
	Deliver = "deliver" // alone: compute and deliver
	Commit  = "commit"  // one of several: compute, commit to a hash
	Reveal  = "reveal"  // all have committed: show output and salt
)

// Ticket is one assignment whose certificate and witness held.
type Ticket struct {
	Job      uint64          `json:"job"`
	Attempt  uint32          `json:"attempt"`
	Phase    string          `json:"phase"`
	Model    commitment.Hash `json:"model"`
	Input    commitment.Hash `json:"input"`
	Deadline uint64          `json:"deadline"` // ns since 1970
}

// ID names the ticket; the same assignment polled twice has the same id.
func (t Ticket) ID() string { return t.Key() + "." + t.Phase }

// Key names the result that the ticket's phases share. Model and input are in it so that a
// development network that lost its last jobs, and numbers new ones the same, gets no old
// result.
func (t Ticket) Key() string {
	return fmt.Sprintf("%d.%d.%x.%x", t.Job, t.Attempt, t.Model[:4], t.Input[:8])
}

// Encode is the ticket's form in the journal.
func (t Ticket) Encode() []byte {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // numbers, strings and bytes always marshal
	}
	return b
}

// Decode reads what Encode wrote.
func Decode(b []byte) (t Ticket, err error) {
	if err = json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("decode ticket: %w", err)
	}
	switch t.Phase {
	case Deliver, Commit, Reveal:
		return t, nil
	}
	return t, fmt.Errorf("decode ticket: unknown phase %q", t.Phase)
}

// Provider is who this daemon works for: the operator that the dao admitted, and the
// worker key that signs its calls.
type Provider struct {
	Operator, Worker principal.Principal
	Market           principal.Principal
	Network          commitment.Hash
}

// Work names what a ticket asks of a provider, the way commits and assignments hash it.
func (p Provider) Work(t Ticket) commitment.Work {
	return commitment.Work{
		Network: p.Network, Job: commitment.JobID{Market: string(p.Market.Bytes()), Seq: t.Job}, Attempt: t.Attempt,
		Executor: p.Worker.Bytes(), Model: t.Model, Input: t.Input,
	}
}
