package host

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pageTables tells which pages of a private mapping are no longer the file's.
type pageTables struct {
	fd   int
	scan bool // the kernel has the scanning call (Linux 6.7)

	buffers sync.Pool // of *[]byte, for reading entries
}

func openPageTables() (*pageTables, error) {
	fd, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the page tables: %w", err)
	}
	p := &pageTables{fd: fd, scan: true}
	p.buffers.New = func() any { return new(make([]byte, 16<<10)) }
	one, err := unix.Mmap(-1, 0, OSPage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("map a page: %w", err)
	}
	defer func() { _ = unix.Munmap(one) }()
	one[0] = 1
	spans, err := p.scanned(nil, one)
	p.scan = err == nil && len(spans) == 1
	return p, nil
}

func (p *pageTables) close() { _ = unix.Close(p.fd) } // was only read

// private appends the runs of pages in mem that are this process's own. mem begins at a
// page. A page too many does no harm, one too few would lose a write.
func (p *pageTables) private(spans []span, mem []byte) ([]span, error) {
	if len(mem) == 0 {
		return spans, nil
	}
	if p.scan {
		if found, err := p.scanned(spans, mem); err == nil {
			return found, nil
		}
	}
	return p.read(spans, mem)
}

// The scanning call and its argument, as in linux/fs.h.
const (
	pagemapScan     = 0xc0606610
	categoryFile    = 1 << 2
	categoryPresent = 1 << 3
	categorySwapped = 1 << 4
)

type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
	inverted, mask, anyOf, returned                         uint64
}

type scanRegion struct {
	start, end uint64
	_          uint64 // categories
}

var regionBuffers = sync.Pool{New: func() any { return new([256]scanRegion) }}

func (p *pageTables) scanned(spans []span, mem []byte) ([]span, error) {
	regions := regionBuffers.Get().(*[256]scanRegion)
	defer regionBuffers.Put(regions)
	base := uint64(uintptr(unsafe.Pointer(&mem[0]))) &^ (OSPage - 1)
	arg := scanArg{
		size: uint64(unsafe.Sizeof(scanArg{})), start: base, end: base + uint64(len(mem)),
		vec: uint64(uintptr(unsafe.Pointer(regions))), vecLen: uint64(len(regions)),
		inverted: categoryFile, mask: categoryFile, anyOf: categoryPresent | categorySwapped, returned: categoryPresent,
	}
	for arg.start < arg.end {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), pagemapScan, uintptr(unsafe.Pointer(&arg)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return spans, fmt.Errorf("scan page tables: %w", errno)
		}
		for _, r := range regions[:n] {
			spans = append(spans, span{(r.start - base) / OSPage, (r.end - base) / OSPage})
		}
		if arg.walkEnd <= arg.start && n == 0 {
			return spans, fmt.Errorf("scan page tables: stands still at %#x", arg.start)
		}
		arg.start = arg.walkEnd
	}
	runtime.KeepAlive(regions)
	return spans, nil
}

// read looks at each page's entry, for older kernels.
func (p *pageTables) read(spans []span, mem []byte) ([]span, error) {
	buf := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buf)
	first := uint64(uintptr(unsafe.Pointer(&mem[0]))) / OSPage
	pages := uint64(len(mem)) / OSPage
	for done := uint64(0); done < pages; {
		entries := (*buf)[:min(uint64(len(*buf)), (pages-done)*8)]
		n, err := unix.Pread(p.fd, entries, int64((first+done)*8))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < 8 {
			return spans, fmt.Errorf("read page tables: %d bytes, %w", n, err)
		}
		for at := 0; at+8 <= n; at += 8 {
			if !ownEntry(binary.NativeEndian.Uint64(entries[at:])) {
				done++
				continue
			}
			if last := len(spans) - 1; last >= 0 && spans[last].to == done {
				spans[last].to++
			} else {
				spans = append(spans, span{done, done + 1})
			}
			done++
		}
	}
	return spans, nil
}

// ownEntry says of a page's entry that the page is there, or swapped out, and not the
// file's.
func ownEntry(entry uint64) bool { return entry>>62 != 0 && entry>>61&1 == 0 }
