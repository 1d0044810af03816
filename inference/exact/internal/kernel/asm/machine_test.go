package main

import (
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// machine runs generated amd64 assembly line by line, so that tiles for CPUs that nobody here has can be tried. It
// knows the instructions that the tiles use and nothing of encodings.
type machine struct {
	t       *testing.T
	memory  []byte
	regs    map[string]int64
	vectors map[string][]byte // 64 bytes each; Y registers are the low half
	mask    []bool            // K1, of 32-bit lanes
	last    int64             // what the last arithmetic left, for jumps
	symbols map[string]int64
}

func newMachine(t *testing.T) *machine {
	return &machine{t: t, memory: make([]byte, 64), regs: map[string]int64{}, vectors: map[string][]byte{}, symbols: map[string]int64{}}
}

// put adds bytes to the memory and gives their address.
func (m *machine) put(data []byte) int64 {
	at := int64(len(m.memory))
	m.memory = append(m.memory, data...)
	m.memory = append(m.memory, make([]byte, 64)...)
	return at
}

func (m *machine) words(v ...int64) int64 {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return m.put(b)
}

func (m *machine) floats(v []float32) int64 {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return m.put(b)
}

var (
	address = regexp.MustCompile(`^(-?\d*)\((\w+)\)(?:\((\w+)\*(\d)\))?$`)
	global  = regexp.MustCompile(`DATA (\w+)<>\+0\(SB\)/4, \$(0x[0-9a-f]+|\d+)`)
)

// at is the address that an operand names, if it names one.
func (m *machine) at(operand string) (int64, bool) {
	if name, ok := strings.CutSuffix(operand, "<>(SB)"); ok {
		return m.symbols[name], true
	}
	if operand == "t+0(FP)" {
		return m.symbols["argument"], true
	}
	a := address.FindStringSubmatch(operand)
	if a == nil {
		return 0, false
	}
	offset, _ := strconv.ParseInt("0"+a[1], 10, 64)
	offset += m.regs[a[2]]
	if a[3] != "" {
		scale, _ := strconv.ParseInt(a[4], 10, 64)
		offset += scale * m.regs[a[3]]
	}
	return offset, true
}

func (m *machine) integer(operand string) int64 {
	if v, ok := strings.CutPrefix(operand, "$"); ok {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil {
			m.t.Fatal(err)
		}
		return n
	}
	if at, ok := m.at(operand); ok {
		return int64(binary.LittleEndian.Uint64(m.memory[at:]))
	}
	return m.regs[operand]
}

// size is a vector register's length in bytes.
func size(register string) int {
	if register[0] == 'Z' {
		return 64
	}
	return 32
}

func (m *machine) vector(register string) []byte {
	key := register[1:]
	if m.vectors[key] == nil {
		m.vectors[key] = make([]byte, 64)
	}
	return m.vectors[key][:size(register)]
}

// source is n bytes of a register or of memory.
func (m *machine) source(operand string, n int) []byte {
	if at, ok := m.at(operand); ok {
		return m.memory[at : at+int64(n)]
	}
	return m.vector(operand)[:n]
}

func u32(b []byte, i int) uint32      { return binary.LittleEndian.Uint32(b[4*i:]) }
func f32(b []byte, i int) float32     { return math.Float32frombits(u32(b, i)) }
func set32(b []byte, i int, v uint32) { binary.LittleEndian.PutUint32(b[4*i:], v) }
func i16(b []byte, i int) int32       { return int32(int16(binary.LittleEndian.Uint16(b[2*i:]))) }

// run calls a function of the text with the address of its argument.
func (m *machine) run(text, name string, argument int64) {
	for _, g := range global.FindAllStringSubmatch(text, -1) {
		if _, ok := m.symbols[g[1]]; !ok {
			v, err := strconv.ParseUint(g[2], 0, 32)
			if err != nil {
				m.t.Fatal(err)
			}
			m.symbols[g[1]] = m.put(binary.LittleEndian.AppendUint32(nil, uint32(v)))
		}
	}
	m.symbols["argument"] = m.words(argument)
	_, body, ok := strings.Cut(text, "TEXT ·"+name+"(SB)")
	if !ok {
		m.t.Fatalf("no function %s", name)
	}
	body, _, _ = strings.Cut(body, "\tRET\n")
	lines, labels := strings.Split(body, "\n")[1:], map[string]int{}
	for i, l := range lines {
		if label, ok := strings.CutSuffix(l, ":"); ok {
			labels[label] = i
		}
	}
	for i, steps := 0, 0; i < len(lines); i++ {
		if steps++; steps > 1_000_000 {
			m.t.Fatalf("%s does not end", name)
		}
		op, rest, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
		if op == "" || strings.HasSuffix(op, ":") {
			continue
		}
		v := strings.Split(rest, ", ")
		if to, jump := m.jump(op); jump {
			if to {
				i = labels[v[0]]
			}
			continue
		}
		if !m.scalar(op, v) && !m.move(op, v) && !m.arithmetic(op, v) {
			m.t.Fatalf("%s: unknown instruction %s", name, lines[i])
		}
	}
}

func (m *machine) jump(op string) (taken, is bool) {
	switch op {
	case "JEQ", "JZ":
		return m.last == 0, true
	case "JNZ":
		return m.last != 0, true
	case "JLT":
		return m.last < 0, true
	case "JGE":
		return m.last >= 0, true
	}
	return false, false
}

func (m *machine) scalar(op string, v []string) bool {
	switch op {
	case "PREFETCHT0", "PCALIGN", "VZEROUPPER":
	case "MOVQ":
		m.regs[v[1]] = m.integer(v[0])
	case "LEAQ":
		at, _ := m.at(v[0])
		m.regs[v[1]] = at
	case "ADDQ":
		m.regs[v[1]] += m.integer(v[0])
		m.last = m.regs[v[1]]
	case "SUBQ":
		m.regs[v[1]] -= m.integer(v[0])
		m.last = m.regs[v[1]]
	case "DECQ":
		m.regs[v[0]]--
		m.last = m.regs[v[0]]
	case "CMPQ":
		m.last = m.integer(v[0]) - m.integer(v[1])
	default:
		return false
	}
	return true
}

func (m *machine) move(op string, v []string) bool {
	to := v[len(v)-1]
	switch op {
	case "VMOVUPS", "VMOVDQU", "VMOVDQU32":
		if at, ok := m.at(to); ok {
			copy(m.memory[at:], m.vector(v[0]))
		} else {
			copy(m.vector(to), m.source(v[0], size(to)))
		}
	case "VBROADCASTSS", "VPBROADCASTD":
		from := u32(m.source(v[0], 4), 0)
		for i := range size(to) / 4 {
			set32(m.vector(to), i, from)
		}
	case "VPMOVSXBW":
		from := append([]byte{}, m.source(v[0], size(to)/2)...)
		for i, b := range from {
			binary.LittleEndian.PutUint16(m.vector(to)[2*i:], uint16(int8(b)))
		}
	case "VPMOVZXBD":
		from := append([]byte{}, m.source(v[0], size(to)/4)...)
		for i, b := range from {
			set32(m.vector(to), i, uint32(b))
		}
	case "VMOVAPS": // merged under a mask
		for i, on := range m.mask {
			if on {
				set32(m.vector(to), i, u32(m.vector(v[0]), i))
			}
		}
	case "VBLENDVPS":
		for i := range size(to) / 4 {
			from := v[2]
			if u32(m.vector(v[0]), i)>>31 == 1 {
				from = v[1]
			}
			set32(m.vector(to), i, u32(m.vector(from), i))
		}
	default:
		return false
	}
	return true
}

// arithmetic is what is done lane by lane: the last operand is the result, the one before it the first source.
func (m *machine) arithmetic(op string, v []string) bool {
	if op == "VCMPPS" {
		m.compare(v)
		return true
	}
	n := len(v)
	to := v[n-1]
	first := append([]byte{}, m.vector(v[n-2])...)
	second := make([]byte, 64)
	switch {
	case strings.HasPrefix(v[0], "$"):
		second = nil
	case op == "VPDPBUSD.BCST":
		for i := range 16 {
			copy(second[4*i:], m.source(v[0], 4))
		}
	case n == 3:
		copy(second, m.source(v[0], size(to)))
	}
	old := m.vector(to)
	for i := range size(to) / 4 {
		x, ok := lane(op, first, second, old, i, v[0])
		if !ok {
			return false
		}
		set32(old, i, x)
	}
	return true
}

// lane is one result of 32 bits.
func lane(op string, a, b, old []byte, i int, first string) (uint32, bool) {
	switch op {
	case "VMULPS":
		return math.Float32bits(f32(a, i) * f32(b, i)), true
	case "VADDPS":
		return math.Float32bits(f32(a, i) + f32(b, i)), true
	case "VCVTDQ2PS":
		return math.Float32bits(float32(int32(u32(a, i)))), true
	case "VPADDD":
		return u32(a, i) + u32(b, i), true
	case "VPSUBD":
		return u32(a, i) - u32(b, i), true
	case "VPMULLD":
		return u32(a, i) * u32(b, i), true
	case "VXORPS", "VPXOR", "VPXORD":
		return u32(a, i) ^ u32(b, i), true
	case "VPANDD":
		return u32(a, i) & u32(b, i), true
	case "VPMADDWD":
		return uint32(i16(a, 2*i)*i16(b, 2*i) + i16(a, 2*i+1)*i16(b, 2*i+1)), true
	case "VPSRLW":
		by, err := strconv.Atoi(first[1:])
		low, high := uint16(u32(a, i)), uint16(u32(a, i)>>16)
		return uint32(low>>by) | uint32(high>>by)<<16, err == nil
	case "VPDPBUSD", "VPDPBUSD.BCST": // unsigned bytes of the first source, signed ones of the second
		sum := int32(u32(old, i))
		for x := range 4 {
			sum += int32(a[4*i+x]) * int32(int8(b[4*i+x]))
		}
		return uint32(sum), true
	}
	return 0, false
}

// compare is the test for NaN in either.
func (m *machine) compare(v []string) {
	if v[0] != "$3" {
		m.t.Fatalf("comparison %s", v[0])
	}
	m.mask = m.mask[:0]
	n := size(v[1]) / 4
	for i := range n {
		a, b := f32(m.vector(v[1]), i), f32(m.vector(v[2]), i)
		m.mask = append(m.mask, a != a || b != b)
	}
	if v[3] == "K1" {
		return
	}
	for i, on := range m.mask {
		set32(m.vector(v[3]), i, map[bool]uint32{true: 0xffffffff}[on])
	}
}
