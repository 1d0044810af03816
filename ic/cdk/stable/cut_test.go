package stable_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"assay/ic/cdk/stable"
)

var errCut = errors.New("the power is gone")

// cutMemory is a memory whose power goes at a write: the writes before it are applied, of
// that one only so many of its aligned words, and the operation ends in a panic. Growing
// counts as a write.
type cutMemory struct {
	*stable.Heap
	writes int // so far
	at     int // the write that is cut, counted from 0; -1: none
	part   func(words int) int
}

func (m *cutMemory) step() (cut bool) {
	m.writes++
	return m.writes-1 == m.at
}

func (m *cutMemory) Grow(pages uint64) error {
	if m.step() {
		panic(errCut)
	}
	return m.Heap.Grow(pages)
}

func (m *cutMemory) WriteAt(data []byte, offset uint64) {
	if !m.step() {
		m.Heap.WriteAt(data, offset)
		return
	}
	words := int((offset+uint64(len(data))+7)/8 - offset/8)
	if end := (offset/8 + uint64(m.part(words))) * 8; end > offset {
		m.Heap.WriteAt(data[:min(uint64(len(data)), end-offset)], offset)
	}
	panic(errCut)
}

// parts are how much of the cut write is applied: nothing, a word, half of it, all but a word.
var parts = []func(words int) int{
	func(int) int { return 0 },
	func(words int) int { return min(1, words-1) },
	func(words int) int { return words / 2 },
	func(words int) int { return words - 1 },
}

// subject is a structure under cuts.
type subject struct {
	name string
	// change is the i-th operation, the same each time.
	change func(mem stable.Memory, i int) error
	// state opens the memory anew, checks it and reads all of it.
	state func(mem stable.Memory) (string, error)
	// detects: a cut may leave a memory that is refused. Otherwise it leaves the old or the new.
	detects bool
	steps   int
}

// cut runs the i-th operation until the power goes.
func (s *subject) cut(mem stable.Memory, i int) (done bool, err error) {
	defer func() {
		if r := recover(); r != nil && r != any(errCut) {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return true, s.change(mem, i)
}

// TestCuts cuts every operation of each structure at every write and within it. What is
// found afterwards is the state before or after, or, where the structure says so, an error
// from every access: never anything else.
func TestCuts(t *testing.T) {
	t.Parallel()
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			mem, cuts, refused := &stable.Heap{}, 0, 0
			for i := range s.steps {
				old := mustState(t, &s, mem)
				whole := &cutMemory{Heap: clone(mem), at: -1}
				if _, err := s.cut(whole, i); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				fresh := mustState(t, &s, whole.Heap)
				for at := range whole.writes {
					for p, part := range parts {
						cuts++
						m := &cutMemory{Heap: clone(mem), at: at, part: part}
						if done, err := s.cut(m, i); done || err != nil {
							t.Fatalf("step %d cut at write %d: done %v, %v", i, at, done, err)
						}
						got, err := s.state(m.Heap)
						switch {
						case err != nil && s.detects:
							refused++
							continue
						case err != nil:
							t.Fatalf("step %d cut at write %d, part %d: %v", i, at, p, err)
						case got != old && got != fresh:
							t.Fatalf("step %d cut at write %d, part %d of %d writes: neither the old state nor the new\nold %.300s\nnew %.300s\ngot %.300s", i, at, p, whole.writes, old, fresh, got)
						}
						if got == old { // the operation can be done again
							if _, err := s.cut(m.Heap, i); err != nil || mustState(t, &s, m.Heap) != fresh {
								t.Fatalf("step %d after a cut at write %d, part %d: %v", i, at, p, err)
							}
						}
					}
				}
				mem = whole.Heap
			}
			t.Logf("%d cuts, %d of them refused", cuts, refused)
			if cuts == 0 || s.detects && refused == 0 {
				t.Error("nothing was cut, or no cut was noticed")
			}
		})
	}
}

