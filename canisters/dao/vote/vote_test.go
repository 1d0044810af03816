package vote

import (
	"errors"
	"math"
	"testing"
)

func council(weights ...uint64) Council {
	c := Council{Period: 100}
	for i, w := range weights {
		c.Members = append(c.Members, Member{Principal(rune('a' + i)), w})
	}
	return c
}

// TestTally: each row is a sequence of votes, upper case for yes, and the state after it.
func TestTally(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name    string
		weights []uint64
		votes   string
		want    State
	}{
		{"nobody voted", []uint64{1, 1, 1}, "", Open},
		{"one of three", []uint64{1, 1, 1}, "A", Open},
		{"two of three", []uint64{1, 1, 1}, "AB", Adopted},
		{"two against", []uint64{1, 1, 1}, "ab", Rejected},
		{"one each", []uint64{1, 1, 1}, "Ab", Open},
		{"half is not enough", []uint64{1, 1}, "A", Open},
		{"half against is", []uint64{1, 1}, "a", Rejected},
		{"one heavy member", []uint64{5, 1, 1, 1}, "A", Adopted},
		{"light members", []uint64{5, 2, 2}, "BC", Open},
		{"alone", []uint64{1}, "A", Adopted},
	} {
		c := council(r.weights...)
		b, err := c.Propose(0, "a")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range r.votes {
			if err := c.Vote(b, 1, Principal(v|0x20), v < 'a'); err != nil {
				t.Fatalf("%s: %v", r.name, err)
			}
		}
		if got := b.At(1); got != r.want {
			t.Errorf("%s: %s, want %s", r.name, got, r.want)
		}
	}
}

func TestVoteRefuses(t *testing.T) {
	t.Parallel()
	c := council(1, 1, 1)
	if _, err := c.Propose(0, "stranger"); !errors.Is(err, ErrNotMember) {
		t.Errorf("a stranger proposes: %v", err)
	}
	b, _ := c.Propose(0, "a")
	if err := c.Vote(b, 1, "stranger", true); !errors.Is(err, ErrNotMember) {
		t.Errorf("a stranger votes: %v", err)
	}
	if err := c.Vote(b, 1, "a", true); err != nil {
		t.Fatal(err)
	}
	if err := c.Vote(b, 1, "a", false); !errors.Is(err, ErrVoted) {
		t.Errorf("a second vote: %v", err)
	}
	if err := c.Vote(b, b.Deadline, "b", true); !errors.Is(err, ErrClosed) || b.At(b.Deadline) != Rejected {
		t.Errorf("a late vote: %v, %s", err, b.At(b.Deadline))
	}
	if err := c.Vote(b, b.Deadline-1, "b", true); err != nil {
		t.Fatal(err)
	}
	if err := c.Vote(b, b.Deadline-1, "c", true); !errors.Is(err, ErrClosed) || b.At(b.Deadline) != Adopted {
		t.Errorf("a vote after adoption: %v, %s", err, b.At(b.Deadline))
	}
}

func TestExecuteOnce(t *testing.T) {
	t.Parallel()
	c := council(1)
	b, _ := c.Propose(0, "a")
	if err := b.Begin(); !errors.Is(err, ErrNotReady) {
		t.Errorf("an open one is executed: %v", err)
	}
	if err := c.Vote(b, 1, "a", true); err != nil {
		t.Fatal(err)
	}
	if err := b.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := b.Begin(); !errors.Is(err, ErrRunning) {
		t.Errorf("executed twice at a time: %v", err)
	}
	b.End(Lost, "no answer")
	if b.State != Adopted || b.Outcome != "no answer" {
		t.Errorf("after a lost execution: %+v", b)
	}
	if err := b.Begin(); err != nil {
		t.Errorf("a lost execution is not begun again: %v", err)
	}
	b.End(Done, "ok")
	b.End(Refused, "a late outcome")
	if err := b.Begin(); !errors.Is(err, ErrNotReady) || b.State != Executed || b.Outcome != "ok" {
		t.Errorf("executed again: %v, %+v", err, b)
	}
	failed, _ := c.Propose(0, "a")
	_ = c.Vote(failed, 1, "a", true)
	_ = failed.Begin()
	failed.End(Refused, "no")
	if err := failed.Begin(); !errors.Is(err, ErrNotReady) || failed.State != Failed {
		t.Errorf("a refused execution is repeated: %v", err)
	}
}

func TestCouncilCheck(t *testing.T) {
	t.Parallel()
	if err := council(1, 2, math.MaxUint32).Check(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]Council{
		"nobody":     {Period: 1},
		"no period":  {Members: council(1).Members},
		"no weight":  council(0),
		"heavy":      council(math.MaxUint32 + 1),
		"twice":      {Period: 1, Members: []Member{{"a", 1}, {"a", 1}}},
		"anonymous":  {Period: 1, Members: []Member{{"\x04", 1}}},
		"management": {Period: 1, Members: []Member{{"", 1}}},
		"too many":   council(make([]uint64, MaxMembers+1)...),
		"too long":   {Period: MaxPeriod + 1, Members: council(1).Members},
	} {
		if c.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
