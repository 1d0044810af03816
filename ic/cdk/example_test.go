package cdk_test

import (
	"errors"
	"fmt"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// A canister's main hands its program to Serve in an init function; main itself is
// empty. Methods are generated from the .did file; here they are written out. Entry
// points that not every canister has are exported by the main:
//
//	//go:wasmexport canister_inspect_message
//	func inspect() { cdk.Inspect() }
//
//	//go:wasmexport canister_heartbeat
//	func heartbeat() { cdk.Heartbeat() }
//
//	//go:wasmexport canister_pre_upgrade
//	func preUpgrade() { cdk.PreUpgrade() }
func Example() {
	const visits = cdk.FirstRegion
	greet := func(m *cdk.Message, arg []byte) ([]byte, error) {
		if err := cdk.Map(visits).Put(m.Caller().Bytes(), arg); err != nil {
			return nil, err // rejects the caller with this text
		}
		return arg, nil
	}
	// in a canister: func init() { cdk.Serve(…) }
	_ = cdk.Program{Methods: []candid.Method[*cdk.Message]{{Name: "greet", Kind: candid.Update, Handle: greet}}}
}

// An awaiting call reads like any other. Its error says whether the callee ran and
// whether the call may be made again; other messages run while it waits.
func ExampleMessage_Call() {
	pay := func(m *cdk.Message, to principal.Principal, arg []byte) error {
		_, err := m.Call(cdk.Call{To: to, Method: "transfer", Arg: arg, Timeout: 60, Note: []byte("invoice 7")})
		var failed *cdk.CallError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &failed) && failed.Retry():
			return m.After(1e9, "pay") // nothing happened: once more, later
		case errors.As(err, &failed) && failed.Happened() == cdk.Unknown:
			return m.After(60e9, "ask the ledger") // before anything else
		}
		return err
	}
	_ = pay
}

// Calls that do not need each other's answers go out together.
func ExampleAll() {
	quotes := func(m *cdk.Message, markets []principal.Principal) (answers [][]byte) {
		calls := make([]cdk.Call, len(markets))
		for i, p := range markets {
			calls[i] = cdk.Call{To: p, Method: "quote", Arg: []byte("DIDL\x00\x00"), Timeout: 10}
		}
		for _, o := range cdk.All(m, calls...) {
			if o.Err == nil {
				answers = append(answers, o.Reply)
			}
		}
		return answers
	}
	_ = quotes
}

// Guards say by method who may call it. With canister_inspect_message exported, an
// ingress message that they refuse costs the canister nothing.
func ExampleProgram_guards() {
	const operators = cdk.AllowList("operators")
	posts := cdk.Rate{Name: "posts", Calls: 10, Per: time.Minute}
	all := cdk.Rate{Name: "all", Calls: 1000, Per: time.Minute, Shared: true}
	_ = cdk.Program{Guards: map[string][]cdk.Guard{
		cdk.EveryMethod: {cdk.NotAnonymous},
		"post":          {posts.Guard, all.Guard},
		"pause":         {cdk.Either(cdk.OnlyControllers, operators.Guard)},
		"add_operator":  {cdk.OnlyControllers},
	}}
}

// Tasks are planned once and kept over upgrades.
func ExampleMessage_Calendar() {
	_ = cdk.Program{
		Tasks: map[string]cdk.Task{
			"sweep":  func(*cdk.Message) error { return nil },
			"report": func(*cdk.Message) error { return nil },
			"expire": func(*cdk.Message) error { return nil },
		},
		Init: func(m *cdk.Message, _ []byte) error {
			return errors.Join(
				m.After(uint64(10*time.Minute), "expire"),
				m.Every(uint64(time.Hour), "sweep"),
				m.Calendar("30 4 * * 1", "report"), // Mondays, 4:30 UTC
			)
		},
	}
}

// What could not be finished is told to Orphan: after an upgrade with the call open, or
// after a trap in the callback.
func ExampleProgram_orphan() {
	_ = cdk.Program{Orphan: func(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
		m.Log(cdk.Warning, fmt.Sprintf("%s asked %s.%s about %s: %v, lost %v", i.Origin, i.To, i.Method, i.Note, o.Err, o.Lost))
	}}
}

// The log and the use of each method, for the people who run the canister.
func ExampleLogs() {
	show := func(m *cdk.Message, from uint64) (text string, err error) {
		entries, err := cdk.Logs(m, from, cdk.Info, 100) // controllers alone
		for _, e := range entries {
			text += fmt.Sprintf("%d %s %s %s: %s\n", e.Number, time.Unix(0, int64(e.Time)).UTC().Format(time.RFC3339), e.Level, e.Method, e.Text)
		}
		return text, err
	}
	metrics := func(m *cdk.Message, _ []byte) ([]byte, error) { return cdk.Prometheus(m), nil }
	_, _ = show, metrics
}
