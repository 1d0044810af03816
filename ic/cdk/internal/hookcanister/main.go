// Command hookcanister is what the tests of package cdktest run for the entry points
// that a canister's main exports itself, for guards and for tasks. Arguments and replies
// are plain text, not Candid.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

//lint:ignore U1000 the system calls it
//go:wasmexport canister_heartbeat
func heartbeat() { cdk.Heartbeat() }

//lint:ignore U1000 the system calls it
//go:wasmexport canister_inspect_message
func inspect() { cdk.Inspect() }

//lint:ignore U1000 the system calls it
//go:wasmexport canister_pre_upgrade
func preUpgrade() { cdk.PreUpgrade() }

func init() { cdk.Serve(program()) }

func main() {}

type handler = func(m *cdk.Message, arg []byte) ([]byte, error)

var limited = cdk.Rate{Name: "limited", Calls: 2, Per: time.Minute}

func program() cdk.Program {
	p := cdk.Program{
		Guards: map[string][]cdk.Guard{"own": {cdk.OnlySelf}, "controlled": {cdk.OnlyControllers}, "limited": {limited.Guard}},
		Inspect: func(_ *cdk.Message, method string) error {
			if method == "hidden" {
				return cdk.ErrNotAllowed
			}
			return nil
		},
		Heartbeat:   func(*cdk.Message) error { count("beats"); return nil },
		PreUpgrade:  func(*cdk.Message) error { count("pre"); return nil },
		PostUpgrade: func(*cdk.Message, []byte) error { count("post"); return nil },
		Tasks: map[string]cdk.Task{
			"good": func(*cdk.Message) error { count("good"); return nil },
			"bad":  func(*cdk.Message) error { count("bad"); panic("always") },
			"fail": func(*cdk.Message) error { count("fail"); return errors.New("never") },
			"hour": func(*cdk.Message) error { count("hour"); return nil },
		},
		LogLevel: cdk.Info,
	}
	echo := func(_ *cdk.Message, arg []byte) ([]byte, error) { return arg, nil }
	for name, h := range map[string]handler{"open": echo, "own": echo, "controlled": echo, "limited": echo, "hidden": echo, "plan": plan, "logs": logs} {
		p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: name, Handle: h})
	}
	p.Methods = append(p.Methods,
		candid.Method[*cdk.Message]{Name: "counts", Kind: candid.Query, Handle: counts},
		candid.Method[*cdk.Message]{Name: "metrics", Kind: candid.Query, Handle: func(m *cdk.Message, _ []byte) ([]byte, error) { return cdk.Prometheus(m), nil }},
		candid.Method[*cdk.Message]{Name: "below", Kind: candid.CompositeQuery, Handle: below},
		candid.Method[*cdk.Message]{Name: "all", Kind: candid.CompositeQuery, Handle: all})
	return p
}

func count(name string) {
	kv := cdk.Map(20)
	value, _ := kv.Get([]byte(name))
	n, _ := strconv.Atoi(string(value))
	if err := kv.Put([]byte(name), strconv.AppendInt(nil, int64(n)+1, 10)); err != nil {
		panic(err)
	}
}

func counts(*cdk.Message, []byte) (out []byte, err error) {
	cdk.Map(20).Scan(nil, func(k, v []byte) bool { out = fmt.Appendf(out, "%s %s ", k, v); return true })
	return out, nil
}

func plan(m *cdk.Message, _ []byte) ([]byte, error) {
	return nil, errors.Join(m.Every(1e9, "good"), m.Every(1e9, "bad"), m.After(1e9, "fail"), m.Calendar("0 * * * *", "hour"))
}

// logs are a hundred entries of the log from the number in the argument on.
func logs(m *cdk.Message, arg []byte) (out []byte, err error) {
	m.Log(cdk.Info, "read from "+string(arg))
	from, err := strconv.ParseUint(string(arg), 10, 64)
	if err != nil {
		return nil, err
	}
	entries, err := cdk.Logs(m, from, cdk.Debug, 100)
	for _, e := range entries {
		out = fmt.Appendf(out, "%d %s %s: %s\n", e.Number, e.Level, e.Method, e.Text)
	}
	return out, err
}

// below asks the first canister that the argument names for its counts.
func below(m *cdk.Message, arg []byte) ([]byte, error) {
	to, _, err := two(arg)
	if err != nil {
		return nil, err
	}
	count("composite") // and nothing of it stays
	return cdk.Canister{ID: to}.Call(m, "counts", candid.Query, nil)
}

// all asks it for its counts, for a method that it has not, for an update, the second
// canister for a composite query, and itself.
func all(m *cdk.Message, arg []byte) (out []byte, err error) {
	to, second, err := two(arg)
	if err != nil {
		return nil, err
	}
	for _, o := range cdk.All(m, cdk.Call{To: to, Method: "counts"}, cdk.Call{To: to, Method: "missing"}, cdk.Call{To: to, Method: "open"},
		cdk.Call{To: second, Method: "below", Arg: arg}, cdk.Call{To: m.Self(), Method: "counts"}) {
		var e *cdk.CallError
		if errors.As(o.Err, &e) {
			out = fmt.Appendf(out, "!%s|", e.Code)
			continue
		}
		out = fmt.Appendf(out, "%s|", o.Reply)
	}
	return out, nil
}

func two(arg []byte) (a, b principal.Principal, err error) {
	first, second, _ := strings.Cut(string(arg), " ")
	if a, err = principal.Parse(first); err == nil {
		b, err = principal.Parse(second)
	}
	return a, b, err
}
