package cdk

import (
	"fmt"
	"slices"
	"strings"

	"assay/ic/candid"
)

// Usage is what a method or task has used since the module was installed or upgraded.
// Messages that trapped are not in it, and neither are queries, whose changes are dropped.
type Usage struct {
	Method       string
	Calls        uint64 // that began
	Messages     uint64 // first parts and callbacks
	Instructions uint64
	Most         uint64 // instructions of one message
}

// usage is the counter of a method, a task or an entry point of the system.
func (in *Instance) usage(name string) *Usage {
	u, ok := in.used[name]
	if !ok {
		u = &Usage{Method: name}
		in.used[name] = u
	}
	return u
}

// count adds what the message that ends now has used.
func (in *Instance) count(m *Message) {
	u := m.usage
	if u == nil {
		return
	}
	n := in.sys.PerformanceCounter(0)
	if !m.counted {
		m.counted = true
		u.Calls++
	}
	u.Messages++
	u.Instructions += n
	u.Most = max(u.Most, n)
}

// Metrics is the use of each method and task that ran, by name.
func Metrics(m *Message) []Usage {
	var out []Usage
	if m.valid() {
		for _, u := range m.in.used {
			if u.Messages > 0 {
				out = append(out, *u)
			}
		}
	}
	slices.SortFunc(out, func(a, b Usage) int { return strings.Compare(a.Method, b.Method) })
	return out
}

// Prometheus is [Metrics], the tasks and what the canister holds, as a page in
// Prometheus' text format, for an HTTP query.
func Prometheus(m *Message) []byte {
	if !m.valid() {
		return nil
	}
	var b []byte
	number := func(name, kind, help string, n any) {
		b = fmt.Appendf(b, "# HELP %s %s\n# TYPE %[1]s %[3]s\n%[1]s %[4]v\n", name, help, kind, n)
	}
	number("canister_cycles", "gauge", "Cycles that the canister holds.", m.Balance())
	number("canister_liquid_cycles", "gauge", "Cycles above the freezing threshold.", m.LiquidBalance())
	number("canister_stable_pages", "gauge", "Stable memory, in pages of 64 KiB.", m.in.sys.StableSize())
	number("canister_calls_open", "gauge", "Calls to canisters that are not answered.", m.in.openCalls())
	labelled := func(name, kind, help, label string) func(value string, n uint64) {
		b = fmt.Appendf(b, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, help, kind)
		return func(value string, n uint64) {
			b = fmt.Appendf(b, "%s{%s=\"%s\"} %d\n", name, label, escape.Replace(value), n)
		}
	}
	used := Metrics(m)
	for _, c := range [...]struct {
		name, kind, help string
		of               func(*Usage) uint64
	}{
		{"canister_method_calls_total", "counter", "Calls that began.", func(u *Usage) uint64 { return u.Calls }},
		{"canister_method_messages_total", "counter", "Messages, callbacks with them.", func(u *Usage) uint64 { return u.Messages }},
		{"canister_method_instructions_total", "counter", "Instructions.", func(u *Usage) uint64 { return u.Instructions }},
		{"canister_method_instructions_max", "gauge", "Instructions of the largest message.", func(u *Usage) uint64 { return u.Most }},
	} {
		line := labelled(c.name, c.kind, c.help, "method")
		for i := range used {
			line(used[i].Method, c.of(&used[i]))
		}
	}
	line := labelled("canister_task_failures", "gauge", "Failures of a task since it last succeeded.", "task")
	for _, t := range Tasks(m) {
		line(t.Name, uint64(t.Failures))
	}
	return b
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// method is a method of the program with what the kit keeps beside it.
type method struct {
	candid.Method[*Message]
	guards []Guard
	usage  *Usage
}
