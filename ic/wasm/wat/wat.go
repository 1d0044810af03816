// Package wat assembles hand-written kernels: WebAssembly functions in the text format
// that work on a canister's memory.
//
// Package ic/wasm/build calls it on the .wat files beside the Go packages of a canister,
// and ic/wasm/link merges the result. A kernel file is a strict subset of the text
// format, so that other assemblers take it too:
//
//	(module
//	  (import "canister" "memory" (memory 1))
//	  (func (export "sum") (param $p i32) (param $n i32) (result i32)
//	    (local $sum i32)
//	    (block $done
//	      (loop $next
//	        (br_if $done (i32.eqz (local.get $n)))
//	        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $p))))
//	        (local.set $p (i32.add (local.get $p) (i32.const 1)))
//	        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
//	        (br $next)))
//	    local.get $sum))
//
// Instructions are flat or folded: numbers of 32 and 64 bits, integers and floats, vectors
// of 128 bits, loads and stores, memory.copy, memory.fill and memory.size, calls among
// the file's functions, structured control whose blocks take nothing and leave at most
// one value. There are no tables, globals, data, memories of its own, references,
// indirect calls or memory.grow: a kernel gets pointers, computes and stores.
//
// Bodies are type-checked, because an engine that refuses a function of a linked canister
// can only name it by number. What a kernel computes, and that it stays inside the bytes
// it was given, is left to its author and its Go twin.
package wat

import (
	"fmt"

	"assay/ic/wasm/module"
)

// Limits of [Assemble].
const (
	MaxSource  = 1 << 20 // bytes of a file
	maxDepth   = 200     // parentheses inside one another
	maxControl = 1_000   // blocks inside one another
	maxFuncs   = 1_000
	maxLocals  = 10_000 // of one function, parameters included
	maxParams  = 100
	maxTargets = 1_000 // of one br_table
)

// The memory that a kernel file imports.
const (
	MemoryModule = "canister"
	MemoryName   = "memory"
)

// Error says where a kernel file is wrong. Line and Column count from 1, columns in bytes.
type Error struct {
	Line, Column int
	What         string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.What) }

// place is where a token starts.
type place struct{ line, column int }

// fail ends the assembly; [Assemble] turns it into its error.
func fail(at place, format string, args ...any) {
	panic(&Error{at.line, at.column, fmt.Sprintf(format, args...)})
}

// Assemble makes a module of a kernel file. The module imports at most the canister's
// memory and has nothing but functions and their exports. The error is an [*Error].
func Assemble(source []byte) (m *module.Module, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *Error:
			m, err = nil, e
		default:
			panic(e)
		}
	}()
	if len(source) > MaxSource {
		fail(place{1, 1}, "file of %d bytes, more than %d", len(source), MaxSource)
	}
	a := &assembler{m: &module.Module{}, funcs: map[string]uint32{}}
	a.module(parse(source))
	return a.m, nil
}
