package state_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"assay/ic/principal"
)

// randomProgram is a program of calls among the canisters, nested, with cycles, traps
// and all kinds of answers.
func randomProgram(seed uint64, ids []principal.Principal) program {
	return (&generator{rand.New(rand.NewPCG(seed, 4)), ids}).program(3)
}

type generator struct {
	*rand.Rand
	ids []principal.Principal
}

func (g *generator) program(depth int) program {
	p := program{}
	for range g.IntN(4) {
		switch g.IntN(9) {
		case 0:
			p = p.Accept(g.Uint64N(1e9))
		case 1:
			p = p.Burn(g.Uint64N(1e6))
		case 2:
			p = p.Add(uint32(g.IntN(8)), 1)
		case 3:
			p = p.StableGrow(1).StableWrite(0, []byte("x"))
		case 4:
			p = p.Timer(g.Uint64N(2e18)).OnTimer(g.deeper(depth))
		default:
			p = p.Call(g.call(depth))
		}
	}
	switch g.IntN(8) {
	case 0:
		return p.Trap("random")
	case 1:
		return p.Reject("random")
	case 2:
		return p
	case 3:
		return p.Touch(0xffffffff)
	}
	return p.Reply([]byte("random"))
}

func (g *generator) deeper(depth int) program {
	if depth == 0 {
		return program{}
	}
	return g.program(depth - 1)
}

func (g *generator) call(depth int) call {
	c := call{
		To: g.ids[g.IntN(len(g.ids))], Cycles: g.Uint64N(1e10), Arg: g.deeper(depth),
		OnReply: g.deeper(depth), OnReject: g.deeper(depth), OnCleanup: g.deeper(depth),
	}
	switch g.IntN(8) {
	case 0:
		c.To = principal.Canister(1 << 40) // nobody
	case 1:
		c.To, c.Method, c.Arg = principal.Management, "deposit_cycles", about(g.ids[0])
	case 2:
		c.To, c.Method, c.Arg = principal.Management, "stop_canister", about(g.ids[g.IntN(len(g.ids))])
	case 3:
		c.To, c.Method, c.Arg = principal.Management, "start_canister", about(g.ids[g.IntN(len(g.ids))])
	}
	if g.IntN(2) == 0 {
		c.Timeout = 1 + uint32(g.IntN(20))
	}
	return c
}

func TestRandomProgramsKeepTheSum(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	ids := []principal.Principal{n.selfControlled(), n.selfControlled(), n.actor()}
	rng := rand.New(rand.NewPCG(8, 8))
	executed := 0
	for seed := range uint64(100) {
		for _, id := range ids { // a random program may have stopped it
			n.must(n.manage(id, "start_canister", about(id)))
		}
		for _, id := range ids {
			if _, rej := n.submit(inState(id, randomProgram(seed*3+uint64(id.Bytes()[7]), ids))); rej == nil {
				executed++
			}
		}
		for range rng.IntN(6) {
			n.m.Round(t.Context())
			n.balanced()
		}
		if seed%25 == 24 {
			n.restart()
			n.balanced()
		}
		n.pass(time.Duration(rng.Int64N(int64(10 * time.Second))))
		n.balanced()
	}
	if executed < 250 {
		t.Errorf("only %d programs ran", executed)
	}
	n.pass(10 * time.Minute)
	n.balanced()
}
