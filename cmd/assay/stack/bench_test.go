package stack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"assay/client"
	"assay/ic/candid"
)

// TestMain lets the test binary be its own provider: a stack starts its children by
// running its own program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "provider" {
		os.Exit(provider(os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

func provider(file string) int {
	f, err := ReadProviderFile(file)
	if err == nil {
		err = RunProvider(context.Background(), f, "", nil, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// BenchmarkJobs measures jobs per second from submit to provisional on a whole stack, and
// what an update and a query of the market take over HTTP with all checks.
//
// end-to-end is the latency of one job at a time, of which most is the provider's poll
// interval; fifty-in-flight is what the stack sustains.
func BenchmarkJobs(b *testing.B) {
	s := benchStack(b)
	user, err := s.Client("user")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("end-to-end", func(b *testing.B) {
		for b.Loop() {
			submitted, err := user.Submit(b.Context(), client.Request{Model: s.Model.Root, Items: client.Texts("what does a job cost?")})
			if err != nil {
				b.Fatal(err)
			}
			waitProvisional(b, user, submitted.Job.Seq)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	})
	b.Run("fifty-in-flight", func(b *testing.B) {
		for b.Loop() {
			var jobs []uint64
			for range 50 {
				submitted, err := user.Submit(b.Context(), client.Request{Model: s.Model.Root, Items: client.Texts("what does a job cost?"), MaxPrice: candid.NewNat(10_000_000_000)})
				if err != nil {
					b.Fatal(err)
				}
				jobs = append(jobs, submitted.Job.Seq)
			}
			for _, seq := range jobs {
				waitProvisional(b, user, seq)
			}
		}
		b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	})
	b.Run("query", func(b *testing.B) {
		for b.Loop() {
			if _, err := user.API().Parameters(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/query")
	})
	b.Run("update", func(b *testing.B) {
		for b.Loop() { // refused, so that only the call itself is measured
			if _, err := user.API().RemoveProvider(b.Context(), s.State.Canisters["dao"]); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/update")
	})
}

func waitProvisional(b *testing.B, c *client.Client, seq uint64) {
	b.Helper()
	for {
		job, err := c.Job(b.Context(), seq)
		if err != nil {
			b.Fatal(err)
		}
		if job.State != nil && (job.State.Provisional || job.State.Final) {
			return
		}
		select {
		case <-b.Context().Done():
			b.Fatal("interrupted")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// benchStack is a deployed stack with one provider and a user who can pay.
func benchStack(b *testing.B) *Stack {
	b.Helper()
	source, err := FindSource()
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), Config{Dir: b.TempDir(), Source: source, Model: ModelTiny, Say: func(string) {}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	p, err := s.NewProvider("alpha")
	if err != nil {
		b.Fatal(err)
	}
	parameters := DefaultParameters()
	parameters.Window = uint64(time.Second)
	if err := s.Admit(b.Context(), []ProviderState{p}, parameters, func(string) {}); err != nil {
		b.Fatal(err)
	}
	if err := s.StartProvider(b.Context(), p, 0); err != nil {
		b.Fatal(err)
	}
	if err := s.Sponsor(b.Context(), "user", candid.NewNat(50_000_000_000_000)); err != nil {
		b.Fatal(err)
	}
	return s
}
