// Package inspect describes a canister module: what it imports and exports, what it is
// made of, and how much of each platform limit it uses.
//
// `assay canister inspect` and the size report of `assay canister build` print its
// [Report]. It reads with ic/wasm/module and takes every limit from ic/wasm/link, so it
// says the same as the check before an installation.
package inspect

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
)

// WarnPercent is the use of a limit above which a report warns.
const WarnPercent = 80

// maxMessage is how many bytes one install_code message may have; a larger module needs
// the chunk store.
const maxMessage = 2 << 20

// ErrTooLarge is returned for compressed data that unpacks to more than a module may have.
var ErrTooLarge = errors.New("unpacks to more than a module may have")

// Report describes one module.
type Report struct {
	Bytes      int    `json:"bytes"`           // as it was given
	Hash       string `json:"sha256"`          // of those bytes: the module hash of a canister installed from them
	Compressed bool   `json:"compressed"`      // they were gzip
	WasmBytes  int    `json:"wasm_bytes"`      // unpacked
	GzipBytes  int    `json:"gzip_bytes"`      // packed
	Refused    string `json:"refused"`         // why a network would not install it; empty if it would
	Canister   bool   `json:"canister"`        // it has methods or an entry point
	Limits     []Use  `json:"limits"`          //
	Parts      []Part `json:"parts"`           // sections of the module, in its order
	Install    uint64 `json:"install_cost"`    // instructions that installing costs
	Largest    []Func `json:"largest"`         // functions, at most 5, the most instructions first
	Counts     Counts `json:"counts"`          //
	Memory     *Space `json:"memory"`          // in pages of 64 KiB; null without one
	Table      *Space `json:"table"`           // in entries; null without one
	Imports    []Item `json:"imports"`         //
	Exports    []Item `json:"exports"`         // methods and entry points included
	Methods    []Item `json:"methods"`         // by name, with their kind
	Custom     []Item `json:"custom_sections"` //
}

// Use is how much of a limit is used.
type Use struct {
	Limit   string  `json:"limit"`
	Used    uint64  `json:"used"`
	Max     uint64  `json:"max"`
	Percent float64 `json:"percent"`
	Warning bool    `json:"warning"` // above [WarnPercent]
}

// Part is one section's name and length with its header.
type Part struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// Func is the weight of a function. Index counts imports too, as the text format does.
type Func struct {
	Index        int `json:"index"`
	Instructions int `json:"instructions"`
	Complexity   int `json:"complexity"`
	Bytes        int `json:"bytes"`
}

// Counts are the sizes of the index spaces and what is in them.
type Counts struct {
	Types        int `json:"types"`
	Functions    int `json:"functions"` // defined; imports are listed
	Instructions int `json:"instructions"`
	Globals      int `json:"globals"`
	DataSegments int `json:"data_segments"`
	DataBytes    int `json:"data_bytes"`
	Elements     int `json:"elements"` // functions put into tables
}

// Space is the size of a memory or table.
type Space struct {
	Min uint64  `json:"min"`
	Max *uint64 `json:"max"` // null: as the network has it
}

// Item is a named thing with what there is to say of it: a type, a kind, a text.
type Item struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Bytes int    `json:"bytes,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Module inspects a module, raw or gzip. A module that a network would refuse is
// reported with the reason; bytes that are no module at all are an error.
func Module(b []byte) (Report, error) {
	sum := sha256.Sum256(b)
	r := Report{Bytes: len(b), Hash: hex.EncodeToString(sum[:])}
	wasm, err := Unpack(b)
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	r.Compressed, r.WasmBytes = isGzip(b), len(wasm)
	if r.GzipBytes = len(b); !r.Compressed {
		r.GzipBytes = packed(wasm)
	}
	m, err := module.Parse(wasm)
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	functions, err := link.Functions(m)
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	if err := link.Accept(m); err != nil {
		r.Refused = err.Error()
	}
	r.Parts = parts(wasm)
	r.weigh(m, functions)
	r.list(m)
	return r, nil
}

// Warnings are the limits that are nearly used up.
func (r Report) Warnings() []Use {
	var out []Use
	for _, u := range r.Limits {
		if u.Warning {
			out = append(out, u)
		}
	}
	return out
}

// Part is the length of the section of that name, 0 if there is none.
func (r Report) Part(name string) int {
	for _, p := range r.Parts {
		if p.Name == name {
			return p.Bytes
		}
	}
	return 0
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte("\x1f\x8b\x08")) }

// Unpack returns a module as Wasm, unpacking gzip up to the largest size of a module.
func Unpack(b []byte) ([]byte, error) {
	if !isGzip(b) {
		return b, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, module.MaxModule+1))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	if len(out) > module.MaxModule {
		return nil, fmt.Errorf("unpack: %w", ErrTooLarge)
	}
	return out, nil
}

// packed is the compressed length; writing to a counter cannot fail.
func packed(b []byte) int {
	var n counter
	z, _ := gzip.NewWriterLevel(&n, gzip.BestCompression)
	_, _ = z.Write(b)
	_ = z.Close()
	return int(n)
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count",
}

// parts walks the sections of a module that has been parsed, custom ones together.
func parts(b []byte) []Part {
	var out []Part
	at := map[string]int{}
	for i := 8; i < len(b); {
		size, n := uleb(b[i+1:])
		name, whole := sectionNames[b[i]], 1+n+size
		if _, ok := at[name]; !ok {
			at[name] = len(out)
			out = append(out, Part{Name: name})
		}
		out[at[name]].Bytes += whole
		i += whole
	}
	return out
}

// uleb reads an unsigned number and how many bytes it takes.
func uleb(b []byte) (v, n int) {
	for shift := 0; ; shift += 7 {
		c := b[n]
		v |= int(c&0x7f) << shift
		if n++; c < 0x80 {
			return v, n
		}
	}
}

func typeText(m *module.Module, i uint32) string {
	if uint64(i) >= uint64(len(m.Types)) {
		return "no type"
	}
	return m.Types[i].String()
}

func kindName(k module.Kind) string {
	return [...]string{"function", "table", "memory", "global"}[k]
}

func methodKind(k link.Kind) string {
	return [...]string{"update", "query", "composite_query"}[k]
}

// text is what a custom section says, if it is text short enough to print.
func text(b []byte) string {
	const most = 300
	if len(b) > most || strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' && r != '\n' || r == '\ufffd' }) {
		return ""
	}
	return string(b)
}
