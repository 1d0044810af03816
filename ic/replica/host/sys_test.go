package host_test

import (
	"slices"
	"strings"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
)

var (
	of   = replicatest.Of
	blob = replicatest.Blob
	wide = replicatest.Wide
)

const outside = 1 << 30 // an address behind the heap of the test module

// What a canister may not say is a violation of its contract, or a trap with the words
// of the Internet Computer.
func TestWhatACanisterMayNotSay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stable = host.NewStable(1 << 17)
	long := make([]byte, 30)
	rows := []struct {
		name string
		p    program
		code string
		text string
	}{
		{"copy past the end of a value", program{}.Do("msg_arg_data_copy", 0, 1<<20, 1), host.CodeContract, "ic0.msg_arg_data_copy payload: src=1048576 + length=1"},
		{"copy to where no heap is", program{}.Do("canister_self_copy", outside, 0, 10), host.CodeContract, "ic0.canister_self_copy heap: src=1073741824 + length=10"},
		{"reply from where no heap is", program{}.Do("msg_reply_data_append", outside, 1), host.CodeContract, "ic0.msg_reply_data_append heap"},
		{"reply too long", program{}.Times(0, 3, program{}.Do("msg_reply_data_append", 0, 256<<10).Do("msg_reply_data_append", 0, 256<<10).Do("msg_reply_data_append", 0, 256<<10)), host.CodeContract, "cannot be larger than 2097152"},
		{"reject that is no text", program{}.Do("msg_reject", "\xff"), host.CodeContract, "invalid UTF-8"},
		{"principal too long", program{}.Do("is_controller", long), host.CodeContract, "ic0.is_controller"},
		{"callee too long", program{}.Do("call_new", long, "m", 1, 0, 1, 0), host.CodeContract, "ic0.call_new"},
		{"method name too long", program{}.Do("call_new", principal.Canister(9), replicatest.At(0, 20_001), 1, 0, 1, 0), host.CodeContract, "Size of method_name 20001 exceeds the allowed limit of 20000"},
		{"second cleanup", program{}.Do("call_new", principal.Canister(9), "m", 1, 0, 1, 0).Do("call_on_cleanup", 1, 0).Do("call_on_cleanup", 1, 0), host.CodeContract, "at most once"},
		{"second timeout", program{}.Do("call_new", principal.Canister(9), "m", 1, 0, 1, 0).Do("call_with_best_effort_response", 0).Do("call_with_best_effort_response", 9), host.CodeContract, "at most once"},
		{"argument without a call", program{}.Do("call_data_append", "x"), host.CodeContract, "no call is under construction"},
		{"counter of no type", program{}.Do("performance_counter", 2), host.CodeContract, "performance counter type 2"},
		{"variable behind the last", program{}.Do("env_var_name_size", 2), host.CodeContract, "index 2 is out of bounds"},
		{"variable that is not set", program{}.Do("env_var_value_size", "C"), host.CodeContract, `no environment variable "C"`},
		{"name of a variable too long", program{}.Do("env_var_name_exists", replicatest.At(0, 129)), host.CodeContract, "over the limit of 128"},
		{"name of a variable that is no text", program{}.Do("env_var_name_exists", "\xff"), host.CodeContract, "not UTF-8"},
		{"price to where no heap is", program{}.Do("cost_sign_with_ecdsa", "no such key", 7, outside), host.CodeContract, "heap"},
		{"cycles over 64 bits", program{}.Do("canister_cycle_balance"), host.CodeTrapped, "cycles amount exceeds 64-bit representation"},
		{"read of stable memory that is not there", program{}.Do("stable64_read", 0, 0, 1), host.CodeTrapped, "stable memory out of bounds"},
		{"stable memory too large for 32 bits", program{}.Drop(of("stable64_grow", 1<<16+1)).Do("stable_size"), host.CodeTrapped, "32 bit stable memory api used on a memory larger than 4GB"},
		{"trap with a text from where no heap is", program{}.Do("trap", outside, 5), host.CodeCalledTrap, "'(trap message out of memory bounds)'"},
		{"trap with what is no text", program{}.Do("trap", "a\xffb"), host.CodeCalledTrap, "with message: 'ab'"},
	}
	for _, row := range rows {
		in := input(row.p)
		in.Environment = []host.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "two"}}
		in.Balance = cycles.Amount{Hi: 1}
		x := host.NewExecution(in)
		trap := x.Run(t.Context(), b.instance, b.stable, host.Update, "canister_update run")
		if trap == nil || trap.Code != row.code || !strings.Contains(trap.Message, row.text) {
			t.Errorf("%s: got %+v, want %s with %q", row.name, trap, row.code, row.text)
		}
		b.rollback()
	}
}

