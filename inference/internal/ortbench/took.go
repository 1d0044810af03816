package main

import (
	"slices"
	"time"
)

// took is how long a run lasted by the clock, and how long processors worked for it. The second hardly moves when
// other programs want the machine too.
type took struct{ clock, processor time.Duration }

// timed runs f; work of the garbage collector counts as ours.
func timed(f func() error) (took, error) {
	before, start := worked(), time.Now()
	if err := f(); err != nil {
		return took{}, err
	}
	clock := time.Since(start)
	return took{clock, worked() - before}, nil
}

func medians(list []took) took {
	middle := func(of func(took) time.Duration) time.Duration {
		times := make([]time.Duration, len(list))
		for i, t := range list {
			times[i] = of(t)
		}
		slices.Sort(times)
		return times[len(times)/2]
	}
	return took{
		middle(func(t took) time.Duration { return t.clock }),
		middle(func(t took) time.Duration { return t.processor }),
	}
}
