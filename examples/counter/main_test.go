package main

import (
	"context"
	"math"
	"strings"
	"testing"

	"assay/examples/counter/counterapi"
	"assay/ic/canistertest"
)

var source = canistertest.Source{Program: program}

func TestCounter(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		c := n.Install(source, nil)
		counter := counterapi.NewClient[context.Context](c.As(canistertest.Caller("anyone")))
		check := func(got uint64, err error, want uint64) {
			t.Helper()
			if err != nil || got != want {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
		got, err := counter.Get(t.Context())
		check(got, err, 0)
		got, err = counter.Increment(t.Context())
		check(got, err, 1)
		got, err = counter.Add(t.Context(), 41)
		check(got, err, 42)
		if err := c.Upgrade(source, nil); err != nil {
			t.Fatal(err)
		}
		if _, err = counter.Add(t.Context(), math.MaxUint64); err == nil || !strings.Contains(err.Error(), "overflow") {
			t.Errorf("overflow: %v", err)
		}
		got, err = counter.Get(t.Context())
		check(got, err, 42)
	})
}
