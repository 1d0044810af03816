package commitment

// MarketRules are the parameters of a market as its certified tree binds them. Times are
// nanoseconds, amounts cycles.
type MarketRules struct {
	Window           uint64
	DeliveryTimeout  uint64
	RevealTimeout    uint64
	MaxAttempts      uint32
	TreasuryPermille uint16
	BasePrice        uint64
	Reserve          uint64
}

// Sum is the rules' hash, the value under /parameters.
func (r MarketRules) Sum() Hash {
	return NewPreimage("assay/rules/1").Uint(r.Window).Uint(r.DeliveryTimeout).Uint(r.RevealTimeout).
		Uint(uint64(r.MaxAttempts)).Uint(uint64(r.TreasuryPermille)).Uint(r.BasePrice).Uint(r.Reserve).Sum()
}
