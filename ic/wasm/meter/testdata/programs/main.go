// Command programs is what the benchmark of metering runs: one export for each kind of
// work that canisters do, each taking how often.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

func main() {}

var sink uint64

//go:wasmexport fib
func fib(n uint32) {
	for range n {
		sink += fibonacci(20)
	}
}

//go:noinline
func fibonacci(n uint64) uint64 {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

//go:wasmexport sieve
func sieve(n uint32) {
	for range n {
		var composite [20000]bool
		for i := 2; i*i < len(composite); i++ {
			for j := i * i; j < len(composite); j += i {
				composite[j] = true
			}
		}
		sink += uint64(len(composite))
	}
}

//go:wasmexport sort
func sort(n uint32) {
	for range n {
		list := make([]uint32, 2000)
		x := uint32(1)
		for i := range list {
			x = x*1664525 + 1013904223
			list[i] = x
		}
		slices.Sort(list)
		sink += uint64(list[0])
	}
}

//go:wasmexport hash
func hash(n uint32) {
	b := make([]byte, 4096)
	for range n {
		h := sha256.Sum256(b)
		copy(b, h[:])
	}
	sink += uint64(b[0])
}

//go:wasmexport maps
func maps(n uint32) {
	for range n {
		m := map[uint32]uint32{}
		for i := range uint32(2000) {
			m[i*7] += i
		}
		sink += uint64(len(m))
	}
}

//go:wasmexport words
func words(n uint32) {
	for range n {
		var b strings.Builder
		for i := range 1000 {
			b.WriteString(strconv.Itoa(i))
			b.WriteByte(' ')
		}
		sink += uint64(len(strings.Fields(b.String())))
	}
}

//go:wasmexport codec
func codec(n uint32) {
	type row struct {
		Name  string
		Value int
		Tags  []string
	}
	rows := make([]row, 20)
	for i := range rows {
		rows[i] = row{Name: "row " + strconv.Itoa(i), Value: i, Tags: []string{"a", "b"}}
	}
	for range n {
		b, err := json.Marshal(rows)
		if err != nil {
			panic(err)
		}
		var back []row
		if err := json.Unmarshal(b, &back); err != nil {
			panic(err)
		}
		sink += uint64(len(back))
	}
}

//go:wasmexport garbage
func garbage(n uint32) {
	type node struct {
		left, right *node
		data        [16]byte
	}
	for range n {
		var grow func(depth int) *node
		grow = func(depth int) *node {
			if depth == 0 {
				return nil
			}
			return &node{left: grow(depth - 1), right: grow(depth - 1)}
		}
		if grow(10) != nil {
			sink++
		}
	}
}

//go:wasmexport matrix
func matrix(n uint32) {
	const size = 48
	var a, b, c [size][size]float32
	for i := range a {
		for j := range a[i] {
			a[i][j], b[i][j] = float32(i+j), float32(i-j)
		}
	}
	for range n {
		for i := range a {
			for j := range a[i] {
				sum := float32(0)
				for k := range size {
					sum += float32(a[i][k] * b[k][j])
				}
				c[i][j] = sum
			}
		}
	}
	sink += uint64(c[1][1])
}

//go:wasmexport bytescan
func bytescan(n uint32) {
	text := bytes.Repeat([]byte("the quick brown fox "), 200)
	for range n {
		sink += uint64(bytes.Count(text, []byte("fox"))) + uint64(bytes.IndexByte(text, 'z'))
	}
}
