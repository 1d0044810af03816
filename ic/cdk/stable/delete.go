package stable

// Delete removes key and reports whether it was there.
func (m *Map) Delete(key []byte) bool {
	h := m.load()
	if h.root == 0 {
		return false
	}
	found, gone := m.remove(&h, h.root, 0, key)
	if !found {
		return false
	}
	if gone {
		m.release(&h, h.root)
		h.root = 0
	}
	h.length--
	m.lower(&h)
	m.store(&h)
	return true
}

// lower drops roots that have a single child.
func (m *Map) lower(h *header) {
	n := m.level(0)
	for h.root != 0 {
		n.open(m.mem, h.root)
		if n.leaf() || n.count() > 0 {
			return
		}
		m.release(h, h.root)
		h.root = n.first()
	}
}

// remove takes key out below block; where it finds the key it marks the map as being
// changed. Gone says that nothing is left there; the caller then drops its reference, so no
// leaf is ever empty. An inner node may be left with a single child where its neighbours are
// full.
func (m *Map) remove(h *header, block uint64, depth int, key []byte) (found, gone bool) {
	n := m.level(depth)
	n.open(m.mem, block)
	if n.leaf() {
		i, found := n.search(key)
		if !found {
			return false, false
		}
		m.begin()
		m.freeValue(h, n, i)
		n.remove(i)
		n.writeHead()
		return true, n.count() == 0
	}
	i := n.route(key)
	found, gone = m.remove(h, n.child(i), depth+1, key)
	switch {
	case gone:
		m.release(h, n.child(i))
		gone = n.dropChild(i)
		n.writeHead()
	case found:
		m.tidy(h, n, i, depth+1)
	}
	return found, gone
}

// dropChild takes out the child right of entry i and reports whether it was the only one.
func (n *node) dropChild(i int) bool {
	switch {
	case i >= 0:
		n.remove(i)
	case n.count() > 0:
		n.setFirst(n.child(0))
		n.remove(0)
	default:
		return true
	}
	return false
}

// tidy joins the child right of entry i, which is in its level's node, with a neighbour if
// it is at most half full and both fit into one block.
func (m *Map) tidy(h *header, n *node, i, depth int) {
	left := m.level(depth)
	if left.used() > nodeRoom/2 {
		return
	}
	if i+1 < n.count() && m.join(h, n, i+1, left) {
		return
	}
	if i >= 0 {
		left.open(m.mem, n.child(i-1))
		m.join(h, n, i, left)
	}
}

// join moves the right child of entry i of the parent into left, its left
// neighbour, if both fit there.
func (m *Map) join(h *header, parent *node, i int, left *node) bool {
	right := m.spare(0)
	right.open(m.mem, parent.child(i))
	if left.leaf() != right.leaf() {
		panic(&LayoutError{"neighbours of one kind", "a leaf beside an inner node"})
	}
	down := 0
	if !left.leaf() {
		down = innerHead + len(parent.key(i)) + slotBytes
	}
	if left.used()+right.used()+down > nodeRoom {
		return false
	}
	left.fill()
	right.fill()
	if !left.leaf() {
		left.insert(left.count(), appendInner(nil, parent.key(i), right.first()))
	}
	for k := range right.count() {
		left.insert(left.count(), right.raw(k))
	}
	left.write()
	m.release(h, right.block)
	parent.remove(i)
	parent.writeHead()
	return true
}
