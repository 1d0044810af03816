package state

import (
	"context"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// queryCall is one query method with its calls and their callbacks.
type queryCall struct {
	q     *queryRun
	c     *canister
	at    place
	x     *host.Execution // of the method; adds up what the callbacks use and print
	first host.Input
	steps []queryStep // that ran, to be run again where a later one is undone
}

// queryStep is the method or a callback. Run again on the same state it does the same.
type queryStep struct {
	in  *host.Input
	run func(*host.Execution) *host.Trap
}

// run runs the method and then its calls, one after the other, until there is an answer
// or no call is left.
func (k *queryCall) run(ctx context.Context, first queryStep) (answer, *host.Trap) {
	trap := first.run(k.x)
	k.q.spend(k.x.Used)
	if trap != nil {
		return answer{}, trap
	}
	k.steps = append(k.steps, first)
	result, calls := k.x.Answer, k.x.Calls
	var failed *host.Trap
	for result == nil && len(calls) > 0 {
		next, trap, undone := k.follow(ctx, calls[0])
		switch {
		case trap != nil && undone:
			failed, calls = trap, calls[1:]
			continue
		case trap != nil:
			return answer{}, trap
		case next == nil:
			return rejectOf(outOfBudget()), nil
		}
		result, calls = next.Answer, append(next.Calls, calls[1:]...)
	}
	switch {
	case result != nil:
		return answerOf(k.c, *result), nil
	case failed != nil:
		return answer{}, failed
	}
	return rejectOf(noReply(k.c)), nil
}

func (q *queryRun) spend(n uint64) { q.left -= min(q.left, n) }

// follow makes one call and runs its callback. Nothing comes back where the budget is
// spent. Where the callback traps it is undone if there is a cleanup that ends well.
func (k *queryCall) follow(ctx context.Context, call host.Call) (next *host.Execution, trap *host.Trap, undone bool) {
	if k.q.depth > maxQueryDepth {
		return nil, &host.Trap{Code: CodeQueryDepth, Message: "Composite query calls exceeded the maximum call depth."}, false
	}
	k.q.spend(queryOverhead)
	got := k.ask(ctx, call)
	if k.q.left == 0 {
		return nil, nil, false
	}
	where, cb := host.CompositeReply, call.OnReply
	if got.Reject != nil {
		where, cb = host.CompositeReject, call.OnReject
	}
	step := k.step(ctx, got, where, cb)
	next, trap = k.take(step)
	if trap == nil {
		k.steps = append(k.steps, step)
		return next, nil, false
	}
	return next, trap, call.HasCleanup && k.cleanup(ctx, got, call.OnCleanup)
}

// ask runs the callee.
func (k *queryCall) ask(ctx context.Context, call host.Call) answer {
	if call.Callee == principal.Management {
		return k.q.m.queryManagementLocked(ctx, k.c.ID, call.Method, call.Arg)
	}
	return k.q.query(ctx, query{id: call.Callee, caller: k.c.ID, method: call.Method, arg: call.Arg})
}

func (k *queryCall) step(ctx context.Context, got answer, where host.Context, cb host.Callback) queryStep {
	in := k.first
	in.Arg, in.Certificate, in.Instructions, in.SpentBefore = got.Reply, nil, k.q.left, k.x.Used
	if got.Reject != nil {
		in.RejectCode, in.RejectMessage = got.Reject.Code, got.Reject.Message
	}
	return queryStep{&in, func(x *host.Execution) *host.Trap { return x.RunCallback(ctx, k.at.instance, k.at.stable, where, cb) }}
}

// take runs a step and adds up what it uses.
func (k *queryCall) take(s queryStep) (*host.Execution, *host.Trap) {
	x := host.NewExecution(s.in)
	trap := s.run(x)
	k.q.spend(x.Used)
	k.x.Used += x.Used
	k.x.Log = append(k.x.Log, x.Log...)
	return x, trap
}

// cleanup undoes a callback that trapped, by running all before it again, and runs its
// cleanup.
func (k *queryCall) cleanup(ctx context.Context, got answer, cb host.Callback) bool {
	k.undo(ctx)
	s := k.step(ctx, got, host.CompositeCleanup, cb)
	if _, trap := k.take(s); trap != nil {
		return false
	}
	k.steps = append(k.steps, s)
	return true
}

// undo returns to the state after the steps.
func (k *queryCall) undo(ctx context.Context) {
	k.q.m.rollbackLocked(ctx, k.c, k.at)
	for _, s := range k.steps {
		_ = s.run(host.NewExecution(s.in)) // did not trap the first time, so it does not now
	}
}
