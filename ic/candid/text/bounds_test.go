package text

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"assay/ic/candid"
)

// TestCostIsBounded reads messages whose values, made of next to no bytes, would take
// gigabytes here, and holds the reader to what it may allocate: 8 MiB and 4 KiB per byte.
func TestCostIsBounded(t *testing.T) { // not parallel: it counts allocations
	leb := func(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }
	var fields, doubling strings.Builder
	for i := range 9999 {
		fields.WriteString(leb(i) + "\x7f")
	}
	for i := range 40 {
		doubling.WriteString("\x6c\x02\x00" + string(rune(i+1)) + "\x01" + string(rune(i+1)))
	}
	for _, c := range []struct {
		name, msg string
		limited   bool
	}{
		{"many records of many nulls", "DIDL\x02\x6d\x01\x6c" + leb(9999) + fields.String() + "\x01\x00" + leb(19_999), true},
		{"records that double", "DIDL\x29" + doubling.String() + "\x6c\x00\x01\x00", true},
		{"many absent options", "DIDL\x02\x6d\x01\x6e\x7d\x01\x00" + leb(50_000) + strings.Repeat("\x00", 50_000), false},
		{"vector of small numbers", "DIDL\x01\x6d\x7e\x01\x00" + leb(50_000) + strings.Repeat("\x01", 50_000), false},
		{"long number", "DIDL\x00\x01\x7d" + strings.Repeat("\x80", 100_000) + "\x01", false},
	} {
		var err error
		read := func() { _, err = DecodeUntyped([]byte(c.msg)) }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read()
		runtime.ReadMemStats(&after)
		bytes, most := after.TotalAlloc-before.TotalAlloc, uint64(8<<20+4096*len(c.msg))
		t.Logf("%s: %d bytes of message, %d bytes allocated; %v", c.name, len(c.msg), bytes, err)
		if bytes > most {
			t.Errorf("%s: %d bytes allocated, at most %d are stated", c.name, bytes, most)
		}
		var de *candid.DecodeError
		if c.limited != errors.As(err, &de) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}
