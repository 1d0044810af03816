package candid

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// bomb is a message that is made to cost its reader much.
type bomb struct {
	name string
	msg  []byte
	read func(*Decoder)
}

// wide is a Go value much larger than what stands for it in a message: 30 options that
// may all be absent.
type wide struct{ fields [30]*uint64 }

func getWide(d *Decoder, t Type, v *wide) {
	r := d.Record(t)
	for i := range v.fields {
		GetOpt(d, r.Field(uint32(i)), &v.fields[i], GetNat64)
	}
	r.End()
}

// nested is opt record { nat; nested }, read to its end.
type nested struct {
	head Nat
	tail *nested
}

func getNested(d *Decoder, t Type, v *nested) {
	r := d.Record(t)
	GetNat(d, r.Field(0), &v.head)
	GetOpt(d, r.Field(1), &v.tail, getNested)
	r.End()
}

// misfit is nested with a number at its end, where the messages have text.
type misfit struct {
	nested
	tail *misfit
	end  Nat
}

func getMisfit(d *Decoder, t Type, v *misfit) {
	r := d.Record(t)
	GetNat(d, r.Field(0), &v.head)
	GetOpt(d, r.Field(1), &v.tail, getMisfit)
	GetNat(d, r.Field(2), &v.end)
	r.End()
}

// table is a message's start: a type table and one argument.
func table(arg string, entries ...string) string {
	return "DIDL" + leb(len(entries)) + strings.Join(entries, "") + "\x01" + arg
}

