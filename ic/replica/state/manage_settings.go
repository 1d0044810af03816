package state

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

// Limits of settings.
const (
	maxControllers   = 10
	maxViewers       = 10
	maxVariables     = 20
	maxVariableBytes = 128 // of a name, and of a value
)

func settingsOfNew() settings {
	return settings{FreezingThreshold: defaultFreezing, ReservedLimit: cycles.New(5_000_000_000_000)}
}

func (m *Machine) updateSettingsLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeUpdateSettingsArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	set, who, rej := readSettings(&arg.Settings, c.Settings, c.Controllers)
	if rej == nil {
		rej = m.affordSettingsLocked(c, set)
	}
	if rej != nil {
		return rejectOf(rej)
	}
	before := c.paidBytes()
	c.Settings, c.Controllers = set, who
	m.reserveLocked(c, before)
	c.Version++
	if arg.Settings.Controllers != nil {
		m.recordLocked(c, call, change{Kind: controllersChange, Controllers: slices.Clone(who)})
	}
	if call.origin.Kind == fromUser { // paid only now, so that a frozen canister can be thawed
		m.spendLocked(c, &c.Consumed.Ingress, cycles.Min(c.Balance, m.config.Prices.Ingress(len(call.method)+len(call.arg))))
	}
	return replyOf(emptyReply)
}

// affordSettingsLocked is why a canister cannot have these settings: its heap is over the
// limit, or it would be frozen by what it wants to be given.
func (m *Machine) affordSettingsLocked(c *canister, set settings) *Reject {
	if c.instance != nil && set.WasmMemoryLimit != 0 && uint64(c.instance.Pages())*host.WasmPage > set.WasmMemoryLimit {
		return reject(host.CodeContract, "wasm_memory_limit of %d bytes is below the %d bytes that the heap has", set.WasmMemoryLimit, uint64(c.instance.Pages())*host.WasmPage)
	}
	if set.ReservedLimit.Less(c.Reserved) {
		return reject(CodeLimitTooLow, "Cannot set the reserved cycles limit %v below the reserved cycles balance of the canister %v.", set.ReservedLimit, c.Reserved)
	}
	compute := set.ComputeAllocation > c.Settings.ComputeAllocation
	memory := set.MemoryAllocation > c.Settings.MemoryAllocation
	if !compute && !memory {
		return nil
	}
	old, before := c.Settings, c.paidBytes()
	c.Settings = set
	defer func() { c.Settings = old }()
	if rej := m.payLocked(c, memory, cycles.Amount{}); rej != nil {
		return rej
	}
	others := m.usedLocked() - c.paidBytes()
	if free := subnetMemory - min(others, subnetMemory); memory && c.paidBytes() > free {
		return reject(CodeOversubscribed, "Canister requested %d bytes of memory but only %d are available in the subnet", set.MemoryAllocation, free)
	}
	reserve := m.reservation(c.paidBytes()-min(before, c.paidBytes()), others+before)
	if over := c.Reserved.Add(reserve); set.ReservedLimit.Less(over) {
		return reject(CodeAllocReserved, "Cannot increase memory allocation to %d due to its reserved cycles limit. The current limit (%v) would be exceeded by %v.", set.MemoryAllocation, set.ReservedLimit, over.Sub(set.ReservedLimit))
	}
	return m.payLocked(c, memory, reserve)
}

// payLocked is why a canister with new settings cannot set so much aside and have what
// its storage costs for the freezing threshold.
func (m *Machine) payLocked(c *canister, memory bool, reserve cycles.Amount) *Reject {
	needed := reserve.Add(m.freezingAt(c, c.paidBytes()).SubFloor(c.Reserved.Add(reserve)))
	switch {
	case !c.Balance.Less(needed):
		return nil
	case memory:
		return reject(CodeMemoryCycles, "Cannot increase memory allocation to %d due to insufficient cycles. At least %v additional cycles are required.", c.Settings.MemoryAllocation, needed.Sub(c.Balance))
	}
	return reject(CodeComputeCycles, "Cannot increase compute allocation to %d due to insufficient cycles. At least %v additional cycles are required.", c.Settings.ComputeAllocation, needed.Sub(c.Balance))
}

// readSettings changes what is given and keeps the rest.
func readSettings(in *managementapi.Settings, old settings, controllers []principal.Principal) (settings, []principal.Principal, *Reject) {
	if in == nil {
		return old, controllers, nil
	}
	if in.Controllers != nil {
		if len(*in.Controllers) > maxControllers {
			return old, nil, reject(host.CodeContract, "Invalid settings: 'controllers' length exceeds maximum size allowed of %d", maxControllers)
		}
		controllers = slices.Clone(*in.Controllers)
		slices.SortFunc(controllers, principal.Principal.Compare)
		controllers = slices.Compact(controllers)
	}
	if rej := old.readNumbers(in); rej != nil {
		return old, nil, rej
	}
	for _, field := range []struct {
		name string
		in   *managementapi.Visibility
		out  *visibility
	}{
		{"log_visibility", in.LogVisibility, &old.Logs},
		{"snapshot_visibility", in.SnapshotVisibility, &old.Snapshots},
		{"status_visibility", in.StatusVisibility, &old.Status},
	} {
		if rej := readVisibility(field.name, field.in, field.out); rej != nil {
			return old, nil, rej
		}
	}
	if in.EnvironmentVariables != nil {
		vars, rej := readEnvironment(*in.EnvironmentVariables)
		if rej != nil {
			return old, nil, rej
		}
		old.Environment = vars
	}
	return old, controllers, nil
}

