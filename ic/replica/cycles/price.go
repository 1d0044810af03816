package cycles

import "math/bits"

// ReferenceNodes is the subnet size that the published prices are for.
const ReferenceNodes = 13

// Published prices on 13 nodes, in cycles.
const (
	createCanister  = 500_000_000_000
	updateBase      = 5_000_000
	ingressBase     = 1_200_000
	ingressByte     = 2_000
	callBase        = 260_000
	callByte        = 1_000
	gibSecond       = 127_000
	computeSecond   = 10_000_000
	testKey         = 10_000_000_000
	productionKey   = 26_153_846_153
	maxReplyBytes   = 2 << 20
	callbackInstr   = 40_000_000_000
	httpBase        = 3_000_000
	httpBaseNode    = 60_000
	httpRequestByte = 400
	httpReplyByte   = 800
)

// Prices are the fees on a subnet of so many nodes.
type Prices struct{ Nodes uint64 }

// scale takes a price on 13 nodes to this subnet, rounding down.
func (p Prices) scale(n uint64) Amount { return New(n).mulDiv(p.Nodes, ReferenceNodes) }

// mulDiv is a·m/d in 192 bits; the quotient must fit.
func (a Amount) mulDiv(m, d uint64) Amount {
	c, lo := bits.Mul64(a.Lo, m)
	top, mid := bits.Mul64(a.Hi, m)
	mid, carry := bits.Add64(mid, c, 0)
	top += carry
	if top >= d {
		panic("cycles: price over 2^128")
	}
	hi, rem := bits.Div64(top, mid, d)
	low, _ := bits.Div64(rem, lo, d)
	return Amount{hi, low}
}

// Times is a·m.
func (a Amount) Times(m uint64) Amount { return a.mulDiv(m, 1) }

// Over is a/d rounded down.
func (a Amount) Over(d uint64) Amount { return a.mulDiv(1, d) }

// Creation is what a new canister costs.
func (p Prices) Creation() Amount { return p.scale(createCanister) }

// Execution is what one message of so many instructions costs.
func (p Prices) Execution(instructions uint64) Amount {
	return p.scale(updateBase).Add(p.scale(instructions))
}

// Ingress is what taking an ingress message of so many bytes costs.
func (p Prices) Ingress(size int) Amount {
	return p.scale(ingressBase).Add(New(ingressByte).Times(uint64(size)).mulDiv(p.Nodes, ReferenceNodes))
}

// CallCost is what an inter-canister call takes from its caller when it leaves.
type CallCost struct {
	Request  Amount // gone: sending name and argument
	Reply    Amount // held: the longest reply; what a shorter one leaves comes back
	Callback Amount // held: running the callback to the instruction limit; the rest comes back
}

// Total is the sum of the parts.
func (c CallCost) Total() Amount { return c.Request.Add(c.Reply).Add(c.Callback) }

// Call is the cost of a call with so many bytes of method name and argument.
func (p Prices) Call(name, arg uint64) CallCost {
	return CallCost{
		Request:  p.scale(callBase).Add(p.bytes(New(name).Add(New(arg)))),
		Reply:    p.ReplyBytes(maxReplyBytes),
		Callback: p.Execution(callbackInstr),
	}
}

// ReplyBytes is the cost of sending so many bytes between canisters.
func (p Prices) ReplyBytes(size uint64) Amount { return p.bytes(New(size)) }

func (p Prices) bytes(size Amount) Amount {
	return size.Times(callByte).mulDiv(p.Nodes, ReferenceNodes)
}

// Storage is the cost of keeping so many bytes for so many seconds, with a share of
// a core in percent.
func (p Prices) Storage(bytes, computePercent, seconds uint64) Amount {
	perGiB := New(gibSecond).Times(seconds).mulDiv(p.Nodes, ReferenceNodes)
	core := New(computeSecond).Times(computePercent).Times(seconds).mulDiv(p.Nodes, ReferenceNodes)
	return perGiB.Times(bytes).Over(1 << 30).Add(core)
}

// HTTPOutcall is the cost of an outcall with so many bytes each way.
func (p Prices) HTTPOutcall(request, reply uint64) Amount {
	each := New(httpBase).Add(New(httpBaseNode).Times(p.Nodes))
	each = each.Add(New(httpRequestByte).Times(request)).Add(New(httpReplyByte).Times(reply))
	return each.Times(p.Nodes)
}

// Signature is the cost of a threshold signature or derivation with a key of that
// name, false if there is no such key.
func (p Prices) Signature(key string) (Amount, bool) {
	switch key {
	case "test_key_1", "dfx_test_key":
		return New(testKey), true
	case "key_1":
		return New(productionKey), true
	}
	return Amount{}, false
}
