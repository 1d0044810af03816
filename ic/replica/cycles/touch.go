package cycles

// Touch is what a message pays in instructions for each 4 KiB page of memory that it
// touches first.
type Touch struct{ Read, Dirty uint64 }

// Schedules of page touches. The published source charges for changed pages alone; users
// report charges for pages that are only read, too.
var (
	TouchDirty = Touch{Dirty: 1000}
	TouchBoth  = Touch{Read: 5000, Dirty: 5000}
)

// TouchByName finds a schedule by the name that users give, "dirty" or "both".
func TouchByName(name string) (Touch, bool) {
	t, ok := map[string]Touch{"dirty": TouchDirty, "both": TouchBoth}[name]
	return t, ok
}