func leb(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

// index is a reference to entry n of a type table, a signed LEB128.
func index(n int) string {
	e := NewEncoder("")
	i := NewInt(int64(n))
	PutInt(e, &i)
	return string(e.buf)
}

func reserved(d *Decoder) { GetReserved(d, d.Arg(), nil) }

func value[T any](get func(*Decoder, Type, *T)) func(*Decoder) {
	return func(d *Decoder) { get(d, d.Arg(), new(T)) }
}

func vector[T any](get func(*Decoder, Type, *T)) func(*Decoder) {
	return value(func(d *Decoder, t Type, v *[]T) { GetVec(d, t, v, get) })
}

// bombs are of every class that is known: space, depth, width, repetition.
func bombs() []bomb {
	const size = 100_000
	ones, zeros := strings.Repeat("\x01", size), strings.Repeat("\x00", size)
	doubling := []string{"\x6c\x00"}
	for i := range 40 {
		doubling = append(doubling, "\x6c\x02\x00"+string(rune(i))+"\x01"+string(rune(i)))
	}
	var wideRecord strings.Builder
	for i := range 9999 {
		wideRecord.WriteString(leb(i) + "\x7f")
	}
	// opt record { nat; tail; text } whose text makes every level a mismatch after its tail was read
	list := []string{"\x6e\x01", "\x6c\x03\x00\x7d\x01\x00\x02\x71"}
	deepMismatch := strings.Repeat("\x01\x05", 120) + "\x00" + strings.Repeat(leb(1000)+strings.Repeat("a", 1000), 120)
	var services []string
	for i := range 1000 {
		services = append(services, "\x6a\x01"+index((i+1)%1000)+"\x01"+index((i+7)%1000)+"\x00")
	}
	recursive := &Reference{Header: Header{Text: table("\x00", "\x6a\x01\x00\x01\x00\x00")}}
	return []bomb{
		{"vector of nulls, skipped", []byte(table("\x00", "\x6d\x7f") + leb(1<<40)), reserved},
		{"vector of nulls, read", []byte(table("\x00", "\x6d\x7f") + leb(19_999)), vector(func(d *Decoder, t Type, v *wide) { GetReserved(d, t, nil) })},
		{"vector of empty records, read as wide ones", []byte(table("\x00", "\x6d\x01", "\x6c\x00") + leb(19_999)), vector(getWide)},
		{"vector of small records, read as wide ones", []byte(table("\x00", "\x6d\x01", "\x6c\x01\x40\x7b") + leb(size) + zeros), vector(getWide)},
		{"vector of absent options", []byte(table("\x00", "\x6d\x01", "\x6e\x7d") + leb(size) + zeros), vector(optNat)},
		{"vectors in vectors", []byte(table("\x00", "\x6d\x00") + ones), reserved},
		{"options in options, skipped", []byte(table("\x00", "\x6e\x00") + ones), reserved},
		{"options in options, read", []byte(table("\x00", "\x6e\x01", "\x6c\x02\x00\x7d\x01\x00") + strings.Repeat("\x01\x05", 126) + "\x00"), value(func(d *Decoder, t Type, v **nested) { GetOpt(d, t, v, getNested) })},
		{"records that double", []byte(table("\x28", doubling...)), reserved},
		{"record of nulls, often", []byte(table("\x00", "\x6d\x01", "\x6c"+leb(9999)+wideRecord.String()) + leb(19_999)), reserved},
		{"record of nulls, often, read at no field", []byte(table("\x00", "\x6d\x01", "\x6c"+leb(9999)+wideRecord.String()) + leb(19_999)), vector(func(d *Decoder, t Type, _ *struct{}) { r := d.Record(t); r.End() })},
		{"mismatch at every depth", []byte(table("\x00", list...) + deepMismatch), value(func(d *Decoder, t Type, v **misfit) { GetOpt(d, t, v, getMisfit) })},
		{"long number, skipped", []byte(table("\x7d") + strings.Repeat("\x80", size) + "\x00"), reserved},
		{"type table of options", []byte("DIDL" + leb(9999) + strings.Repeat("\x6e\x7d", 9999) + "\x01\x00\x00"), reserved},
		{"type table too long", []byte("DIDL" + leb(size/2) + strings.Repeat("\x6e\x7d", size/2) + "\x00"), reserved},
		{"functions of functions that fit nothing", []byte(table("\x00", services...) + "\x01\x01\x00\x01m"), value(recursive.GetFunc)},
		{
			"many functions that fit nothing", []byte("DIDL" + leb(1001) + strings.Join(services, "") + "\x6d\x00" + "\x01" + index(1000) + leb(5000) + strings.Repeat("\x01\x01\x00\x00", 5000)),
			vector(func(d *Decoder, t Type, v **Func) { GetOpt(d, t, v, recursive.GetFunc) }),
		},
	}
}

// TestCostIsBounded measures what hostile messages cost in the decoder's own unit, in
// bytes and in allocations, against the bound that [DefaultLimits] states.
func TestCostIsBounded(t *testing.T) { // not parallel: it counts allocations
	for _, b := range bombs() {
		t.Run(b.name, func(t *testing.T) {
			var d *Decoder
			read := func() {
				d = NewDecoder(b.msg)
				b.read(d)
				_ = d.Finish("bomb")
			}
			read()
			budget := 65536 + 32*len(b.msg)
			work := budget - d.work
			count := testing.AllocsPerRun(1, read)
			bytes := allocated(read)
			t.Logf("%d bytes: %d of %d units, %.0f allocations, %d bytes; %v", len(b.msg), work, budget, count, bytes, d.Err())
			if work > budget {
				t.Errorf("%d units of work, at most %d are given", work, budget)
			}
			if most := float64(budget + len(b.msg)); count > most {
				t.Errorf("%.0f allocations, at most %.0f are stated", count, most)
			}
			if most := uint64(1<<20 + 320*len(b.msg)); bytes > most {
				t.Errorf("%d bytes allocated, at most %d are stated", bytes, most)
			}
		})
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestWorkGrowsWithTheMessage checks that twice the message is at most about twice the work.
func TestWorkGrowsWithTheMessage(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name string
		msg  func(n int) string
	}{
		{"text in options of the wrong type", func(n int) string {
			return table("\x00", "\x6e\x01", "\x6c\x02\x00\x7d\x02\x71") + "\x01\x05" + leb(n) + strings.Repeat("a", n)
		}},
		{"nulls", func(n int) string { return table("\x00", "\x6d\x7b") + leb(n) + strings.Repeat("a", n) }},
	} {
		work := func(n int) int {
			d := NewDecoder([]byte(kind.msg(n)))
			before := d.work
			GetOpt(d, d.Arg(), new(*nested), getNested)
			if err := d.Finish(fmt.Sprint(n)); err != nil {
				t.Errorf("%s: %v", kind.name, err)
			}
			return before - d.work
		}
		if small, large := work(10_000), work(20_000); large > 2*small+100 {
			t.Errorf("%s: %d units for 10000, %d for 20000", kind.name, small, large)
		}
	}
}
