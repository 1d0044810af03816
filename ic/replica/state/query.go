package state

import (
	"context"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// Limits of composite queries.
const (
	maxQueryDepth = 6          // how deep their calls nest
	queryOverhead = 50_000_000 // instructions that each call takes from the budget
)

// Query runs a query and undoes whatever it did.
func (m *Machine) Query(ctx context.Context, q Query) ([]byte, *Reject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClockLocked()
	if m.mu.ended {
		return nil, reject(CodeEnded, "%v", ErrEnded)
	}
	if q.Canister == principal.Management {
		a := m.queryManagementLocked(ctx, q.Sender, q.Method, q.Arg)
		return a.Reply, a.Reject
	}
	run := &queryRun{m: m, left: QueryLimit, active: map[principal.Principal]int{}}
	a := run.query(ctx, query{id: q.Canister, caller: q.Sender, info: q.Info, method: q.Method, arg: q.Arg})
	return a.Reply, a.Reject
}

// transformLocked runs a query on the answer of an outcall.
func (m *Machine) transformLocked(ctx context.Context, id principal.Principal, method string, arg []byte) answer {
	run := &queryRun{m: m, left: QueryLimit, active: map[principal.Principal]int{}}
	return run.query(ctx, query{id: id, caller: principal.Management, method: method, arg: arg, transform: true})
}

// queryRun is one query from outside with all that it calls.
type queryRun struct {
	m      *Machine
	left   uint64 // instructions
	depth  int
	active map[principal.Principal]int // canisters that wait for an answer
}

// query is one method to run.
type query struct {
	id, caller principal.Principal
	info       host.CallerInfo
	method     string
	arg        []byte
	transform  bool
}

// query runs one method; nested calls come through here too.
func (q *queryRun) query(ctx context.Context, what query) answer {
	c, rej := q.m.readyLocked(what.id)
	if rej != nil {
		return rejectOf(rej)
	}
	where, entry, rej := queryMethod(c, what)
	switch {
	case rej != nil:
		return rejectOf(rej)
	case c.Balance.Less(q.m.frozenLocked(c)):
		return rejectOf(outOfCycles(c))
	case q.left == 0:
		return rejectOf(outOfBudget())
	}
	at, leave := q.enter(ctx, c)
	defer leave()
	in := q.m.inputLocked(c, what.caller, q.left)
	in.Arg, in.Info, in.Grow, in.StableLimit = what.arg, what.info, nil, queryStableLimit
	if q.depth == 1 {
		in.Certificate = q.m.certificateLocked(c)
	}
	var a answer
	r := q.m.readLocked(ctx, c, "query", what.method, in, at, func(x *host.Execution, at place) *host.Trap {
		call := &queryCall{q: q, c: c, at: at, x: x, first: *in}
		first := queryStep{in: in, run: func(x *host.Execution) *host.Trap { return x.Run(ctx, at.instance, at.stable, where, entry) }}
		var trap *host.Trap
		a, trap = call.run(ctx, first)
		return trap
	})
	if r.trap != nil {
		a = rejectOf(trapReject(c, r.trap))
	}
	if !what.transform {
		q.m.countLocked(c.ID, r.x.Used, len(what.arg), a)
	}
	return a
}

// enter goes one deeper. A canister that waits for an answer already runs on a view of
// what is committed until it is left.
func (q *queryRun) enter(ctx context.Context, c *canister) (at place, leave func()) {
	at, second := q.m.idleLocked(c), false
	q.depth++
	if q.active[c.ID]++; q.active[c.ID] > 1 {
		at, second = place{c.instance.View(), c.stable.View()}, true
	}
	return at, func() {
		q.depth--
		q.active[c.ID]--
		if second {
			q.m.closeInstance(ctx, at.instance)
		}
	}
}

func outOfBudget() *Reject {
	return reject(CodeQueryInstr, "Composite query calls exceeded the instruction limit.")
}

func queryMethod(c *canister, what query) (host.Context, string, *Reject) {
	switch kind := c.module.Method(what.method); {
	case kind == host.QueryMethod && what.transform:
		return host.Transform, "canister_query " + what.method, nil
	case kind == host.QueryMethod:
		return host.PlainQuery, "canister_query " + what.method, nil
	case kind == host.CompositeMethod && what.transform:
		return 0, "", reject(CodeComposite, "Composite query cannot be used as transform in canister http outcalls.")
	case kind == host.CompositeMethod:
		return host.CompositeQuery, "canister_composite_query " + what.method, nil
	}
	return 0, "", reject(CodeMethodNotFound, "Error from Canister %s: Canister has no query method '%s'.", c.ID, what.method)
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
