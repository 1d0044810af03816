package state

import (
	"context"
	"slices"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

const (
	maxControllers     = 10
	maxViewers         = 10
	provisionalDefault = 100_000_000_000_000 // cycles
)

func badPayload(call *managed, err error) answer {
	return rejectOf(reject(CodeBadPayload, "%s: %v", call.method, err))
}

// encoded is a reply, or what went wrong with encoding it.
func encoded(b []byte, err error) answer {
	if err != nil {
		return rejectOf(&Reject{Code: SysFatal, ErrorCode: "IC0101", Message: err.Error()})
	}
	return replyOf(b)
}

func (m *Machine) createLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeCreateCanisterArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	fee := m.config.Prices.Creation()
	if call.cycles.Less(fee) {
		return rejectOf(reject(CodeTooFewToCreate, "Creating a canister requires a fee of %v that is deducted from the attached cycles; only %v cycles were received", fee, call.cycles))
	}
	set, who, rej := readSettings(arg.Settings, settingsOfNew(), []principal.Principal{call.caller})
	if rej != nil {
		return rejectOf(rej)
	}
	c := m.newCanisterLocked(m.freeIDLocked(), who)
	c.Settings = set
	c.Balance = call.cycles
	call.cycles = cycles.Amount{}
	m.spendLocked(c, fee)
	return encoded(managementapi.EncodeCreateCanisterResults(managementapi.Created{CanisterId: c.ID}))
}

// freeIDLocked is the next id in order that nobody has.
func (m *Machine) freeIDLocked() principal.Principal {
	for {
		id := principal.Canister(m.mu.counters.Canister)
		m.mu.counters.Canister++
		if m.mu.canisters[id] == nil {
			return id
		}
	}
}

func (m *Machine) provisionalCreateLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeProvisionalCreateCanisterWithCyclesArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	set, who, rej := readSettings(arg.Settings, settingsOfNew(), []principal.Principal{call.caller})
	if rej != nil {
		return rejectOf(rej)
	}
	amount := cycles.New(provisionalDefault)
	if arg.Amount != nil {
		amount = cycles.Amount(*arg.Amount)
	}
	if arg.SpecifiedId != nil {
		if _, ok := arg.SpecifiedId.CanisterIndex(); !ok {
			return rejectOf(reject(CodeBadPayload, "%s is not the id of a canister", *arg.SpecifiedId))
		}
		if m.mu.canisters[*arg.SpecifiedId] != nil {
			return rejectOf(reject(CodeIDExists, "Canister %s exists already", *arg.SpecifiedId))
		}
	}
	if rej := m.mintLocked(amount); rej != nil {
		return rejectOf(rej)
	}
	id := principal.Principal{}
	if arg.SpecifiedId != nil {
		id = *arg.SpecifiedId
	} else {
		id = m.freeIDLocked()
	}
	c := m.newCanisterLocked(id, who)
	c.Settings, c.Balance = set, amount
	return encoded(managementapi.EncodeProvisionalCreateCanisterWithCyclesResults(managementapi.Created{CanisterId: id}))
}

// mintLocked books new cycles, which the caller puts somewhere.
func (m *Machine) mintLocked(a cycles.Amount) *Reject {
	if cycles.MaxSupply.Less(a) || cycles.MaxSupply.Sub(m.mu.money.Minted).Less(a) {
		return reject(CodeBadPayload, "%v cycles are more than this network can mint", a)
	}
	m.mu.money.Minted = m.mu.money.Minted.Add(a)
	return nil
}

func (m *Machine) topUpLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeProvisionalTopUpCanisterArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	if rej := m.mintLocked(cycles.Amount(arg.Amount)); rej != nil {
		return rejectOf(rej)
	}
	c.Balance = c.Balance.Add(cycles.Amount(arg.Amount))
	return replyOf(emptyReply)
}

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

func (m *Machine) updateSettingsLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeUpdateSettingsArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	set, who, rej := readSettings(&arg.Settings, c.Settings, c.Controllers)
	if rej != nil {
		return rejectOf(rej)
	}
	c.Settings, c.Controllers = set, who
	c.Version++
	return replyOf(emptyReply)
}

func (m *Machine) startLocked(_ context.Context, c *canister, _ *managed) answer {
	if c.State != Running {
		c.State = Running
		c.Version++
	}
	m.endStopsLocked(c, func(stop) answer {
		return rejectOf(reject(CodeStopCancelled, "stop of canister %s was cancelled by a start", c.ID))
	})
	return replyOf(emptyReply)
}

func (m *Machine) stopLocked(_ context.Context, c *canister, call *managed) answer {
	if c.State == Stopped {
		return replyOf(emptyReply)
	}
	if c.State == Running {
		c.State = Stopping
		c.Version++
	}
	call.later = true
	c.Stops = append(c.Stops, stop{Origin: call.origin, Refund: call.cycles, Deadline: m.mu.Time + uint64(m.config.StopTimeout)})
	m.checkStoppedLocked(c)
	return answer{}
}

