package door

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"assay/ic/certificate/hashtree"
	"assay/ic/replica"
)

// TestAnswersTogether: answers that wait while another is signed share a signature, and
// each certificate shows its own and says nothing of the others.
func TestAnswersTogether(t *testing.T) {
	t.Parallel()
	n := start(t)
	a := &n.door.answers
	a.mu.Lock()
	a.mu.busy = true // as if somebody signed
	a.mu.Unlock()
	const count = maxTogether + 6
	id := func(i int) replica.RequestID { return sha256.Sum256([]byte{byte(i)}) }
	certificates := make([][]byte, count+1)
	var running sync.WaitGroup
	for i := range certificates {
		running.Go(func() {
			status := replica.Status{Phase: replica.Replied, Reply: fmt.Append(nil, "reply ", i%count)}
			var err error
			if certificates[i], err = a.certify(id(i%count), status, i%2 == 0); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting <= count; {
		a.mu.Lock()
		waiting = len(a.mu.waiting)
		a.mu.Unlock()
	}
	a.mu.Lock()
	first := a.mu.waiting[0]
	a.mu.Unlock()
	first.turn <- true
	running.Wait()
	signatures := map[string]int{}
	for i, raw := range certificates {
		c := n.certified(raw)
		signatures[string(c.Signature)]++
		own, other := id(i%count), id((i+1)%count)
		if v, _ := c.Tree.Lookup([]byte("request_status"), own[:], []byte("reply")); string(v) != fmt.Sprint("reply ", i%count) {
			t.Errorf("certificate %d has the reply %q", i, v)
		}
		if _, result := c.Tree.Lookup([]byte("request_status"), other[:], []byte("reply")); result != hashtree.Unknown {
			t.Errorf("certificate %d: another request is %s", i, result)
		}
	}
	if len(signatures) != 2 {
		t.Errorf("%d answers have %d signatures, want 2", len(certificates), len(signatures))
	}
	if a.mu.busy || len(a.mu.waiting) > 0 {
		t.Error("somebody still waits")
	}
}
