package host

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// budgetOf is what canisters may take of a machine's memory.
func budgetOf(machine uint64) uint64 { return machine / 4 * 3 }

var defaultBudget = sync.OnceValue(func() uint64 { return budgetOf(machineMemory()) })

// heapHasRoom reports whether Go's heap, where stable memory is, may grow. What is
// garbage does not count against it.
func heapHasRoom() bool {
	if metric("/memory/classes/heap/objects:bytes") <= defaultBudget() {
		return true
	}
	runtime.GC()
	return goHeap() <= defaultBudget()
}

// goHeap is what was not garbage in Go's heap when it was looked at last.
func goHeap() uint64 { return metric("/gc/heap/live:bytes") }

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