func (b *bench) rollback() {
	b.t.Helper()
	b.stable.Rollback()
	if err := b.instance.Rollback(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func TestWhatACanisterIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, row := range []struct {
		name string
		p    program
		want []uint64
	}{
		{"costs of any size", program{}.Give(wide("cost_call", uint64(1)<<63, 0)).Give(wide("cost_http_request", 0, 0)), []uint64{42_102_412_000, 500, 49_140_000, 0}},
		{"prices of keys", program{}.Put(of("cost_sign_with_schnorr", "key_1", 1, 0)).Put(of("cost_sign_with_schnorr", "key_1", 2, 0)).Put(of("cost_vetkd_derive_key", "key_9", 0, 0)), []uint64{0, 1, 2}},
		{"controllers", program{}.Put(of("is_controller", principal.Anonymous)).Put(of("is_controller", "")), []uint64{1, 0}},
		{"variables", program{}.Put(of("env_var_count")).Put(of("env_var_name_exists", "B")).Put(of("env_var_value_size", "B")), []uint64{2, 1, 3}},
		{"what is liquid", program{}.Give(wide("canister_liquid_cycle_balance128")).Give(wide("cycles_burn128", 1, 0)).Give(wide("canister_liquid_cycle_balance128")), []uint64{1e15 - 1e9, 0, 1e15 - 1e9, 0, 0, 0}},
		{"a timer and the one before", program{}.Put(of("global_timer_set", 9)).Put(of("global_timer_set", 0)), []uint64{0, 9}},
	} {
		in := input(row.p.Send())
		in.Environment = []host.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "two"}}
		x := host.NewExecution(in)
		if trap := x.Run(t.Context(), b.instance, b.stable, host.Update, "canister_update run"); trap != nil {
			t.Errorf("%s: %v", row.name, trap)
		} else if got := replicatest.Numbers(x.Answer.Data); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
		b.rollback()
	}
}

func TestCallerInfo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := input(program{}.Give(blob("msg_caller_info_data")).Give(blob("msg_caller_info_signer")).Send())
	in.Info = host.CallerInfo{Data: []byte("name"), Signer: principal.Canister(5)}
	x := host.NewExecution(in)
	if trap := x.Run(t.Context(), b.instance, b.stable, host.Update, "canister_update run"); trap != nil {
		t.Fatal(trap)
	}
	if want := "name" + string(principal.Canister(5).Bytes()); string(x.Answer.Data) != want {
		t.Errorf("got %q, want %q", x.Answer.Data, want)
	}
}

func TestStableMemoryThatOneMessageMayTouch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := make([]byte, host.OSPage)
	for _, row := range []struct {
		name string
		p    program
		ok   bool
	}{
		{"two pages read, again and again", program{}.Drop(of("stable64_grow", 1)).Times(0, 9, program{}.AppendStable(4000, 200).AppendStable(1, 1)).Reply(nil), true},
		{"three pages read", program{}.Drop(of("stable64_grow", 1)).AppendStable(0, 8193).Reply(nil), false},
		{"two pages written", program{}.Drop(of("stable64_grow", 1)).StableWrite(0, page).StableWrite(4096, page).StableWrite(9, page[:1]).Reply(nil), true},
		{"three pages written", program{}.Drop(of("stable64_grow", 1)).StableWrite(0, page).StableWrite(5000, page).Reply(nil), false},
	} {
		in := input(row.p)
		in.StableLimit = 2 * host.OSPage
		x := host.NewExecution(in)
		trap := x.Run(t.Context(), b.instance, b.stable, host.Update, "canister_update run")
		if row.ok && trap != nil || !row.ok && (trap == nil || trap.Code != host.CodeMemoryAccess) {
			t.Errorf("%s: got %v", row.name, trap)
		}
		b.rollback()
	}
}