// deleteLocked removes a stopped canister with all it holds.
func (m *Machine) deleteLocked(ctx context.Context, c *canister, _ *managed) answer {
	if c.State != Stopped {
		return rejectOf(reject(CodeNotStopped, "Canister %s must be stopped before it is deleted", c.ID))
	}
	if err := c.unload(ctx); err != nil {
		m.config.Logger.Error("free a deleted canister", "canister", c.ID.String(), "error", err)
	}
	m.loseLocked(c.Balance.Add(c.Reserved))
	for _, cb := range c.Callbacks {
		m.loseLocked(cb.Held.Total())
		delete(m.mu.bounded, cb.ID)
	}
	delete(m.mu.canisters, c.ID)
	at, _ := slices.BinarySearchFunc(m.mu.order, c.ID, principal.Principal.Compare)
	m.mu.order = slices.Delete(m.mu.order, at, at+1)
	return replyOf(emptyReply)
}

func (m *Machine) statusLocked(_ context.Context, c *canister, _ *managed) answer {
	return m.statusOfLocked(c)
}

func (m *Machine) statusOfLocked(c *canister) answer {
	s := managementapi.Status{
		Status:                 managementapi.RunState{Running: c.State == Running, Stopping: c.State == Stopping, Stopped: c.State == Stopped},
		Settings:               c.definiteSettings(),
		MemorySize:             candid.NewNat(c.memorySize()),
		Cycles:                 candid.Nat(c.Balance),
		IdleCyclesBurnedPerDay: candid.Nat(m.config.Prices.Storage(c.paidBytes(), c.Settings.ComputeAllocation, 24*3600)),
		Version:                c.Version,
	}
	if c.module != nil {
		hash := slices.Clone(c.module.Hash[:])
		s.ModuleHash = &hash
	}
	return encoded(managementapi.EncodeCanisterStatusResults(s))
}

func (c *canister) definiteSettings() managementapi.DefiniteSettings {
	s := c.Settings
	logs := managementapi.LogVisibility{Public: s.LogsPublic, Controllers: !s.LogsPublic && s.LogViewers == nil}
	if s.LogViewers != nil {
		viewers := slices.Clone(s.LogViewers)
		logs.AllowedViewers = &viewers
	}
	return managementapi.DefiniteSettings{
		Controllers:         slices.Clone(c.Controllers),
		ComputeAllocation:   candid.NewNat(s.ComputeAllocation),
		MemoryAllocation:    candid.NewNat(s.MemoryAllocation),
		FreezingThreshold:   candid.NewNat(s.FreezingThreshold),
		ReservedCyclesLimit: candid.Nat(s.ReservedLimit),
		LogVisibility:       &logs,
		WasmMemoryLimit:     candid.NewNat(s.WasmMemoryLimit),
		WasmMemoryThreshold: candid.NewNat(s.WasmThreshold),
	}
}

func settingsOfNew() settings {
	return settings{FreezingThreshold: defaultFreezing, ReservedLimit: cycles.New(5_000_000_000_000)}
}

// readSettings changes what is given and keeps the rest.
func readSettings(in *managementapi.Settings, old settings, controllers []principal.Principal) (settings, []principal.Principal, *Reject) {
	if in == nil {
		return old, controllers, nil
	}
	if in.Controllers != nil {
		controllers = slices.Clone(*in.Controllers)
		slices.SortFunc(controllers, principal.Principal.Compare)
		if controllers = slices.Compact(controllers); len(controllers) > maxControllers {
			return old, nil, reject("IC0512", "%d controllers are over the limit of %d", len(controllers), maxControllers)
		}
	}
	for _, field := range []struct {
		name string
		in   *candid.Nat
		most uint64
		out  *uint64
	}{
		{"compute_allocation", in.ComputeAllocation, 100, &old.ComputeAllocation},
		{"memory_allocation", in.MemoryAllocation, 1 << 48, &old.MemoryAllocation},
		{"freezing_threshold", in.FreezingThreshold, 1<<64 - 1, &old.FreezingThreshold},
		{"wasm_memory_limit", in.WasmMemoryLimit, 1 << 48, &old.WasmMemoryLimit},
		{"wasm_memory_threshold", in.WasmMemoryThreshold, 1<<64 - 1, &old.WasmThreshold},
	} {
		if field.in == nil {
			continue
		}
		n, ok := field.in.Uint64()
		if !ok || n > field.most {
			return old, nil, reject(CodeBadPayload, "%s of %v is over %d", field.name, field.in, field.most)
		}
		*field.out = n
	}
	if in.ReservedCyclesLimit != nil {
		old.ReservedLimit = cycles.Amount(*in.ReservedCyclesLimit)
	}
	if v := in.LogVisibility; v != nil {
		old.LogsPublic, old.LogViewers = v.Public, nil
		if v.AllowedViewers != nil {
			if len(*v.AllowedViewers) > maxViewers {
				return old, nil, reject(CodeBadPayload, "%d viewers are over the limit of %d", len(*v.AllowedViewers), maxViewers)
			}
			old.LogViewers = slices.Clone(*v.AllowedViewers)
		}
	}
	return old, controllers, nil
}