func mustState(t *testing.T, s *subject, mem stable.Memory) string {
	t.Helper()
	state, err := s.state(mem)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// random is the i-th step's source of choices.
func random(i int) *rand.Rand { return rand.New(rand.NewSource(int64(i) + 1)) }

func randomBytes(r *rand.Rand, most int) []byte {
	b := make([]byte, r.Intn(most+1))
	r.Read(b)
	return b
}

func subjects() []subject {
	return []subject{
		{name: "map", steps: 220, detects: true, change: changeMap, state: mapState},
		{name: "log", steps: 40, change: changeLog, state: logState},
		{name: "cell", steps: 40, change: changeCell, state: cellState},
		{name: "bitset", steps: 60, change: changeBitset, state: bitsetState},
		{name: "array", steps: 60, change: changeArray, state: arrayState},
		{name: "mmr", steps: 33, change: changeMMR, state: mmrState},
		{name: "manager", steps: 12, change: changeManager, state: managerState},
	}
}

// changeMap puts and deletes few keys with values of all lengths; early on it only fills,
// so that the tree has three levels.
func changeMap(mem stable.Memory, i int) error {
	m, r := stable.NewMap(mem), random(i)
	key := bytes.Repeat([]byte{byte(r.Intn(24))}, 250+r.Intn(2)*200)
	if i > 80 && r.Intn(2) == 0 {
		m.Delete(key)
		return nil
	}
	return m.Put(key, randomBytes(r, []int{20, 700, 9000}[r.Intn(3)]))
}

func mapState(mem stable.Memory) (state string, err error) {
	m := stable.NewMap(mem)
	err = m.Check()
	defer func() {
		if r := recover(); r != nil && err == nil {
			err = fmt.Errorf("checked, but: %v", r)
		} else if r == nil && err != nil && state != "" {
			panic(fmt.Sprintf("refused by Check (%v), but it can be read", err))
		}
	}()
	var all strings.Builder
	m.Scan(nil, func(k, v []byte) bool {
		fmt.Fprintf(&all, "%d %d ", len(k), len(v))
		all.Write(k)
		all.Write(v)
		return true
	})
	fmt.Fprint(&all, m.Len())
	return all.String(), err
}

func changeLog(mem stable.Memory, i int) error {
	index, data := halves(mem)
	_, err := stable.NewLog(index, data).Append(randomBytes(random(i), 100))
	return err
}

func logState(mem stable.Memory) (state string, err error) {
	index, data := halves(mem)
	l := stable.NewLog(index, data)
	l.Scan(0, func(n uint64, e []byte) bool { state += fmt.Sprintf("%d %x;", n, e); return true })
	return fmt.Sprint(l.Len(), ";", state), l.Check()
}

func changeCell(mem stable.Memory, i int) error {
	c, r := stable.NewCell(mem), random(i)
	if r.Intn(6) == 0 {
		c.Clear()
		return nil
	}
	return c.Set(randomBytes(r, []int{10, 3000, 100_000}[r.Intn(3)]))
}

func cellState(mem stable.Memory) (string, error) {
	c := stable.NewCell(mem)
	v, ok := c.Get()
	return fmt.Sprintf("%x %v", v, ok), c.Check()
}

func changeBitset(mem stable.Memory, i int) error {
	s, r := stable.NewBitset(mem), random(i)
	bit := uint64(r.Intn(400))
	if i == 50 {
		bit = 600_000 // beyond a page
	}
	if r.Intn(3) == 0 {
		s.Clear(bit)
		return nil
	}
	_, err := s.Set(bit)
	return err
}

// bitsetState leaves the length out: a cut may leave it grown with the bit clear.
func bitsetState(mem stable.Memory) (state string, err error) {
	s := stable.NewBitset(mem)
	for bit, ok := s.Next(0); ok; bit, ok = s.Next(bit + 1) {
		state += fmt.Sprint(bit, " ")
	}
	return fmt.Sprint(s.Count(), ";", state), s.Check()
}

const stride = 44 // words of 8 bytes do not fall together with records

func changeArray(mem stable.Memory, i int) error {
	a, r := stable.NewArray(mem, stride), random(i)
	record := make([]byte, stride)
	r.Read(record)
	switch n := a.Len(); {
	case n > 5 && r.Intn(8) == 0:
		a.Truncate(n - 2)
	case n > 0 && r.Intn(2) == 0:
		return a.Set(uint64(r.Intn(int(n))), record)
	default:
		_, err := a.Append(record)
		return err
	}
	return nil
}

func arrayState(mem stable.Memory) (state string, err error) {
	a := stable.NewArray(mem, stride)
	a.Scan(0, func(i uint64, record []byte) bool { state += fmt.Sprintf("%d %x;", i, record); return true })
	return fmt.Sprint(a.Len(), ";", state), a.Check()
}

func changeMMR(mem stable.Memory, i int) error {
	_, err := stable.NewMMR(mem).Append(randomBytes(random(i), 100))
	return err
}

func mmrState(mem stable.Memory) (string, error) {
	m := stable.NewMMR(mem)
	return fmt.Sprintf("%d %x", m.Len(), m.Root()), m.Check()
}

func changeManager(mem stable.Memory, i int) error {
	m, err := stable.Open(mem)
	if err != nil || i == 0 {
		return err
	}
	r := random(i)
	region := m.Region(uint8(20 + r.Intn(3)))
	return region.Grow(uint64(1 + r.Intn(10)))
}

func managerState(mem stable.Memory) (state string, err error) {
	m, err := stable.Open(&stable.Heap{Bytes: contents(mem)})
	if err != nil {
		return "", err
	}
	for n := range 3 {
		region := m.Region(uint8(20 + n))
		b := make([]byte, region.Size()*stable.PageBytes)
		region.ReadAt(b, 0)
		if len(bytes.Trim(b, "\x00")) > 0 {
			return "", errors.New("new pages are not zero")
		}
		state += fmt.Sprint(region.Size(), " ")
	}
	return state, nil
}
