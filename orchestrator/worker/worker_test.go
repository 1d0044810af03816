package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLanes(t *testing.T) {
	p := New(1)
	release := make(chan struct{})
	lanes, freed := p.Lanes()
	p.Start(t.Context(), lanes[0].Name, Job{ID: "7.1.deliver", Model: "m", Extend: func() error { return nil }, Do: func(context.Context) { <-release }})
	if lanes, _ := p.Lanes(); lanes[0].Free || lanes[0].Model != "m" {
		t.Errorf("a running lane shows as %+v", lanes[0])
	}
	if got := p.Running()["lane 1"]; got != "7.1.deliver" {
		t.Errorf("lane 1 runs %q", got)
	}
	close(release)
	<-freed
	p.Wait()
	if lanes, _ := p.Lanes(); !lanes[0].Free || lanes[0].Model != "m" {
		t.Errorf("after the job: %+v; want free with the model loaded", lanes[0])
	}
}

func TestLeaseIsExtendedWhileAJobRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1)
		var extended atomic.Int32
		p.Start(t.Context(), "lane 1", Job{Extend: func() error { extended.Add(1); return nil }, Do: func(context.Context) {
			<-time.After(3*extendEvery + time.Second)
		}})
		p.Wait()
		if n := extended.Load(); n != 3 {
			t.Errorf("the lease was extended %d times, want 3", n)
		}
	})
}
