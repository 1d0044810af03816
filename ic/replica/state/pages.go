package state

import (
	"maps"
	"slices"

	"assay/ic/replica/host"
)

// pages is memory in pages of 64 KiB. Pages that were never written are zero and take
// no room.
type pages struct {
	Size    uint64 // bytes
	content map[uint64][]byte
	changes uint64
}

// inBounds reports whether so many bytes from offset are within.
func (p *pages) inBounds(offset, size uint64) bool {
	return offset <= p.Size && size <= p.Size-offset
}

// write copies b to offset, which must be within.
func (p *pages) write(b []byte, offset uint64) {
	p.changes++
	for len(b) > 0 {
		n, at := offset/host.WasmPage, offset%host.WasmPage
		size := min(uint64(len(b)), host.WasmPage-at)
		page := p.content[n]
		if page == nil && !allZero(b[:size]) {
			page = make([]byte, host.WasmPage)
			p.put(n, page)
		}
		if page != nil {
			copy(page[at:], b[:size])
		}
		b, offset = b[size:], offset+size
	}
}

// put makes content the page of number n.
func (p *pages) put(n uint64, content []byte) {
	p.changes++
	if p.content == nil {
		p.content = map[uint64][]byte{}
	}
	p.content[n] = content
}

// read copies so many bytes from offset, which must be within.
func (p *pages) read(offset, size uint64) []byte {
	out := make([]byte, size)
	for b := out; len(b) > 0; {
		n, at := offset/host.WasmPage, offset%host.WasmPage
		part := min(uint64(len(b)), host.WasmPage-at)
		if page := p.content[n]; page != nil {
			copy(b[:part], page[at:])
		}
		b, offset = b[part:], offset+part
	}
	return out
}

// each calls f with every page that has content, in order.
func (p *pages) each(f func(n uint64, content []byte)) {
	for _, n := range slices.Sorted(maps.Keys(p.content)) {
		f(n, p.content[n])
	}
}

// pagesOf is memory with a copy of b.
func pagesOf(b []byte) pages {
	p := pages{Size: uint64(len(b))}
	p.write(b, 0)
	return p
}
