package stable

import "fmt"

const (
	cellHead   = 'S' | 'C'<<8 | 'E'<<16 | 'L'<<24 | 1<<32
	cellValues = 64
)

// Cell is one value of up to [MaxValue] bytes. Like [Map] it holds no data itself and
// panics with a [LayoutError] over a memory that is not its own. A new value is written
// beside the old one and then named by one word, so a cut leaves the old value or the new;
// the memory takes up to three times the longest value.
type Cell struct{ mem Memory }

// NewCell is the cell in mem, which is empty or was written by a Cell.
func NewCell(mem Memory) *Cell { return &Cell{mem} }

// place is where a value lies.
type place struct{ at, length uint64 }

func (p place) inside(size uint64) bool {
	return p.at >= cellValues && p.length <= MaxValue && p.length <= size && p.at <= size-p.length
}

// load is which of the two places is in use, 0 for none, and both.
func (c *Cell) load() (which uint64, places [3]place) {
	b := make([]byte, 48)
	if !readHead(c.mem, b, cellHead, "cell magic SCEL, version 1") {
		return 0, places
	}
	which = le64(b[8:])
	places[1], places[2] = place{le64(b[16:]), le64(b[24:])}, place{le64(b[32:]), le64(b[40:])}
	if which > 2 || which > 0 && !places[which].inside(c.mem.Size()*PageBytes) {
		panic(&LayoutError{"a value inside the memory", fmt.Sprintf("place %d, %+v", which, places)})
	}
	return which, places
}

// Get returns a copy of the value, false if there is none.
func (c *Cell) Get() ([]byte, bool) {
	which, places := c.load()
	if which == 0 {
		return nil, false
	}
	value := make([]byte, places[which].length)
	c.mem.ReadAt(value, places[which].at)
	return value, true
}

// Set stores a value. After an error the cell is as before.
func (c *Cell) Set(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%d bytes: %w", len(value), ErrValueTooLong)
	}
	which, places := c.load()
	at := uint64(cellValues)
	if old := places[which]; which > 0 && at+uint64(len(value)) > old.at {
		at = (old.at + old.length + 7) &^ 7
	}
	if err := ensure(c.mem, at+uint64(len(value))); err != nil {
		return err
	}
	next := uint64(1)
	if which == 1 {
		next = 2
	}
	c.mem.WriteAt(words(cellHead), 0)
	c.mem.WriteAt(value, at)
	c.mem.WriteAt(words(at, uint64(len(value))), 16*next)
	c.mem.WriteAt(words(next), 8)
	return nil
}

// Clear takes the value away and reports whether there was one.
func (c *Cell) Clear() bool {
	which, _ := c.load()
	if which > 0 {
		c.mem.WriteAt(words(0), 8)
	}
	return which > 0
}

// Check says what is wrong with the cell.
func (c *Cell) Check() (err error) {
	defer guard(&err)
	c.load()
	return nil
}
