package host

import (
	"context"
	"sync"
)

// maxIdleBytes is how much idle live code may take besides a usual amount each.
const maxIdleBytes = 256 << 20

// maxLive is how many instances keep their live code while they are idle.
const maxLive = 128

// idleMark is an instance's place among those that rest, the longest first.
type idleMark struct{ prev, next *Instance }

// idleList holds the instances that are live and rest.
type idleList struct {
	sync.Mutex
	oldest, newest *Instance
	n              int
	bytes          uint64 // of what live code takes besides a usual amount
}

func (l *idleList) removeLocked(i *Instance) {
	if i.idle.prev == nil && i.idle.next == nil && l.oldest != i {
		return
	}
	if i.idle.prev != nil {
		i.idle.prev.idle.next = i.idle.next
	} else {
		l.oldest = i.idle.next
	}
	if i.idle.next != nil {
		i.idle.next.idle.prev = i.idle.prev
	} else {
		l.newest = i.idle.prev
	}
	i.idle = idleMark{}
	l.n--
	l.bytes -= i.run.weight
}

func (l *idleList) addLocked(i *Instance) {
	i.idle.prev = l.newest
	if l.newest != nil {
		l.newest.idle.next = i
	} else {
		l.oldest = i
	}
	l.newest = i
	l.n++
	l.bytes += i.run.weight
}

// claim takes an instance from those that may be ended.
func (e *Engine) claim(i *Instance) {
	e.idle.Lock()
	defer e.idle.Unlock()
	e.idle.removeLocked(i)
}

// release puts an instance among those that may be ended, and ends the oldest where
// there are too many.
func (e *Engine) release(ctx context.Context, i *Instance) {
	e.idle.Lock()
	defer e.idle.Unlock()
	e.idle.removeLocked(i)
	e.idle.addLocked(i)
	for e.idle.n > e.maxLive || e.idle.bytes > maxIdleBytes {
		old := e.idle.oldest
		e.idle.removeLocked(old)
		_ = old.stop(ctx) // frees memory; there is nobody to tell
		if heap := old.committed.heap; heap != nil {
			heap.rest()
		}
	}
}

// Live is how many instances idle with live code.
func (e *Engine) Live() int {
	e.idle.Lock()
	defer e.idle.Unlock()
	return e.idle.n
}
