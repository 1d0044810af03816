package stable

// Scan calls each with every entry from the first key not below from, in order, until
// it returns false; nil starts at the first. The slices lie in a buffer of the map and are
// valid until each returns. The map must not be changed meanwhile; reading it, and other
// scans of it, are fine.
func (m *Map) Scan(from []byte, each func(key, value []byte) bool) {
	h := m.load()
	if h.root == 0 {
		return
	}
	s := scan{m: m, left: h.length, each: each}
	s.below(h.root, 0, from)
}

// scan is one walk over a map.
type scan struct {
	m    *Map
	left uint64 // entries that may still come
	each func(key, value []byte) bool
}

// borrow is a node that only this level of this scan uses.
func (m *Map) borrow() *node {
	if last := len(m.idle) - 1; last >= 0 {
		n := m.idle[last]
		m.idle = m.idle[:last]
		return n
	}
	return new(node)
}

// below visits the entries of a subtree and reports whether to go on.
func (s *scan) below(block uint64, depth int, from []byte) bool {
	tooDeep(depth)
	n := s.m.borrow()
	n.open(s.m.mem, block)
	goOn := true
	if n.leaf() {
		goOn = s.leaf(n, from)
	} else {
		i := -1
		if from != nil {
			i = n.route(from)
		}
		for ; goOn && i < n.count(); i++ {
			goOn = s.below(n.child(i), depth+1, from)
			from = nil
		}
	}
	s.m.idle = append(s.m.idle, n)
	return goOn
}

// leaf visits the entries of a leaf.
func (s *scan) leaf(n *node, from []byte) bool {
	n.fill()
	i, count := 0, n.count()
	if from != nil {
		i, _ = n.search(from)
	}
	if uint64(count-i) > s.left {
		panic(&LayoutError{"as many entries as the map's head says", "more"})
	}
	s.left -= uint64(count - i)
	for ; i < count; i++ {
		at := n.cell(i)
		k, length := n.b.get16(at), n.b.get32(at+2)
		at += leafHead
		key := n.b[at : at+k : at+k]
		var value []byte
		if at += k; k+length <= inlineMax {
			value = n.b[at : at+length : at+length]
		} else {
			_, length, chain := n.value(i)
			value = s.m.readChain(chain, length)
		}
		if !s.each(key, value) {
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
	n.open(m.mem, h.root)
	for depth := 1; !n.leaf(); depth++ {
		tooDeep(depth)
		n.open(m.mem, n.child(n.count()-1))
	}
	i := n.count() - 1
	if i < 0 {
		panic(&LayoutError{"a leaf with entries", "an empty one"})
	}
	return append([]byte{}, n.key(i)...), m.fetch(n, i), true
}
