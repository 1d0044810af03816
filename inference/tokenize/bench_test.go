//go:build unix

package tokenize_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/inference/tokenize"
	"assay/internal/need"
)

// BenchmarkBesidePython times this package and Python tokenizers on the same lines, one
// thread each, in turns in one run, by processor time: lines a second with offsets and tokens, as Python
// gives them, and how many times Python's that is; and the same for ids alone and for loading.
func BenchmarkBesidePython(b *testing.B) {
	python := need.Python(b, filepath.Join(references, "requirements.txt"))
	dir := reference(b)
	hard := readLines(b, filepath.Join(dir, "lines.hex"))[:1500]
	var prose []string
	for _, line := range strings.Split(read(b, "../../examples/passages/passages.txt"), "\n") {
		if line != "" {
			prose = append(prose, line)
		}
	}
	for _, name := range []string{"bert", "gpt2", "llama", "unigram"} {
		for _, corpus := range []struct {
			name  string
			lines []string
		}{{"prose", prose}, {"hard", hard}} {
			b.Run(name+"/"+corpus.name, func(b *testing.B) {
				beside(b, python, filepath.Join(dir, name+".json"), corpus.lines)
			})
		}
	}
}

func beside(b *testing.B, python, file string, lines []string) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	source := []byte(read(b, file))
	tokenizer, err := tokenize.Load(source)
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(hex.EncodeToString([]byte(line)) + "\n")
	}
	list := filepath.Join(b.TempDir(), "lines.hex")
	if err := os.WriteFile(list, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	var whole, alone, loads, theirs, theirLoads []float64
	for b.Loop() {
		if len(theirs) < 5 {
			lines, load := pythonSpeed(b, python, file, list)
			theirs, theirLoads = append(theirs, lines), append(theirLoads, 1/load)
		}
		loads = append(loads, speed([]string{""}, func(string) { _, _ = tokenize.Load(source) }))
		e := tokenizer.Encoder()
		whole = append(whole, speed(lines, func(line string) { _, _ = e.Encoding(line, tokenize.Options{}) }))
		e = tokenizer.Encoder()
		alone = append(alone, speed(lines, func(line string) { _, _ = e.Encode(line, 0) }))
	}
	b.ReportMetric(median(whole), "lines/s")
	b.ReportMetric(median(whole)/median(theirs), "x-Python")
	b.ReportMetric(median(alone)/median(theirs), "x-Python-ids")
	b.ReportMetric(median(loads)/median(theirLoads), "x-Python-load")
	b.ReportMetric(1000/median(loads), "ms-load")
	b.ReportMetric(0, "ns/op")
}

func speed(lines []string, f func(line string)) float64 {
	start := processTime()
	for _, line := range lines {
		f(line)
	}
	return float64(len(lines)) / (processTime() - start).Seconds()
}

// processTime is the processor time that this process has used, its garbage collection
// included.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// pythonSpeed is how many lines Python does a second, and the seconds it takes to load.
func pythonSpeed(b *testing.B, python, file, list string) (lines, load float64) {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), python, filepath.Join(references, "bench.py"), file, list, "3").Output()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscan(string(out), &lines, &load); err != nil {
		b.Fatal(err)
	}
	return lines, load
}
