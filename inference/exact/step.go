package exact

import "iter"

// Execution is a run in pieces: it goes on until its pause function says stop, and keeps its state.
type Execution struct {
	next func() (struct{}, bool)
	stop func()
	out  map[string]Tensor
	err  error
}

// Start prepares a run in pieces on one thread. pause is asked between pieces of bounded work (about 2^20 multiply-adds
// or less): true ends the present [Execution.Resume]. So a canister may spend a number of instructions and go on
// in its next message.
func (p *Program) Start(inputs map[string]Tensor, pause func() bool) (*Execution, error) {
	bound, err := p.bind(inputs)
	if err != nil {
		return nil, err
	}
	e := &Execution{}
	e.next, e.stop = iter.Pull(func(yield func(struct{}) bool) {
		c := newCall(p, nil)
		c.parallel = func(n int, f func(i int)) {
			for i := range n {
				f(i)
				if !c.abandoned && pause() {
					c.abandoned = !yield(struct{}{})
				}
			}
		}
		e.out, e.err = p.run(c, bound)
	})
	return e, nil
}

// Resume goes on until the next pause, or to the end: done is true then, and the outputs or the error are there.
func (e *Execution) Resume() (done bool) {
	_, more := e.next()
	return !more
}

// Result gives the outputs by name, or the error, after Resume said that it is done.
func (e *Execution) Result() (map[string]Tensor, error) { return e.out, e.err }

// Stop gives the execution up.
func (e *Execution) Stop() { e.stop() }
