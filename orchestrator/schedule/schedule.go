// Package schedule decides which waiting tickets run next and on which lane. It is a pure
// function of the time, the lanes and the tickets: the daemon asks it whenever a lane gets
// free, a simulator may ask it a million times. It leaves leases to worker.
package schedule

import (
	"cmp"
	"slices"
)

// Ticket is what the decision needs to know of one piece of work.
type Ticket struct {
	ID       string
	Model    string // which model it needs loaded
	Deadline uint64 // ns since 1970; after it the work is worth nothing
	Cheap    bool   // needs no inference, such as a reveal of a result that is kept
}

// Lane is a place where one ticket at a time can run.
type Lane struct {
	Name  string
	Model string // what is loaded, empty when nothing
	Free  bool
}

// Placement puts a ticket on a lane.
type Placement struct{ Ticket, Lane string }

// Decision is what to do now: start Place, drop Expired.
type Decision struct {
	Place   []Placement
	Expired []string
}

// Next fills the free lanes. Cheap tickets go first, since a missed reveal loses work that
// is done; then the earliest deadline, then the id, so that equal inputs give equal
// decisions. A lane that has the ticket's model loaded is preferred.
func Next(now uint64, lanes []Lane, waiting []Ticket) Decision {
	var d Decision
	queue := slices.Clone(waiting)
	slices.SortStableFunc(queue, func(a, b Ticket) int {
		if a.Cheap != b.Cheap {
			if a.Cheap {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Deadline, b.Deadline), cmp.Compare(a.ID, b.ID))
	})
	free := slices.DeleteFunc(slices.Clone(lanes), func(l Lane) bool { return !l.Free })
	for _, t := range queue {
		if t.Deadline <= now {
			d.Expired = append(d.Expired, t.ID)
			continue
		}
		if len(free) == 0 {
			continue
		}
		i := max(0, slices.IndexFunc(free, func(l Lane) bool { return l.Model == t.Model }))
		d.Place = append(d.Place, Placement{t.ID, free[i].Name})
		free = slices.Delete(free, i, i+1)
	}
	return d
}
