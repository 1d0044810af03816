package state

// Metrics are those of the subnet that its state tree shows.
type Metrics struct {
	Canisters  uint64
	StateBytes uint64 // of all canisters
	CyclesLow  uint64 // consumed since the beginning, 128 bits in two halves
	CyclesHigh uint64
	Updates    uint64 // executions that may have changed something
}

// Metrics counts what the subnet holds and did.
func (m *Machine) Metrics() Metrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := uint64(0)
	for _, id := range m.mu.order {
		size += m.mu.canisters[id].memorySize()
	}
	spent := m.mu.money.Spent
	return Metrics{
		Canisters: uint64(len(m.mu.order)), StateBytes: size,
		CyclesLow: spent.Lo, CyclesHigh: spent.Hi, Updates: m.mu.counters.Updates,
	}
}
