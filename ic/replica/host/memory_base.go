package host

import "slices"

// basePages are the pages of 4 KiB that the data of a module give every new heap, shared
// by all heaps of the module. A heap at rest does not keep pages that are equal.
type basePages struct {
	numbers []uint32 // in order
	bytes   []byte   // the pages, one after the other
}

func newBase(datas []initialData) *basePages {
	written := map[uint32]*osPage{}
	for _, d := range datas {
		for at, b := d.At, d.Bytes; len(b) > 0; {
			number, in := uint32(at/OSPage), at%OSPage
			page := written[number]
			if page == nil {
				page = new(osPage)
				written[number] = page
			}
			n := copy(page[in:], b)
			at, b = at+uint64(n), b[n:]
		}
	}
	base := &basePages{}
	for number, page := range written {
		if *page != (osPage{}) {
			base.numbers = append(base.numbers, number)
		}
	}
	slices.Sort(base.numbers)
	for _, number := range base.numbers {
		base.bytes = append(base.bytes, written[number][:]...)
	}
	return base
}

// page is the n-th page.
func (b *basePages) page(n int) []byte { return b.bytes[n*OSPage:][:OSPage] }

// runs calls f for the longest runs of pages that follow each other, of those for which
// which is true: pages from to to-1 of the base, at an address.
func (b *basePages) runs(which []bool, f func(from, to int, at uint64) error) error {
	for from := 0; from < len(b.numbers); {
		if !which[from] {
			from++
			continue
		}
		to := from + 1
		for to < len(b.numbers) && which[to] && b.numbers[to] == b.numbers[to-1]+1 {
			to++
		}
		if err := f(from, to, uint64(b.numbers[from])*OSPage); err != nil {
			return err
		}
		from = to
	}
	return nil
}
