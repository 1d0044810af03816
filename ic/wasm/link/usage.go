package link

import (
	"fmt"
	"strings"

	"assay/ic/wasm/module"
)

// InstallWeight is what a network charges to install one Wasm instruction, in
// instructions.
const InstallWeight = 6_000

// Further limits of a network, which bind a module that [Accept] lets through.
const (
	maxInstall = 300_000_000_000 // instructions of one install_code, its init included
	maxPages   = 1 << 16         // of 64 KiB: the heap of 32-bit memory
)

// Usage is how much of one limit a module uses.
type Usage struct {
	Limit string // what is limited, with its unit
	Used  uint64
	Max   uint64
}

// Percent is the part of the limit that is used; above 100 the module is refused.
func (u Usage) Percent() float64 { return 100 * float64(u.Used) / float64(u.Max) }

// Function is the weight of one function's body.
type Function struct {
	Index        int // among the functions that the module defines
	Instructions int
	Complexity   int // instructions weighed by what compiling them costs
	Bytes        int
}

// Functions weighs each body of a module, in their order. The error is a
// [*module.SyntaxError] for the first that does not parse.
func Functions(m *module.Module) ([]Function, error) {
	out := make([]Function, len(m.Code))
	for i := range m.Code {
		f := Function{Index: i, Bytes: len(m.Code[i].Code)}
		it := module.NewIter(m.Code[i].Code)
		for it.Next() {
			f.Instructions++
			f.Complexity += complexity(it.Op)
		}
		if err := it.Err(); err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		out[i] = f
	}
	return out, nil
}

// Usages is the use of every limit that [Accept] and an installation check, of a module
// that is size bytes long and has these functions.
func Usages(m *module.Module, size int, functions []Function) []Usage {
	var most Function
	var code, instructions uint64
	for _, f := range functions {
		most.Instructions = max(most.Instructions, f.Instructions)
		most.Complexity = max(most.Complexity, f.Complexity)
		code += uint64(f.Bytes)
		instructions += uint64(f.Instructions)
	}
	methods, names := methodSizes(m)
	sections, bytes := sectionSizes(m)
	var entries, pages uint64
	for _, t := range m.Tables {
		entries = max(entries, t.Limits.Min)
	}
	for _, l := range m.Memories {
		pages = max(pages, l.Min)
	}
	return []Usage{
		{"module, bytes", uint64(size), module.MaxModule},
		{"code, bytes", code, maxCode},
		{"functions", uint64(len(m.Funcs)), maxFuncs},
		{"largest function, instructions", uint64(most.Instructions), maxBodyWeight},
		{"largest function, complexity", uint64(most.Complexity), maxBodyWeight},
		{"globals", uint64(len(m.Globals)), maxGlobals},
		{"methods", methods, maxMethods},
		{"method names, bytes", names, maxMethodNames},
		{"icp: custom sections", sections, maxSections},
		{"icp: custom sections, bytes", bytes, maxSectionSize},
		{"data segments", uint64(len(m.Datas)), maxSegments},
		{"table entries", entries, maxTable},
		{"memory at start, pages", pages, maxPages},
		{"installing, instructions", instructions * InstallWeight, maxInstall},
	}
}

func methodSizes(m *module.Module) (methods, names uint64) {
	for _, method := range Methods(m) {
		methods++
		names += uint64(len(method.Name))
	}
	return methods, names
}

func sectionSizes(m *module.Module) (sections, bytes uint64) {
	for _, c := range m.Customs {
		if strings.HasPrefix(c.Name, "icp:") {
			sections++
			bytes += uint64(len(c.Name) + len(c.Bytes))
		}
	}
	return sections, bytes
}
