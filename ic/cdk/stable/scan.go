package stable

// Scan calls each with every entry from the first key not below from, in order, until
// it returns false; nil starts at the first. The slices are valid until each returns.
// The map must not be changed meanwhile; reading it is fine.
func (m *Map) Scan(from []byte, each func(key, value []byte) bool) {
	h := m.load()
	if h.root == 0 {
		return
	}
	left := h.length
	m.scan(h.root, 0, from, func(key, value []byte) bool {
		if left == 0 {
			panic(&LayoutError{"as many entries as the map's head says", "more"})
		}
		left--
		return each(key, value)
	})
}

func (m *Map) scan(block uint64, depth int, from []byte, each func(key, value []byte) bool) bool {
	tooDeep(depth)
	n := new(node) // its own, so that each may use the map
	m.read(n, block)
	if !n.leaf() {
		for i := n.route(from); i < n.count(); i++ {
			if !m.scan(n.child(i), depth+1, from, each) {
				return false
			}
			from = nil
		}
		return true
	}
	for i, _ := n.search(from); i < n.count(); i++ {
		value, length, chain := n.value(i)
		if chain != 0 {
			value = m.readChain(chain, length)
		}
		if !each(n.key(i), value) {
			return false
		}
	}
	return true
}

// Last is the entry with the greatest key.
func (m *Map) Last() (key, value []byte, ok bool) {
	h := m.load()
	if h.root == 0 {
		return nil, nil, false
	}
	n := m.level(0)
	m.read(n, h.root)
	for depth := 1; !n.leaf(); depth++ {
		tooDeep(depth)
		m.read(n, n.child(n.count()-1))
	}
	i := n.count() - 1
	return append([]byte{}, n.key(i)...), m.fetch(n, i), true
}
