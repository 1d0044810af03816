package state

import (
	"context"
	"slices"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/replica/cycles"
)

// consumed is what a canister paid for, by use, since it was created.
type consumed struct {
	Memory, Compute, Ingress, Instructions, Transmission, Creation, Outcalls, Burned cycles.Amount
}

// queryStats is what a canister's queries took.
type queryStats struct{ Calls, Instructions, Request, Response uint64 }

func (m *Machine) statusLocked(_ context.Context, c *canister, _ *managed) answer {
	use := c.memoryUse()
	s := managementapi.Status{
		Status:                 managementapi.RunState{Running: c.State == Running, Stopping: c.State == Stopping, Stopped: c.State == Stopped},
		ReadyForMigration:      c.State == Stopped && len(c.Callbacks) == 0,
		Version:                c.Version,
		Settings:               c.definiteSettings(),
		MemorySize:             candid.NewNat(use.total()),
		MemoryMetrics:          use.api(),
		Cycles:                 candid.Nat(c.Balance),
		ReservedCycles:         candid.Nat(c.Reserved),
		IdleCyclesBurnedPerDay: candid.Nat(m.config.Prices.Storage(c.paidBytes(), c.Settings.ComputeAllocation, 24*3600)),
		QueryStats: managementapi.QueryStats{
			NumCallsTotal: candid.NewNat(c.Queries.Calls), NumInstructionsTotal: candid.NewNat(c.Queries.Instructions),
			RequestPayloadBytesTotal: candid.NewNat(c.Queries.Request), ResponsePayloadBytesTotal: candid.NewNat(c.Queries.Response),
		},
	}
	s.ModuleHash = c.moduleHash()
	return encoded(managementapi.EncodeCanisterStatusResults(s))
}

func (c *canister) moduleHash() *[]byte {
	if c.module == nil {
		return nil
	}
	hash := slices.Clone(c.module.Hash[:])
	return &hash
}

func (m *Machine) metricsLocked(_ context.Context, c *canister, _ *managed) answer {
	u := c.Consumed
	return encoded(managementapi.EncodeCanisterMetricsResults(managementapi.Metrics{CyclesConsumed: managementapi.CyclesConsumed{
		Memory: candid.Nat(u.Memory), ComputeAllocation: candid.Nat(u.Compute), IngressInduction: candid.Nat(u.Ingress),
		Instructions: candid.Nat(u.Instructions), RequestAndResponseTransmission: candid.Nat(u.Transmission),
		CanisterCreation: candid.Nat(u.Creation), HttpOutcalls: candid.Nat(u.Outcalls), BurnedCycles: candid.Nat(u.Burned),
	}}))
}

// infoLocked answers with a canister's history.
func (m *Machine) infoLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeCanisterInfoArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	recent := c.History.Recent
	wanted := uint64(0)
	if arg.NumRequestedChanges != nil {
		wanted = *arg.NumRequestedChanges
	}
	recent = recent[len(recent)-int(min(wanted, uint64(len(recent)))):]
	changes := make([]managementapi.Change, 0, len(recent))
	for i := range recent {
		changes = append(changes, recent[i].api())
	}
	return encoded(managementapi.EncodeCanisterInfoResults(managementapi.CanisterInfo{
		TotalNumChanges: c.History.Total, RecentChanges: changes, ModuleHash: c.moduleHash(), Controllers: slices.Clone(c.Controllers),
	}))
}

// metadataLocked answers with a custom section of a canister's module.
func (m *Machine) metadataLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeCanisterMetadataArgs(call.arg)
	switch {
	case err != nil:
		return badPayload(call, err)
	case c.module == nil:
		return rejectOf(reject(CodeNoModule, "The canister %s has no Wasm module and hence no metadata is available", c.ID))
	}
	section, ok := c.module.Metadata[arg.Name]
	if !ok {
		return rejectOf(reject(CodeRefused, "The canister %s has no metadata section with the name %s", c.ID, arg.Name))
	}
	if !section.Public && !c.controlledBy(call.caller) {
		return rejectOf(reject(CodeNotController, "Only controllers of canister %s can read its private metadata section %s", c.ID, arg.Name))
	}
	return encoded(managementapi.EncodeCanisterMetadataResults(managementapi.CanisterMetadataResult{Value: section.Value}))
}

// subnetInfoLocked tells about the one subnet.
func (m *Machine) subnetInfoLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeSubnetInfoArgs(call.arg)
	switch {
	case err != nil:
		return badPayload(call, err)
	case arg.SubnetId != m.config.Subnet:
		return rejectOf(reject(CodeSubnetNotFound, "Subnet %s is not known: this network has one, %s", arg.SubnetId, m.config.Subnet))
	}
	return encoded(managementapi.EncodeSubnetInfoResults(managementapi.SubnetInfoResult{ReplicaVersion: "assay", RegistryVersion: 1}))
}

// nodeMetricsLocked has nothing to tell: no node proposes blocks here.
func (m *Machine) nodeMetricsLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeNodeMetricsHistoryArgs(call.arg)
	switch {
	case err != nil:
		return badPayload(call, err)
	case arg.SubnetId != m.config.Subnet:
		return rejectOf(reject(CodeSubnetNotFound, "Subnet %s is not known: this network has one, %s", arg.SubnetId, m.config.Subnet))
	}
	return encoded(managementapi.EncodeNodeMetricsHistoryResults([]managementapi.NodeMetricsHistoryResult{}))
}
