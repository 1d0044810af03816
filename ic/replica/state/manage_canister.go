package state

import (
	"context"
	"slices"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

func (m *Machine) depositLocked(_ context.Context, c *canister, call *managed) answer {
	c.Balance = c.Balance.Add(call.cycles)
	call.cycles = cycles.Amount{}
	return replyOf(emptyReply)
}

func (m *Machine) randomLocked(_ context.Context, _ *canister, call *managed) answer {
	if err := managementapi.DecodeRawRandArgs(call.arg); err != nil {
		return badPayload(call, err)
	}
	b := m.mu.entropy.next()
	return encoded(managementapi.EncodeRawRandResults(b[:]))
}

func (m *Machine) startLocked(_ context.Context, c *canister, _ *managed) answer {
	c.State = Running
	c.Version++
	m.endStopsLocked(c, func(stop) answer {
		return rejectOf(reject(CodeStopCancelled, "Canister %s has been restarted: the stop was cancelled", c.ID))
	})
	return replyOf(emptyReply)
}

func (m *Machine) stopLocked(_ context.Context, c *canister, call *managed) answer {
	c.Version++
	if c.State == Stopped {
		return replyOf(emptyReply)
	}
	c.State = Stopping
	call.later = true
	c.Stops = append(c.Stops, stop{Origin: call.origin, Refund: call.cycles, Deadline: m.mu.Time + uint64(m.config.StopTimeout)})
	m.checkStoppedLocked(c)
	return answer{}
}

// deleteLocked removes a stopped canister with all it holds.
func (m *Machine) deleteLocked(ctx context.Context, c *canister, call *managed) answer {
	switch {
	case call.caller == c.ID:
		return rejectOf(reject(CodeNotController, "Canister %s cannot delete itself", c.ID))
	case c.State != Stopped:
		return rejectOf(reject(CodeNotStopped, "Canister %s must be stopped before it is deleted", c.ID))
	case len(c.Callbacks) > 0:
		return rejectOf(reject(CodeQueueNotEmpty, "Canister %s has messages in its queues and cannot be deleted now. Please retry after some time", c.ID))
	}
	m.unloadLocked(ctx, c)
	m.loseLocked(c.Balance.Add(c.Reserved))
	m.forgetLocked(c)
	m.mu.deleted[c.ID] = true
	return replyOf(emptyReply)
}

// forgetLocked takes a canister without open calls out of the network.
func (m *Machine) forgetLocked(c *canister) {
	delete(m.mu.canisters, c.ID)
	at, _ := slices.BinarySearchFunc(m.mu.order, c.ID, principal.Principal.Compare)
	m.mu.order = slices.Delete(m.mu.order, at, at+1)
}

// logsLocked answers with what a canister printed.
func (m *Machine) logsLocked(_ context.Context, c *canister, _ *managed) answer {
	records := make([]managementapi.LogRecord, 0, len(c.Log))
	for _, r := range c.Log {
		records = append(records, managementapi.LogRecord{Idx: r.Index, TimestampNanos: r.Time, Content: r.Content})
	}
	return encoded(managementapi.EncodeFetchCanisterLogsResults(managementapi.FetchCanisterLogsResult{CanisterLogRecords: records}))
}

func noLogs(_, caller principal.Principal) *Reject {
	return reject(CodeRefused, "Caller %s is not allowed to access canister logs", caller)
}

// listCanistersLocked answers with all ids, as ranges without gaps.
func (m *Machine) listCanistersLocked(_ context.Context, _ *canister, call *managed) answer {
	if !m.isAdmin(call.caller) {
		return rejectOf(reject(CodeRefused, "Only subnet admins can call ic00 method %s", call.method))
	}
	ranges := []managementapi.IdRange{}
	last := uint64(0)
	for _, id := range m.mu.order {
		index, _ := id.CanisterIndex()
		if n := len(ranges); n > 0 && index == last+1 {
			ranges[n-1].End = id
		} else {
			ranges = append(ranges, managementapi.IdRange{Start: id, End: id})
		}
		last = index
	}
	return encoded(managementapi.EncodeListCanistersResults(managementapi.ListCanistersResult{Canisters: ranges}))
}

func (m *Machine) noBitcoinLocked(_ context.Context, _ *canister, call *managed) answer {
	return rejectOf(reject(CodeRefused, "%s: the management canister's Bitcoin interface is deprecated and this network has none; call a Bitcoin canister", call.method))
}
