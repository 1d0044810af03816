package cdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"assay/ic/cdk/stable"
)

// Level is how much a log entry matters.
type Level uint8

// The levels. Program.LogLevel drops what is below it.
const (
	Debug Level = iota
	Info
	Warning
	Failure
)

// String is the level's name.
func (l Level) String() string {
	if names := [...]string{"debug", "info", "warning", "failure"}; int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// Entry is one line of the canister's log.
type Entry struct {
	Number uint64 // counts all entries, also those that are gone
	Time   uint64 // ns since 1970
	Level  Level
	Method string // whose message wrote it
	Text   string
}

// The log is a ring in region 6: old entries make room for new ones.
//
//	0 "RING" · 4 version 1 · 8 u64 number of the first entry · 16 u64 of the next
//	24 u64 where the first begins, 32 u64 bytes in use, both within the ring
//	from 64 the ring; an entry is u32 length of the rest · u64 time · u8 level
//	u8 length of the method's name · name · text, and may go round the end
const (
	ringHead    = 64
	ringPages   = stable.BucketPages
	ringBytes   = ringPages*stable.PageBytes - ringHead
	entryHead   = 14
	maxLogText  = 2048
	maxLogNames = 255
)

var ringMagic = []byte("RING\x01")

// ring is the head of the log.
type ring struct {
	mem                      stable.Memory
	first, next, begin, used uint64
}

func openRing(mem stable.Memory) (r ring) {
	r.mem = mem
	if mem.Size() == 0 {
		return r
	}
	b := make([]byte, 40)
	mem.ReadAt(b, 0)
	u := binary.LittleEndian.Uint64
	r.first, r.next, r.begin, r.used = u(b[8:]), u(b[16:]), u(b[24:]), u(b[32:])
	if !bytes.Equal(b[:5], ringMagic) || r.first > r.next || r.begin >= ringBytes || r.used > ringBytes {
		panic(&stable.LayoutError{What: "a log, version 1", Found: fmt.Sprintf("%x", b)})
	}
	return r
}

func (r *ring) store() {
	b := make([]byte, 8, 40)
	copy(b, ringMagic)
	for _, v := range [...]uint64{r.first, r.next, r.begin, r.used} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	r.mem.WriteAt(b, 0)
}

// move reads or writes bytes at a place in the ring, round its end.
func (r *ring) move(b []byte, at uint64, f func(part []byte, offset uint64)) {
	at %= ringBytes
	n := min(uint64(len(b)), ringBytes-at)
	f(b[:n], ringHead+at)
	if n < uint64(len(b)) {
		f(b[n:], ringHead)
	}
}

// length is the size of the entry at a place, its own four bytes with it.
func (r *ring) length(at uint64) uint64 {
	var b [4]byte
	r.move(b[:], at, r.mem.ReadAt)
	n := uint64(binary.LittleEndian.Uint32(b[:])) + 4
	if n < entryHead || n > r.used {
		panic(&stable.LayoutError{What: "a log entry", Found: fmt.Sprintf("%d bytes", n)})
	}
	return n
}

func (r *ring) append(e *Entry) error {
	if r.mem.Size() == 0 {
		if err := r.mem.Grow(ringPages); err != nil {
			return err
		}
	}
	b := make([]byte, 4, entryHead+len(e.Method)+len(e.Text))
	b = binary.LittleEndian.AppendUint64(b, e.Time)
	b = append(append(b, byte(e.Level), byte(len(e.Method))), e.Method...)
	b = append(b, e.Text...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	for r.used+uint64(len(b)) > ringBytes {
		n := r.length(r.begin)
		r.begin, r.used, r.first = (r.begin+n)%ringBytes, r.used-n, r.first+1
	}
	r.move(b, r.begin+r.used, r.mem.WriteAt)
	r.used += uint64(len(b))
	r.next++
	r.store()
	return nil
}

// scan calls each with the entries from a number on, the oldest first, until it is false.
func (r *ring) scan(from uint64, each func(Entry) bool) {
	at := r.begin
	for n := r.first; n < r.next; n++ {
		length := r.length(at)
		if n >= from {
			b := make([]byte, length)
			r.move(b, at, r.mem.ReadAt)
			name := entryHead + int(b[13])
			if name > len(b) {
				panic(&stable.LayoutError{What: "a log entry", Found: "a long name"})
			}
			e := Entry{Number: n, Time: binary.LittleEndian.Uint64(b[4:]), Level: Level(b[12]), Method: string(b[entryHead:name]), Text: string(b[name:])}
			if !each(e) {
				return
			}
		}
		at += length
	}
}

// Log adds a line to the canister's own log in stable memory, which holds the last
// 512 KiB, over upgrades. Texts longer than 2 KiB are cut. What a message logs is
// undone with it if it traps: the system's log has why. In queries nothing is kept.
func (m *Message) Log(level Level, text string) {
	if !m.valid() || level < m.in.program.LogLevel || m.kind == kindQuery || m.kind == kindComposite || m.kind == kindInspect {
		return
	}
	m.in.log(m, level, text)
}

func (in *Instance) log(m *Message, level Level, text string) {
	r := openRing(in.manager.Region(regionLog))
	e := Entry{Time: m.time, Level: level, Method: cut(m.method, maxLogNames), Text: cut(text, maxLogText)}
	if err := r.append(&e); err != nil {
		in.sys.Print([]byte("log: " + err.Error() + ": " + text))
	}
}

// cut is the beginning of a text, no half letter at its end.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// Logs are at most so many entries of a level or above, from a number on, the oldest
// first. They are for controllers: any other caller gets [ErrNotController]. A canister
// that wants to show its log has a query that returns this:
//
//	entries, err := cdk.Logs(m, arg.From, cdk.Info, 100)
func Logs(m *Message, from uint64, least Level, most int) (out []Entry, err error) {
	if !m.valid() {
		return nil, ErrForeign
	}
	if err := OnlyControllers(m); err != nil {
		return nil, err
	}
	r := openRing(m.in.manager.Region(regionLog))
	r.scan(from, func(e Entry) bool {
		if len(out) < most && e.Level >= least {
			out = append(out, e)
		}
		return len(out) < most
	})
	return out, nil
}
