// Package vote is the dao's pure core: who may vote, when a proposal is adopted, and that
// what it asks for is done once. The dao canister's edge keeps the ballots, renders what
// is proposed and makes the call; it asks here what each step means.
//
// A ballot is adopted as soon as more than half of all weight is for it, and rejected as
// soon as that can no longer happen or its time is over. An adopted one is executed by
// [Ballot.Begin] and [Ballot.End]; an execution whose outcome is not known, or that may
// succeed later, can be begun again.
package vote

import (
	"errors"
	"fmt"
	"math"
)

// Time is nanoseconds since 1970.
type Time = uint64

// Principal is the raw bytes of one.
type Principal string

// State of a ballot.
type State uint8

// The states, in the order of the wire variant.
const (
	Open State = iota
	Adopted
	Rejected
	Executed
	Failed
)

// String is the state in a word.
func (s State) String() string {
	return [...]string{"open", "adopted", "rejected", "executed", "failed"}[s]
}

// Why a step is refused. Nothing has changed then.
var (
	ErrNotMember = errors.New("only members may do this")
	ErrVoted     = errors.New("this member has voted on it")
	ErrClosed    = errors.New("the vote on it is over")
	ErrNotReady  = errors.New("it is not an adopted proposal that waits for its execution")
	ErrRunning   = errors.New("it is being executed")
)

// Member may propose and vote with a weight.
type Member struct {
	ID     Principal
	Weight uint64
}

// Council is the members and their rules.
type Council struct {
	Members []Member
	Period  Time // how long a vote stays open
}

// Limits of a council.
const (
	MaxMembers = 100
	MaxPeriod  = Time(90 * 24 * 3600 * 1e9)
)

// Check says what makes a council unusable.
func (c Council) Check() error {
	if len(c.Members) == 0 || len(c.Members) > MaxMembers {
		return fmt.Errorf("%d members, 1 to %d are allowed", len(c.Members), MaxMembers)
	}
	if c.Period == 0 || c.Period > MaxPeriod {
		return errors.New("the voting period is not between one nanosecond and 90 days")
	}
	seen, total := map[Principal]bool{}, uint64(0)
	for _, m := range c.Members {
		switch {
		case seen[m.ID]:
			return errors.New("a member is listed twice")
		case m.ID == "" || m.ID == "\x04":
			return errors.New("a member is anonymous or the management canister")
		case m.Weight == 0 || m.Weight > math.MaxUint32:
			return fmt.Errorf("a member has weight %d, 1 to %d are allowed", m.Weight, uint64(math.MaxUint32))
		}
		seen[m.ID], total = true, total+m.Weight
	}
	return nil
}

// Weight is a caller's, zero for one who is no member.
func (c Council) Weight(p Principal) uint64 {
	for _, m := range c.Members {
		if m.ID == p {
			return m.Weight
		}
	}
	return 0
}

func (c Council) total() (n uint64) {
	for _, m := range c.Members {
		n += m.Weight
	}
	return n
}

// Vote is one member's.
type Vote struct {
	Member Principal
	Accept bool
	Weight uint64
	At     Time
}

// Ballot is the vote on one proposal and what came of it.
type Ballot struct {
	State    State
	Running  bool // adopted, and its call is open
	Votes    []Vote
	Yes, No  uint64
	Total    uint64 // all weight that there is
	Created  Time
	Deadline Time
	Outcome  string // of the execution, in words
}

// Propose opens a ballot.
func (c Council) Propose(now Time, caller Principal) (*Ballot, error) {
	if c.Weight(caller) == 0 {
		return nil, ErrNotMember
	}
	return &Ballot{Total: c.total(), Created: now, Deadline: now + c.Period}, nil
}

// Vote casts a member's vote. Votes are not changed afterwards.
func (c Council) Vote(b *Ballot, now Time, caller Principal, accept bool) error {
	weight := c.Weight(caller)
	if weight == 0 {
		return ErrNotMember
	}
	if b.At(now) != Open {
		return ErrClosed
	}
	for _, v := range b.Votes {
		if v.Member == caller {
			return ErrVoted
		}
	}
	b.Votes = append(b.Votes, Vote{caller, accept, weight, now})
	if accept {
		b.Yes += weight
	} else {
		b.No += weight
	}
	switch {
	case b.Yes > b.Total-b.Yes:
		b.State = Adopted
	case b.No >= b.Total-b.No:
		b.State = Rejected
	}
	return nil
}

// At is the ballot's state at a time: an open one is rejected once its time is over.
func (b *Ballot) At(now Time) State {
	if b.State == Open && now >= b.Deadline {
		return Rejected
	}
	return b.State
}

// Begin marks an adopted ballot as being executed. The edge calls it in the message that
// makes the call, before the call.
func (b *Ballot) Begin() error {
	switch {
	case b.Running:
		return ErrRunning
	case b.State != Adopted:
		return ErrNotReady
	}
	b.Running = true
	return nil
}

// Result is how an execution ended.
type Result uint8

// How executions end.
const (
	Done    Result = iota
	Refused        // it certainly was not done and would not be a second time
	Lost           // it may or may not have been done, or may succeed later
)

// End notes the outcome of an execution that was begun.
func (b *Ballot) End(r Result, outcome string) {
	if !b.Running {
		return
	}
	b.Running, b.Outcome = false, outcome
	switch r {
	case Done:
		b.State = Executed
	case Refused:
		b.State = Failed
	}
}
