// Command costcanister measures what the structures of package stable cost on Wasm, in
// instructions an operation. Its method "cost" takes nothing and answers lines of text.
// It is built for wasip1 and linked by the test that runs it.
package main

import (
	"encoding/binary"
	"fmt"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/stable"
)

func init() {
	cdk.Serve(cdk.Program{Methods: []candid.Method[*cdk.Message]{{Name: "cost", Handle: cost}}})
}

func main() {}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// meter writes a line for each thing measured.
type meter struct {
	m   *cdk.Message
	out []byte
}

// each is what one of n calls takes.
func (m *meter) each(name string, n int, f func(i int)) {
	before := m.m.Instructions()
	for i := range n {
		f(i)
	}
	m.out = fmt.Appendf(m.out, "%s %d\n", name, (m.m.Instructions()-before)/uint64(n))
}

func cost(message *cdk.Message, _ []byte) ([]byte, error) {
	m := &meter{m: message}
	raw(m)
	points(m)
	scans(m)
	others(m)
	return m.out, nil
}

// raw is the memory itself.
func raw(m *meter) {
	r := cdk.Region(30)
	must(r.Grow(16))
	b := make([]byte, 4096)
	r.WriteAt(b, 0)
	m.each("read 8 bytes", 100, func(int) { r.ReadAt(b[:8], 0) })
	m.each("read 4096 bytes", 100, func(int) { r.ReadAt(b, 0) })
	m.each("write 8 bytes", 100, func(int) { r.WriteAt(b[:8], 0) })
	m.each("write 4096 bytes", 100, func(int) { r.WriteAt(b, 0) })
}

// points are operations on a map of 2,000 entries of 10 and 100 bytes.
func points(m *meter) {
	kv := cdk.Map(20)
	keys := make([][]byte, 2000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key %06d", i*7919%2000)
	}
	value := make([]byte, 100)
	for _, k := range keys {
		must(kv.Put(k, value))
	}
	m.each("map len", 500, func(int) { kv.Len() })
	m.each("map get", 500, func(i int) { kv.Get(keys[i]) })
	m.each("map has", 500, func(i int) { kv.Has(keys[i]) })
	m.each("map replace", 500, func(i int) { must(kv.Put(keys[i], value)) })
	m.each("map replace, other length", 500, func(i int) { must(kv.Put(keys[i], value[:90+i%10])) })
	m.each("map delete", 500, func(i int) { kv.Delete(keys[i]) })
	m.each("map insert", 500, func(i int) { must(kv.Put(keys[i], value)) })
}

// scans are what an entry costs in a scan of 1,000 with values of 388 bytes.
func scans(m *meter) {
	kv, value := cdk.Map(21), make([]byte, 388)
	for i := range 1000 {
		must(kv.Put(fmt.Appendf(nil, "v%04d%d", 1, i*7919%1000), value))
	}
	n, before := 0, m.m.Instructions()
	sum := uint64(0)
	kv.Scan(nil, func(_, v []byte) bool { n++; sum += uint64(binary.LittleEndian.Uint32(v)); return true })
	m.out = fmt.Appendf(m.out, "map scan %d\n", (m.m.Instructions()-before)/uint64(n))
}

// others are the structures beside the map.
func others(m *meter) {
	record := make([]byte, 388)
	array := stable.NewArray(cdk.Region(22), len(record))
	m.each("array append 388", 1000, func(int) { _, err := array.Append(record); must(err) })
	m.each("array get 388", 500, func(i int) { array.Get(uint64(i)) })
	m.each("array set 388", 500, func(i int) { must(array.Set(uint64(i), record)) })
	before, sum := m.m.Instructions(), uint64(0)
	array.Scan(0, func(_ uint64, r []byte) bool { sum += uint64(binary.LittleEndian.Uint32(r)); return true })
	m.out = fmt.Appendf(m.out, "array scan 388 %d\n", (m.m.Instructions()-before)/1000)

	log := cdk.Log(23) // and 24
	m.each("log append 100", 500, func(int) { _, err := log.Append(record[:100]); must(err) })
	m.each("log get 100", 500, func(i int) { log.Get(uint64(i)) })

	cell := stable.NewCell(cdk.Region(25))
	m.each("cell set 100", 500, func(int) { must(cell.Set(record[:100])) })
	m.each("cell get 100", 500, func(int) { cell.Get() })

	bits := stable.NewBitset(cdk.Region(26))
	must(bits.Grow(100_000))
	m.each("bitset set", 500, func(i int) { _, err := bits.Set(uint64(i * 191)); must(err) })
	m.each("bitset test", 500, func(i int) { bits.Test(uint64(i * 191)) })
	m.each("bitset count 100000", 1, func(int) { bits.Count() })

	mmr := stable.NewMMR(cdk.Region(27))
	m.each("mmr append", 500, func(int) { _, err := mmr.Append(record[:32]); must(err) })
	m.each("mmr root", 20, func(int) { mmr.Root() })
	m.each("mmr prove", 20, func(i int) { mmr.Prove(uint64(i*17), 500) })
}
