package cycles

import "fmt"

// Touch is what a message pays in instructions for each 4 KiB page of memory that it
// touches first.
type Touch struct{ Read, Dirty uint64 }

// Schedules of page touches. The published source charges for changed pages alone; users
// report charges for pages that are only read, too.
var (
	TouchDirty = Touch{Dirty: 1000}
	TouchBoth  = Touch{Read: 5000, Dirty: 5000}
)

// String is the schedule's name, or its prices.
func (t Touch) String() string {
	for name, known := range touches {
		if known == t {
			return name
		}
	}
	return fmt.Sprintf("%d for a page that is read, %d for one that is changed", t.Read, t.Dirty)
}

var touches = map[string]Touch{"dirty": TouchDirty, "read-write": TouchBoth}

// TouchByName finds a schedule by the name that users give, "dirty" or "read-write".
func TouchByName(name string) (Touch, bool) {
	t, ok := touches[name]
	return t, ok
}
