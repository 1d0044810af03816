package daemon

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/commitment"
)

func get(t *testing.T, p *provider, path string) (int, string) {
	t.Helper()
	a, err := ReadAddress(p.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(a.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestDeliver: one provider's job goes from the certified assignment to the market, once,
// and the daemon says that it is ready.
func TestDeliver(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	p := m.admit("alpha")
	seq := m.order(1, "one", "three")
	d, stop := p.start()
	waitFor(t, "the job is delivered", func() bool { return m.job(seq).State == book.Provisional })
	waitFor(t, "the result is accounted for", func() bool { return d.counts.written.Load() == 1 })
	if code, text := get(t, p, "/readyz"); code != http.StatusOK {
		t.Errorf("ready: %d %s", code, text)
	}
	waitFor(t, "the delivery is in the hub", func() bool { return d.hub.Next() > 1 })
	stop()
	if n, runs := m.calls("deliver"), p.backend.runs.Load(); n != 1 || runs != 2 {
		t.Errorf("%d deliveries after %d items, want 1 and 2", n, runs)
	}
	if _, err := os.Stat(filepath.Join(p.cfg.Dir, AddressFile)); err == nil {
		t.Error("a stopped daemon left its address behind")
	}
}

// TestRestartBetweenCommitAndReveal: the result and its salt survive, so that the reveal
// fits the commit and nothing is computed again.
func TestRestartBetweenCommitAndReveal(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	alpha, beta := m.admit("alpha"), m.admit("beta")
	seq := m.order(2, "seven")
	committed := func() bool { return len(m.job(seq).Deliveries) == 1 }
	_, stop := alpha.start()
	waitFor(t, "alpha has committed", committed)
	stop()

	m.mu.Lock()
	job, err := m.b.Job(seq)
	if err != nil {
		t.Fatal(err)
	}
	out := []book.Tensor{{DType: commitment.Float32, Shape: []uint64{dimension}, Data: []byte{5, 0, 0, 0, 0, 0, 0, 0}}}
	item, err := commitment.TensorRoot(commitment.Float32, out[0].Shape, out[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	work := commitment.Work{
		Network: m.b.Network(), Job: m.b.JobID(seq), Attempt: 1, Executor: beta.worker.Sender().Bytes(), Model: modelRoot, Input: job.InputHash,
	}
	salt := make([]byte, 32)
	m.must(m.b.Commit(m.call(raw(beta.worker.Sender())), seq, 1, commitment.Commit(work, commitment.OutputRoot([]commitment.Hash{item}), salt)))
	m.must(m.b.Reveal(m.call(raw(beta.worker.Sender())), seq, 1, out, salt))
	m.mu.Unlock()

	_, stop = alpha.start()
	waitFor(t, "the job is agreed", func() bool { return m.job(seq).State == book.Provisional })
	stop()
	if n := alpha.backend.runs.Load(); n != 1 {
		t.Errorf("alpha computed %d items, want 1: the kept result is to be revealed", n)
	}
	// A stop may come before the answer to the commit is noted: then it is sent again, and
	// the market knows it already.
	if j := m.job(seq); len(j.Deliveries) != 2 || j.Attempt != 1 || m.calls("reveal") != 1 {
		t.Errorf("%d deliveries in attempt %d after %d reveals; want 2, 1, 1", len(j.Deliveries), j.Attempt, m.calls("reveal"))
	}
}

// TestRefused: what the market will never take is dropped and not sent again.
func TestRefused(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	p := m.admit("alpha")
	m.first = func(string) *marketapi.Failure {
		return &marketapi.Failure{Code: &marketapi.FailureCode{WrongOutput: true}, Message: "as the test wished"}
	}
	m.order(1, "one")
	d, stop := p.start()
	waitFor(t, "the refusal is noticed", func() bool { return d.counts.refused.Load() == 1 })
	polls := m.calls("assignments")
	waitFor(t, "some polls have passed", func() bool { return m.calls("assignments") > polls+5 })
	stop()
	if n := m.calls("deliver"); n != 1 {
		t.Errorf("a refused result was sent %d times", n)
	}
}

// TestLater: what may be taken later is sent again, and computed once.
func TestLater(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	p := m.admit("alpha")
	busy := 2
	m.first = func(string) *marketapi.Failure {
		if busy--; busy < 0 {
			return nil
		}
		return &marketapi.Failure{Code: &marketapi.FailureCode{Busy: true}, Message: "later", Retry: true}
	}
	seq := m.order(1, "one")
	_, stop := p.start()
	waitFor(t, "the job is delivered", func() bool { return m.job(seq).State == book.Provisional })
	stop()
	if n, runs := m.calls("deliver"), p.backend.runs.Load(); n != 3 || runs != 1 {
		t.Errorf("%d deliveries of %d computed items, want 3 of 1", n, runs)
	}
}

// TestDecline: an input that nobody can compute ends its job at once, with the reason.
func TestDecline(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	p := m.admit("alpha")
	seq := m.order(1, "fine", "unreadable")
	_, stop := p.start()
	waitFor(t, "the job has failed", func() bool { return m.job(seq).State == book.Failed })
	stop()
	j := m.job(seq)
	if j.Attempt != 1 || !strings.Contains(j.Message, "alpha: item 1: item refused: unreadable") {
		t.Errorf("it failed in attempt %d with %q", j.Attempt, j.Message)
	}
	if m.cause == nil || !m.cause.Input || m.calls("deliver") != 0 {
		t.Errorf("cause %+v, %d deliveries", m.cause, m.calls("deliver"))
	}
}

// TestForgedAssignmentsAreNotComputed: work that another network's key signed is not
// touched, and the daemon is not ready.
func TestForgedAssignmentsAreNotComputed(t *testing.T) {
	t.Parallel()
	m, other := newMarket(t), newMarket(t)
	p := m.admit("alpha")
	p.cfg.RootKey = other.net.RootKey
	m.order(1, "one")
	d, stop := p.start()
	waitFor(t, "polls have failed", func() bool { return strings.Contains(d.poller.Status(), "error") })
	if code, _ := get(t, p, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz answers %d although no poll has succeeded", code)
	}
	stop()
	if n := p.backend.runs.Load(); n != 0 || m.calls("deliver") != 0 {
		t.Errorf("%d items were computed, %d delivered", n, m.calls("deliver"))
	}
}

// TestExternalNATS: two providers share a NATS server that is not theirs, and neither
// takes the other's tickets.
func TestExternalNATS(t *testing.T) {
	t.Parallel()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 9 << 20})
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(func() {
		nats.Shutdown()
		nats.WaitForShutdown()
	})
	if !nats.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server did not get ready")
	}
	m := newMarket(t)
	providers := []*provider{m.admit("alpha"), m.admit("beta")}
	var stops []func()
	for _, p := range providers {
		p.cfg.NATS = nats.ClientURL()
		_, stop := p.start()
		stops = append(stops, stop)
	}
	var jobs []uint64
	for i := range 4 {
		jobs = append(jobs, m.order(1+uint8(i%2), fmt.Sprintf("text %d", i)))
	}
	for _, seq := range jobs {
		waitFor(t, "the jobs are done", func() bool { return m.job(seq).State == book.Provisional })
	}
	for i, stop := range stops {
		stop()
		if _, err := os.Stat(filepath.Join(providers[i].cfg.Dir, "jetstream")); err == nil {
			t.Error("a journal was embedded although a server was named")
		}
	}
	if n := m.calls("commit"); n != 4 {
		t.Errorf("%d commits, want 4", n)
	}
}
