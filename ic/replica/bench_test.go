package replica_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/internal/cache"
)

// goCanister is testdata/heap, in Go: a counter beside as much heap as it is told to hold.
var goCanister = sync.OnceValues(func() ([]byte, error) {
	dir, err := cache.Dir("test", "canisters")
	if err != nil {
		return nil, err
	}
	m, err := build.Canister(context.Background(), build.Config{
		Package: "./testdata/heap", CacheDir: dir,
		Methods: []link.Method{{Name: "inc"}, {Name: "hold"}, {Name: "get", Kind: link.Query}},
	})
	return m.Wasm, err
})

func goWasm(b *testing.B) []byte {
	b.Helper()
	wasm, err := goCanister()
	if err != nil {
		b.Fatal(err)
	}
	return wasm
}

// call is one update call, to its answer.
func (c *client) call(to principal.Principal, method string, arg []byte) []byte {
	c.t.Helper()
	s, rej := c.submit(replica.Ingress{Canister: to, Method: method, Arg: arg})
	if rej != nil {
		c.t.Fatal(rej)
	}
	return s.Reply
}

func (c *client) installed(wasm []byte) principal.Principal {
	return actorOf(c.t, wasm, func(in replica.Ingress) replica.Status {
		s, rej := c.submit(in)
		if rej != nil {
			c.t.Fatal(rej)
		}
		return s
	})
}

// subjects are the canisters whose speed is measured, each with an update and a query.
func subjects(b *testing.B) map[string]struct {
	wasm          []byte
	update, query replica.Ingress
} {
	type subject = struct {
		wasm          []byte
		update, query replica.Ingress
	}
	return map[string]subject{
		"interpreter": {
			replicatest.Plain(),
			replica.Ingress{Method: "run", Arg: program{}.Add(0, 1).Reply(nil)},
			replica.Ingress{Method: "read", Arg: program{}.AppendCell(0).Send()},
		},
		"go": {goWasm(b), replica.Ingress{Method: "inc"}, replica.Ingress{Method: "get"}},
	}
}

// submitters is how many clients wait for answers at the same time.
const submitters = 16

// spread calls f as often as the benchmark wants, from several goroutines, and reports
// calls a second.
func spread(b *testing.B, target float64, f func()) {
	start := cpuTime(b)
	b.SetParallelism((submitters + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/float64(b.N), "cpu-µs")
	b.ReportMetric(target, "target/s")
}

func BenchmarkUpdate(b *testing.B) {
	for name, s := range subjects(b) {
		b.Run(name, func(b *testing.B) {
			c, _ := running(b, replica.Config{})
			a := c.installed(s.wasm)
			b.ResetTimer()
			spread(b, 5000, func() {
				if _, rej := c.submit(replica.Ingress{Canister: a, Method: s.update.Method, Arg: s.update.Arg}); rej != nil {
					b.Error(rej)
				}
			})
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	for name, s := range subjects(b) {
		b.Run(name, func(b *testing.B) {
			c, _ := running(b, replica.Config{})
			a := c.installed(s.wasm)
			b.ResetTimer()
			spread(b, 8000, func() {
				if _, rej := c.n.Query(b.Context(), replica.Query{Sender: user, Canister: a, Method: s.query.Method, Arg: s.query.Arg}); rej != nil {
					b.Error(rej)
				}
			})
		})
	}
}

// BenchmarkHeapSize compares a small update beside 64 MiB of heap with one beside 4 MiB,
// turn by turn.
func BenchmarkHeapSize(b *testing.B) {
	c, _ := running(b, replica.Config{})
	small, large := c.installed(goWasm(b)), c.installed(goWasm(b))
	c.call(small, "hold", binary.LittleEndian.AppendUint64(nil, 1<<20))
	c.call(large, "hold", binary.LittleEndian.AppendUint64(nil, 60<<20))
	const turn = 50
	var took [2]time.Duration
	for b.Loop() {
		for i, id := range []principal.Principal{small, large} {
			start := time.Now()
			for range turn {
				c.call(id, "inc", nil)
			}
			took[i] += time.Since(start)
		}
	}
	n := float64(b.N * turn)
	b.ReportMetric(float64(took[0].Microseconds())/n, "4MiB-µs")
	b.ReportMetric(float64(took[1].Microseconds())/n, "64MiB-µs")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
	b.ReportMetric(2, "target-ratio")
}

// BenchmarkInstall compiles the Go canister as an install does: cold, and in a new
// process that finds it in the cache.
func BenchmarkInstall(b *testing.B) {
	wasm := goWasm(b)
	compile := func(b *testing.B, dir string) {
		e, err := host.NewEngine(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		m, err := e.Compile(b.Context(), wasm)
		if err != nil {
			b.Fatal(err)
		}
		i, err := m.Instantiate(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := i.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := e.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	report := func(b *testing.B, target float64, start time.Duration) {
		b.ReportMetric(float64((cpuTime(b)-start).Milliseconds())/float64(b.N), "cpu-ms")
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
		b.ReportMetric(target, "target-ms")
		b.ReportMetric(float64(len(wasm))/(1<<20), "MiB")
	}
	b.Run("cold", func(b *testing.B) {
		start := cpuTime(b)
		for b.Loop() {
			compile(b, b.TempDir())
		}
		report(b, 2000, start)
	})
	b.Run("cached", func(b *testing.B) {
		dir := b.TempDir()
		compile(b, dir)
		start := cpuTime(b)
		for b.Loop() {
			compile(b, dir)
		}
		report(b, 100, start)
	})
}

// BenchmarkThousand installs 1,000 Go canisters and tells the memory that they take, idle,
// and how long a restart with them is.
func BenchmarkThousand(b *testing.B) {
	const canisters = 1000
	config := replica.Config{Dir: b.TempDir(), CompilationCacheDir: b.TempDir()}
	c, stop := running(b, config)
	wasm := goWasm(b)
	first := c.installed(wasm)
	before := memoryInUse(b)
	for range canisters - 1 {
		c.installed(wasm)
	}
	after := memoryInUse(b)
	if err := stop(); err != nil {
		b.Fatal(err)
	}
	var took, used time.Duration
	for b.Loop() {
		start, cpu := time.Now(), cpuTime(b)
		n, err := replica.Open(config)
		if err != nil {
			b.Fatal(err)
		}
		took, used = took+time.Since(start), used+cpuTime(b)-cpu
		if got := len(n.Canisters()); got != canisters {
			b.Fatalf("%d canisters", got)
		}
		if _, rej := n.Query(b.Context(), replica.Query{Sender: user, Canister: first, Method: "get"}); rej != nil {
			b.Fatal(rej)
		}
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(after-before)/(canisters-1)/1024, "KiB/canister")
	b.ReportMetric(float64(after)/(1<<20), "MiB")
	b.ReportMetric(took.Seconds()/float64(b.N), "restart-s")
	b.ReportMetric(used.Seconds()/float64(b.N), "restart-cpu-s")
}

// cpuTime is what this process has used so far, which other work on the machine does not
// add to.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// memoryInUse is what this process has in memory of its own: Go's, the live instances',
// and the memory file of heaps. Zero where the system does not tell.
func memoryInUse(b *testing.B) (bytes int64) {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			if _, err := fmt.Sscan(kib, &bytes); err != nil {
				b.Fatal(err)
			}
			bytes <<= 10
		}
	}
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range files {
		if to, err := os.Readlink(name); err != nil || !strings.HasPrefix(to, "/memfd:") {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
	}
	return bytes
}
