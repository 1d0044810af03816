package state_test

import (
	"bytes"
	"slices"
	"testing"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	before := n.info(a)
	if before.Version != 1 || before.Settings.FreezingThreshold != candid.NewNat(2_592_000) || before.Settings.ReservedCyclesLimit != candid.NewNat(5e12) ||
		!before.Settings.LogVisibility.Controllers || !before.Settings.SnapshotVisibility.Controllers || !before.Settings.StatusVisibility.Controllers ||
		len(before.Settings.EnvironmentVariables) != 0 || before.Settings.WasmMemoryLimit != (candid.Nat{}) {
		t.Fatalf("of a new canister: %+v", before)
	}
	viewers := managementapi.Visibility{AllowedViewers: &[]principal.Principal{other}}
	vars := []managementapi.EnvironmentVariable{{Name: "z", Value: "1"}, {Name: "a", Value: ""}}
	n.must(nil, n.settings(a, managementapi.Settings{
		ComputeAllocation: nat(7), MemoryAllocation: nat(1 << 30), FreezingThreshold: nat(1000), ReservedCyclesLimit: nat(9),
		MinimumIncomingCanisterCallCycles: nat(5), LogVisibility: &managementapi.Visibility{Public: true}, SnapshotVisibility: &viewers, StatusVisibility: &viewers,
		WasmMemoryLimit: nat(1 << 30), WasmMemoryThreshold: nat(100), EnvironmentVariables: &vars,
	}))
	got := n.info(a)
	s := got.Settings
	if got.Version != 2 || s.ComputeAllocation != *nat(7) || s.MemoryAllocation != *nat(1 << 30) || s.FreezingThreshold != *nat(1000) || s.ReservedCyclesLimit != *nat(9) ||
		s.MinimumIncomingCanisterCallCycles != *nat(5) || !s.LogVisibility.Public || (*s.SnapshotVisibility.AllowedViewers)[0] != other ||
		(*s.StatusVisibility.AllowedViewers)[0] != other || s.WasmMemoryLimit != *nat(1 << 30) || s.WasmMemoryThreshold != *nat(100) || len(s.EnvironmentVariables) != 2 {
		t.Errorf("after setting all: %+v", got)
	}
	n.must(nil, n.settings(a, managementapi.Settings{FreezingThreshold: nat(2000)}))
	if again := n.info(a); again.Settings.ComputeAllocation != *nat(7) || again.Settings.FreezingThreshold != *nat(2000) || again.Version != 3 {
		t.Errorf("what is left out changed: %+v", again)
	}
	n.restart()
	if kept := n.info(a).Settings; !kept.LogVisibility.Public || len(kept.EnvironmentVariables) != 2 || (*kept.StatusVisibility.AllowedViewers)[0] != other {
		t.Errorf("after a restart: %+v", kept)
	}
	n.balanced()
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	eleven := slices.Repeat([]principal.Principal{user}, 11)
	manyViewers := managementapi.Visibility{AllowedViewers: &eleven}
	variable := func(name, value string, count int) *[]managementapi.EnvironmentVariable {
		var vs []managementapi.EnvironmentVariable
		for i := range count {
			vs = append(vs, managementapi.EnvironmentVariable{Name: name + string(rune('a'+i)), Value: value})
		}
		return &vs
	}
	long := string(bytes.Repeat([]byte("x"), 129))
	twice := []managementapi.EnvironmentVariable{{Name: "n", Value: "1"}, {Name: "m"}, {Name: "n", Value: "2"}}
	over := candid.Nat{Hi: 1}
	for name, row := range map[string]struct {
		s    managementapi.Settings
		code string
	}{
		"eleven controllers, of which ten are one": {managementapi.Settings{Controllers: &eleven}, "IC0504"},
		"compute allocation over 100":              {managementapi.Settings{ComputeAllocation: nat(101)}, "IC0504"},
		"memory allocation over 64 bits":           {managementapi.Settings{MemoryAllocation: &over}, "IC0504"},
		"memory allocation that is not paid":       {managementapi.Settings{MemoryAllocation: nat(1<<48 + 1)}, "IC0531"},
		"memory allocation that is not there":      {managementapi.Settings{MemoryAllocation: nat(3 << 40), FreezingThreshold: nat(0)}, "IC0101"},
		"freezing threshold over 64 bits":          {managementapi.Settings{FreezingThreshold: &over}, "IC0504"},
		"wasm memory limit over 2^48":              {managementapi.Settings{WasmMemoryLimit: nat(1<<48 + 1)}, "IC0504"},
		"wasm memory limit below the heap":         {managementapi.Settings{WasmMemoryLimit: nat(1)}, "IC0504"},
		"wasm memory threshold over 2^48":          {managementapi.Settings{WasmMemoryThreshold: nat(1<<48 + 1)}, "IC0504"},
		"eleven viewers":                           {managementapi.Settings{LogVisibility: &manyViewers}, "IC0408"},
		"21 variables":                             {managementapi.Settings{EnvironmentVariables: variable("v", "", 21)}, "IC0408"},
		"a long name":                              {managementapi.Settings{EnvironmentVariables: variable(long, "", 1)}, "IC0408"},
		"a long value":                             {managementapi.Settings{EnvironmentVariables: variable("v", long, 1)}, "IC0408"},
		"a name twice":                             {managementapi.Settings{EnvironmentVariables: &twice}, "IC0408"},
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			n.refused(n.settings(a, row.s), row.code)
			arg := must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{Settings: &row.s, Amount: nat(1e16)}))
			if _, rej := n.manage(a, "provisional_create_canister_with_cycles", arg); row.code != "IC0504" || name != "wasm memory limit below the heap" {
				n.refused(rej, row.code)
			}
		})
	}
	n.t = t
	if got := n.info(a); got.Version != 1 {
		t.Errorf("a refused change counted: version %d", got.Version)
	}
	n.balanced()
}
