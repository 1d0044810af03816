package state

import (
	"context"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// maxQueryDepth is how deep composite queries nest.
const maxQueryDepth = 6

// Query runs a query and undoes whatever it did.
func (m *Machine) Query(ctx context.Context, q Query) ([]byte, *Reject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClockLocked()
	if m.mu.ended {
		return nil, reject(CodeEnded, "%v", ErrEnded)
	}
	if q.Canister == principal.Management {
		return m.queryManagementLocked(q)
	}
	run := &queryRun{m: m, left: QueryLimit, active: map[principal.Principal]bool{}}
	a := run.query(ctx, q.Canister, q.Sender, q.Method, q.Arg)
	return a.Reply, a.Reject
}

// queryRun is one query from outside with all that it calls.
type queryRun struct {
	m      *Machine
	left   uint64 // instructions
	active map[principal.Principal]bool
}

// query runs one method; nested calls come through here too.
func (q *queryRun) query(ctx context.Context, id, caller principal.Principal, method string, arg []byte) answer {
	c, rej := q.m.readyLocked(id)
	if rej != nil {
		return rejectOf(rej)
	}
	where, entry, rej := queryMethod(c, method)
	switch {
	case rej != nil:
		return rejectOf(rej)
	case c.Balance.Less(q.m.frozenLocked(c)):
		return rejectOf(outOfCycles(c))
	case q.active[id]:
		return rejectOf(reject(CodeQueryLoop, "Canister %s is called in a loop of queries", id))
	case len(q.active) > maxQueryDepth:
		return rejectOf(reject(CodeQueryDepth, "queries nest deeper than %d", maxQueryDepth))
	}
	in := q.m.inputLocked(c, caller, q.left)
	in.Arg = arg
	if len(q.active) == 0 {
		in.Certificate = q.m.certificateLocked(c)
	}
	q.active[id] = true
	defer delete(q.active, id)
	var a answer
	r := q.m.runLocked(ctx, c, "query", method, in, func(x *host.Execution) *host.Trap {
		trap := x.Run(ctx, c.instance, c.stable, where, entry)
		q.spend(x)
		if trap == nil {
			a, trap = q.finish(ctx, c, in, x)
		}
		return trap
	}, undo)
	if r.trap != nil {
		return rejectOf(trapReject(c, r.trap))
	}
	return a
}

func queryMethod(c *canister, method string) (host.Context, string, *Reject) {
	switch c.module.Method(method) {
	case host.QueryMethod:
		return host.PlainQuery, "canister_query " + method, nil
	case host.CompositeMethod:
		return host.CompositeQuery, "canister_composite_query " + method, nil
	}
	return 0, "", reject(CodeMethodNotFound, "Canister %s has no query method '%s'", c.ID, method)
}

func (q *queryRun) spend(x *host.Execution) { q.left -= min(q.left, x.Used) }

// finish makes the calls of a composite query, one after the other, until none is
// left, and returns the answer. A callback that traps fails the whole query.
func (q *queryRun) finish(ctx context.Context, c *canister, first *host.Input, x *host.Execution) (answer, *host.Trap) {
	result := x.Answer
	calls := x.Calls
	for len(calls) > 0 {
		call := calls[0]
		got := q.query(ctx, call.Callee, c.ID, call.Method, call.Arg)
		in := *first
		in.Arg, in.Certificate, in.Answered, in.Instructions = got.Reply, nil, result != nil, q.left
		where, cb := host.CompositeReply, call.OnReply
		if got.Reject != nil {
			in.RejectCode, in.RejectMessage = got.Reject.Code, got.Reject.Message
			where, cb = host.CompositeReject, call.OnReject
		}
		next := host.NewExecution(&in)
		trap := next.RunCallback(ctx, c.instance, c.stable, where, cb)
		q.spend(next)
		x.Used += next.Used
		if trap != nil {
			return answer{}, trap
		}
		if next.Answer != nil {
			result = next.Answer
		}
		calls = append(calls[1:], next.Calls...)
	}
	if result == nil {
		return rejectOf(reject(CodeNoReply, "Error from Canister %s: Canister did not reply to the call", c.ID)), nil
	}
	return answerOf(c, *result), nil
}

// certificateLocked gives the canister its data certificate, made when it is asked for.
func (m *Machine) certificateLocked(c *canister) func() []byte {
	if m.config.Certificate == nil {
		return nil
	}
	var made []byte
	return func() []byte {
		if made == nil {
			certificate, err := m.config.Certificate(c.ID, c.Certified, m.mu.Time)
			if err != nil {
				m.config.Logger.Error("certify data", "canister", c.ID.String(), "error", err)
				return nil
			}
			made = certificate
		}
		return made
	}
}
