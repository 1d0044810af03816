package managementapi

import (
	"testing"

	"assay/ic/candid"
	"assay/ic/candid/candidtest"
	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/principal"
)

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	candidtest.RoundTrip(t, 50, EncodeInstallCodeArgs, DecodeInstallCodeArgs)
	candidtest.RoundTrip(t, 50, EncodeCreateCanisterArgs, DecodeCreateCanisterArgs)
	candidtest.RoundTrip(t, 50, EncodeProvisionalCreateCanisterWithCyclesArgs, DecodeProvisionalCreateCanisterWithCyclesArgs)
	candidtest.RoundTrip(t, 50, EncodeUpdateSettingsArgs, DecodeUpdateSettingsArgs)
	candidtest.RoundTrip(t, 50, EncodeCanisterStatusResults, DecodeCanisterStatusResults)
	candidtest.RoundTrip(t, 50, EncodeRawRandResults, DecodeRawRandResults)
	candidtest.RoundTrip(t, 50, EncodeInstallChunkedCodeArgs, DecodeInstallChunkedCodeArgs)
	candidtest.RoundTrip(t, 50, EncodeCanisterInfoResults, DecodeCanisterInfoResults)
	candidtest.RoundTrip(t, 50, EncodeUploadCanisterSnapshotMetadataArgs, DecodeUploadCanisterSnapshotMetadataArgs)
	candidtest.RoundTrip(t, 50, EncodeReadCanisterSnapshotDataArgs, DecodeReadCanisterSnapshotDataArgs)
	candidtest.RoundTrip(t, 50, EncodeHttpRequestArgs, DecodeHttpRequestArgs)
}

// TestStatusFromTheNetwork reads a brief status as networks send it, with fields that we
// do not know and a log visibility that does not exist yet.
func TestStatusFromTheNetwork(t *testing.T) {
	t.Parallel()
	const theirs = `service : { status : (record {
		status : variant { running; stopping; stopped };
		ready_for_migration : bool;
		settings : record {
			controllers : vec principal; compute_allocation : nat; memory_allocation : nat; freezing_threshold : nat;
			reserved_cycles_limit : nat; log_visibility : variant { controllers; public; subnet_admins };
			wasm_memory_limit : nat; wasm_memory_threshold : nat;
			environment_variables : vec record { name : text; value : text };
		};
		module_hash : opt blob; memory_size : nat; cycles : nat; reserved_cycles : nat; idle_cycles_burned_per_day : nat;
		version : nat64; query_stats : record { num_calls_total : nat };
	}) -> () }`
	p, err := did.Parse(theirs)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := text.ParseArgs(p, "status", `(record {
		status = variant { stopping }; ready_for_migration = false;
		settings = record {
			controllers = vec { principal "2vxsx-fae" }; compute_allocation = 0; memory_allocation = 0; freezing_threshold = 2_592_000;
			reserved_cycles_limit = 5_000_000_000_000; log_visibility = variant { subnet_admins };
			wasm_memory_limit = 0; wasm_memory_threshold = 0; environment_variables = vec { record { name = "a"; value = "b" } };
		};
		module_hash = opt blob "\01\02"; memory_size = 5; cycles = 100_000_000_000_000_000_000; reserved_cycles = 0;
		idle_cycles_burned_per_day = 1; version = 3; query_stats = record { num_calls_total = 7 };
	})`)
	if err != nil {
		t.Fatal(err)
	}
	s, err := DecodeStatusBrief(msg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Status.Tag() != "stopping" || s.Cycles != (candid.Nat{Hi: 5, Lo: 7766279631452241920}) ||
		s.Settings.Controllers[0] != principal.Anonymous || string(*s.ModuleHash) != "\x01\x02" {
		t.Errorf("read %+v", s)
	}
}

// TestInstallMode reads the upgrade mode as tools send it, without flags.
func TestInstallMode(t *testing.T) {
	t.Parallel()
	p, err := did.Parse(`service : { install : (record {
		mode : variant { install; reinstall; upgrade : opt record { skip_pre_upgrade : opt bool } };
		canister_id : principal; wasm_module : blob; arg : blob }) -> () }`)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := text.ParseArgs(p, "install", `(record { mode = variant { upgrade = null }; canister_id = principal "aaaaa-aa"; wasm_module = blob "\00asm"; arg = blob "" })`)
	if err != nil {
		t.Fatal(err)
	}
	a, err := DecodeInstallCodeArgs(msg)
	if err != nil || a.Mode.Upgrade == nil || *a.Mode.Upgrade != nil || string(a.WasmModule) != "\x00asm" {
		t.Errorf("read %+v, %v", a, err)
	}
}