func (s *settings) readNumbers(in *managementapi.Settings) *Reject {
	for _, field := range []struct {
		name string
		in   *candid.Nat
		most uint64
		out  *uint64
	}{
		{"compute_allocation", in.ComputeAllocation, 100, &s.ComputeAllocation},
		{"memory_allocation", in.MemoryAllocation, 1<<64 - 1, &s.MemoryAllocation},
		{"freezing_threshold", in.FreezingThreshold, 1<<64 - 1, &s.FreezingThreshold},
		{"wasm_memory_limit", in.WasmMemoryLimit, 1 << 48, &s.WasmMemoryLimit},
		{"wasm_memory_threshold", in.WasmMemoryThreshold, 1 << 48, &s.WasmThreshold},
	} {
		if field.in == nil {
			continue
		}
		n, ok := field.in.Uint64()
		if !ok || n > field.most {
			return reject(host.CodeContract, "%s expected to be in the range of [0..%d], got %v", field.name, field.most, field.in)
		}
		*field.out = n
	}
	if in.ReservedCyclesLimit != nil {
		s.ReservedLimit = cycles.Amount(*in.ReservedCyclesLimit)
	}
	if in.MinimumIncomingCanisterCallCycles != nil {
		s.MinimumIncoming = cycles.Amount(*in.MinimumIncomingCanisterCallCycles)
	}
	return nil
}

func readVisibility(name string, in *managementapi.Visibility, out *visibility) *Reject {
	if in == nil {
		return nil
	}
	*out = visibility{Public: in.Public}
	if in.AllowedViewers == nil {
		return nil
	}
	if len(*in.AllowedViewers) > maxViewers {
		return reject(CodeBadPayload, "%d viewers in %s are over the limit of %d", len(*in.AllowedViewers), name, maxViewers)
	}
	out.Viewers = append([]principal.Principal{}, *in.AllowedViewers...)
	return nil
}

func readEnvironment(in []managementapi.EnvironmentVariable) ([]host.Variable, *Reject) {
	if len(in) > maxVariables {
		return nil, reject(CodeBadPayload, "Too many environment variables: %d (max: %d)", len(in), maxVariables)
	}
	vars := make([]host.Variable, 0, len(in))
	for _, v := range in {
		if len(v.Name) > maxVariableBytes {
			return nil, reject(CodeBadPayload, "Environment variable name %q exceeds the maximum allowed length of %d", v.Name, maxVariableBytes)
		}
		if len(v.Value) > maxVariableBytes {
			return nil, reject(CodeBadPayload, "Environment variable value %q exceeds the maximum allowed length of %d", v.Value, maxVariableBytes)
		}
		vars = append(vars, host.Variable{Name: v.Name, Value: v.Value})
	}
	slices.SortFunc(vars, func(a, b host.Variable) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	for i := range vars[min(1, len(vars)):] {
		if vars[i].Name == vars[i+1].Name {
			return nil, reject(CodeBadPayload, "Duplicate environment variables are not allowed: %q", vars[i].Name)
		}
	}
	return vars, nil
}

func (v visibility) api() managementapi.Visibility {
	switch {
	case v.Public:
		return managementapi.Visibility{Public: true}
	case v.Viewers != nil:
		viewers := slices.Clone(v.Viewers)
		return managementapi.Visibility{AllowedViewers: &viewers}
	}
	return managementapi.Visibility{Controllers: true}
}

func (c *canister) definiteSettings() managementapi.DefiniteSettings {
	s := c.Settings
	vars := make([]managementapi.EnvironmentVariable, 0, len(s.Environment))
	for _, v := range s.Environment {
		vars = append(vars, managementapi.EnvironmentVariable(v))
	}
	return managementapi.DefiniteSettings{
		Controllers:                       slices.Clone(c.Controllers),
		ComputeAllocation:                 candid.NewNat(s.ComputeAllocation),
		MemoryAllocation:                  candid.NewNat(s.MemoryAllocation),
		FreezingThreshold:                 candid.NewNat(s.FreezingThreshold),
		ReservedCyclesLimit:               candid.Nat(s.ReservedLimit),
		MinimumIncomingCanisterCallCycles: candid.Nat(s.MinimumIncoming),
		LogVisibility:                     s.Logs.api(),
		SnapshotVisibility:                s.Snapshots.api(),
		StatusVisibility:                  s.Status.api(),
		LogMemoryLimit:                    candid.NewNat(maxLog),
		WasmMemoryLimit:                   candid.NewNat(s.WasmMemoryLimit),
		WasmMemoryThreshold:               candid.NewNat(s.WasmThreshold),
		EnvironmentVariables:              vars,
	}
}
