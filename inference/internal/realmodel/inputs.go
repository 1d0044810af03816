package realmodel

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"assay/inference/tensor"
	"assay/inference/tokenize"
)

// sentences are batches of texts; those of one batch are padded to the longest.
var sentences = [][]string{
	{"A lighthouse keeper counts ships by their lamps."},
	{"?"},
	{"The same model and the same words give the same numbers on every machine, or somebody is lying."},
	{
		"How do I move tokens from one account to another?",
		"Short.",
		"Rivers carry sand to the sea, the sea carries it along the coast, and the wind carries some of it back inland, where grass holds it.",
	},
	{strings.Repeat("All work and no play makes a dull benchmark. ", 11)},
}

// maxTokens is where longer texts are cut.
const maxTokens = 128

// threeInputs are the inputs of a BERT encoder: ids, mask and segments.
func threeInputs(t testing.TB) []Inputs {
	t.Helper()
	words, err := tokenize.New(vocabulary(t))
	if err != nil {
		t.Fatal(err)
	}
	var list []Inputs
	for _, batch := range sentences {
		list = append(list, padded(t, words, batch))
	}
	return list
}

func padded(t testing.TB, words *tokenize.Tokenizer, batch []string) Inputs {
	t.Helper()
	var rows [][]uint32
	longest := 0
	for _, text := range batch {
		row, err := words.Encode(text, maxTokens)
		if err != nil {
			t.Fatal(err)
		}
		rows, longest = append(rows, row), max(longest, len(row))
	}
	ids, mask := tensor.New(tensor.Int64, len(rows), longest), tensor.New(tensor.Int64, len(rows), longest)
	for i, row := range rows {
		for j, id := range row {
			ids.Int64s()[i*longest+j], mask.Int64s()[i*longest+j] = int64(id), 1
		}
	}
	return Inputs{"input_ids": ids, "attention_mask": mask, "token_type_ids": tensor.New(tensor.Int64, len(rows), longest)}
}

// twoInputs leave the segments out.
func twoInputs(t testing.TB) []Inputs {
	t.Helper()
	list := threeInputs(t)
	for _, in := range list {
		delete(in, "token_type_ids")
	}
	return list
}

// files are beginnings and ends of common file types.
var files = []string{
	"#!/bin/sh\nset -e\nfor f in *.txt; do\n  echo \"$f\"\ndone\n",
	"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"hello\")\n}\n",
	"{\"name\": \"assay\", \"sizes\": [1, 2, 3], \"nested\": {\"a\": null}}\n",
	"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
	"\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x03\x00\x3e\x00\x01\x00\x00\x00" + strings.Repeat("\x00\x01\x02\x40", 900),
}

// fileInputs are files one by one, and then all in one batch.
func fileInputs(testing.TB) []Inputs {
	all := tensor.New(tensor.Int32, len(files), 2*block)
	var list []Inputs
	for i, f := range files {
		row := features([]byte(f))
		copy(all.Int32s()[i*2*block:], row)
		list = append(list, Inputs{"bytes": tensor.Of(tensor.Int32, row, 1, 2*block)})
	}
	return append(list, Inputs{"bytes": all})
}

// block is how many bytes Magika takes from either end of a file; where there are fewer, the token 256 fills up.
const block = 1024

// features are the first bytes without leading white space and the last ones without trailing.
func features(file []byte) []int32 {
	const space, filler = " \t\n\v\f\r", 256
	out := make([]int32, 2*block)
	for i := range out {
		out[i] = filler
	}
	for i, b := range bytes.TrimLeft(file[:min(len(file), 4*block)], space) {
		if i < block {
			out[i] = int32(b)
		}
	}
	tail := bytes.TrimRight(file[max(0, len(file)-4*block):], space)
	tail = tail[max(0, len(tail)-block):]
	for i, b := range tail {
		out[2*block-len(tail)+i] = int32(b)
	}
	return out
}

// digitInputs are pictures of a one, a seven and a zero, white on black, and noise.
func digitInputs(testing.TB) []Inputs {
	draw := func(ink func(x, y float64) bool) Inputs {
		t := tensor.New(tensor.Float32, 1, 1, 28, 28)
		for i := range t.Float32s() {
			if ink(float64(i%28), float64(i/28)) {
				t.Float32s()[i] = 255
			}
		}
		return Inputs{"Input3": t}
	}
	seed := uint32(7)
	return []Inputs{
		draw(func(x, y float64) bool { return math.Abs(x-14) < 1.6 && y > 4 && y < 24 }),
		draw(func(x, y float64) bool {
			bar, stroke := y > 4 && y < 8 && x > 7 && x < 21, math.Abs(x-(20-(y-6)/2)) < 1.6 && y >= 6 && y < 24
			return bar || stroke
		}),
		draw(func(x, y float64) bool { r := math.Hypot((x-14)/0.75, y-14); return r > 7.5 && r < 11 }),
		draw(func(float64, float64) bool { seed = seed*1664525 + 1013904223; return seed>>30 == 3 }),
	}
}

// soundInputs are 32 ms of silence, of a tone and of a buzz like a voice, at both rates that the model knows.
func soundInputs(testing.TB) []Inputs {
	var list []Inputs
	for _, rate := range []int{16000, 8000} {
		samples := rate * 32 / 1000
		for _, wave := range []func(at float64) float64{
			func(float64) float64 { return 0 },
			func(at float64) float64 { return 0.5 * math.Sin(2*math.Pi*440*at) },
			func(at float64) float64 {
				sum := 0.0
				for harmonic := 1.0; harmonic < 12; harmonic++ {
					sum += math.Sin(2*math.Pi*140*harmonic*at) / harmonic
				}
				return 0.3 * sum
			},
		} {
			sound := tensor.New(tensor.Float32, 1, samples)
			for i := range sound.Float32s() {
				sound.Float32s()[i] = float32(wave(float64(i) / float64(rate)))
			}
			list = append(list, Inputs{
				"input": sound, "state": tensor.New(tensor.Float32, 2, 1, 128), "sr": tensor.FromInt64([]int64{int64(rate)}),
			})
		}
	}
	return list
}
