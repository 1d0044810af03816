package onnx

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files are the files beside a model, in memory.
type files map[string][]byte

func (f files) Open(location string) ([]byte, error) {
	data, ok := f[location]
	if !ok {
		return nil, errors.New("no such file")
	}
	return data, nil
}

func TestExternalRoundTrip(t *testing.T) {
	t.Parallel()
	want := small()
	var model, data bytes.Buffer
	if err := WriteExternal(&model, &data, want, "weights/a.bin", 2); err != nil {
		t.Fatal(err)
	}
	if data.Len() != page+8 { // the attribute's tensor, then the constant at the next page
		t.Errorf("%d bytes of data", data.Len())
	}
	got, err := ParseExternal(model.Bytes(), Limits{}, files{"weights/a.bin": data.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := Parse(model.Bytes(), Limits{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("without files: error %v", err)
	}
	if got := &got.Initializers[0].Raw[0]; got != &data.Bytes()[page] {
		t.Error("the tensor is a copy")
	}
}

func TestRefusesExternal(t *testing.T) {
	t.Parallel()
	tensor := func(entries ...string) []byte {
		var r rope
		r.int(1, 2)
		r.int(2, int64(Float32))
		r.text(8, "b")
		for i := 0; i < len(entries); i += 2 {
			entry(&r, entries[i], entries[i+1])
		}
		r.int(14, 1)
		return r.join()
	}
	raw := appendBytes(tensor("location", "w"), 9, floats(1, 2))
	cases := []struct {
		name   string
		tensor []byte
		kind   error
		part   string
	}{
		{"no location", tensor("offset", "0"), ErrMalformed, "which"},
		{"no entries", tensor(), ErrMalformed, "in none"},
		{"absolute", tensor("location", "/etc/passwd"), ErrMalformed, "below"},
		{"upwards", tensor("location", "a/../../w"), ErrMalformed, "below"},
		{"upwards and back", tensor("location", "a/../w"), ErrMalformed, "below"},
		{"backslash", tensor("location", `..\w`), ErrMalformed, "below"},
		{"drive", tensor("location", "C:w"), ErrMalformed, "below"},
		{"zero byte", tensor("location", "w\x00"), ErrMalformed, "below"},
		{"the folder itself", tensor("location", "."), ErrMalformed, "below"},
		{"two slashes", tensor("location", "a//w"), ErrMalformed, "below"},
		{"missing file", tensor("location", "gone"), ErrExternal, "no such file"},
		{"offset after the end", tensor("location", "w", "offset", "11"), ErrMalformed, "a file of 10"},
		{"length over the end", tensor("location", "w", "offset", "3", "length", "8"), ErrMalformed, "a file of 10"},
		{"length that overflows", tensor("location", "w", "offset", "8", "length", "9223372036854775807"), ErrMalformed, "a file of 10"},
		{"negative offset", tensor("location", "w", "offset", "-1"), ErrMalformed, `"-1"`},
		{"offset in another spelling", tensor("location", "w", "offset", "+1"), ErrMalformed, `"+1"`},
		{"leading zero", tensor("location", "w", "offset", "01"), ErrMalformed, `"01"`},
		{"number too large", tensor("location", "w", "length", "9223372036854775808"), ErrMalformed, "length"},
		{"too short", tensor("location", "w", "length", "4"), ErrMalformed, "want 8"},
		{"too long", tensor("location", "w"), ErrMalformed, "10 bytes"},
		{"key twice", tensor("location", "w", "location", "w"), ErrDuplicate, "two keys"},
		{"unknown key", tensor("location", "w", "compression", "zip"), ErrUnsupported, "compression"},
		{"raw data too", raw, ErrMalformed, "two places"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseExternal(fileWith(c.tensor), Limits{}, files{"w": make([]byte, 10)})
			var typed *Error
			if !errors.As(err, &typed) || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want %v with %q", err, c.kind, c.part)
			}
		})
	}
	good := tensor("location", "./a/./w", "offset", "1", "length", "8", "checksum", "any")
	if _, err := ParseExternal(fileWith(good), Limits{}, files{"a/w": make([]byte, 10)}); err != nil {
		t.Error(err)
	}
}

// A tensor may refer to the same bytes as another one; the file is opened once.
func TestExternalOpensOnce(t *testing.T) {
	t.Parallel()
	g := small()
	var model, data bytes.Buffer
	if err := WriteExternal(&model, &data, g, "w", 1); err != nil {
		t.Fatal(err)
	}
	opened := 0
	if _, err := ParseExternal(model.Bytes(), Limits{}, counting{files{"w": data.Bytes()}, &opened}); err != nil {
		t.Fatal(err)
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}

type counting struct {
	files
	count *int
}

func (c counting) Open(location string) ([]byte, error) {
	*c.count++
	return c.files.Open(location)
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "/w", "../w", "./w"} {
		if err := WriteExternal(&bytes.Buffer{}, &bytes.Buffer{}, small(), location, 1); !errors.Is(err, ErrMalformed) {
			t.Errorf("location %q: error %v", location, err)
		}
	}
	if math.MaxInt == math.MaxInt32 {
		return
	}
	huge := small()
	shared := make([]byte, 1<<24)
	for range 1 << 7 {
		huge.Initializers = append(huge.Initializers, Tensor{DType: Uint8, Raw: shared})
	}
	out := &refusing{}
	if err := Write(out, huge); !errors.Is(err, ErrLimit) || out.written {
		t.Errorf("error %v, bytes written: %t", err, out.written)
	}
}

// refusing notes whether anything is written to it.
type refusing struct{ written bool }

func (r *refusing) Write(b []byte) (int, error) { r.written = true; return len(b), nil }

func FuzzExternal(f *testing.F) {
	f.Add("w", "0", "8", uint16(10))
	f.Add("../w", "1", "9223372036854775807", uint16(0))
	f.Fuzz(func(t *testing.T, location, offset, length string, size uint16) {
		var r rope
		r.int(1, 2)
		r.int(2, int64(Float32))
		r.text(8, "b")
		entry(&r, "location", location)
		entry(&r, "offset", offset)
		entry(&r, "length", length)
		r.int(14, 1)
		data := make([]byte, size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g, err := ParseExternal(fileWith(r.join()), Limits{}, all{data})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<18+uint64(100*r.size) {
			t.Errorf("%d bytes of memory", used)
		}
		var typed *Error
		if err != nil {
			if !errors.As(err, &typed) {
				t.Fatalf("error %T %v", err, err)
			}
			return
		}
		if raw := g.Initializers[0].Raw; len(raw) != 8 {
			t.Errorf("%d bytes", len(raw))
		}
	})
}

// all gives one file at every location it is asked for, and trusts none that leads anywhere.
type all struct{ data []byte }

func (a all) Open(location string) ([]byte, error) {
	if strings.Contains(location, "..") && !strings.Contains(location, "...") || strings.HasPrefix(location, "/") || location == "" {
		panic("asked for " + location)
	}
	return a.data, nil
}
