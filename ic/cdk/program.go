package cdk

import (
	"fmt"

	"assay/ic/candid"
	"assay/ic/cdk/certified"
	"assay/ic/cdk/stable"
)

// Task is work that a timer starts. Nil means done; after an error it is tried again.
type Task func(m *Message) error

// Program is what a canister does. Everything but Methods may be left out.
type Program struct {
	// Methods come from generated code.
	Methods []candid.Method[*Message]
	// Init gets the argument of an installation; an error refuses it. It may not call.
	Init func(m *Message, arg []byte) error
	// PostUpgrade gets the argument of an upgrade; an error refuses it. It may not call.
	PostUpgrade func(m *Message, arg []byte) error
	// Tasks by the names that [Message.After] and [Message.Every] take.
	Tasks map[string]Task
	// Orphan is told of every call whose outcome no handler is left to take: after an
	// upgrade with calls open, in the message of the callback, where it may still answer
	// the caller; and after a trap in a callback, in a task, with [Outcome.Lost] set.
	// The intent is forgotten when it returns; if it traps in a task, it is asked three times.
	Orphan func(m *Message, intent Intent, outcome Outcome)
	// PreUpgrade runs in the old module before an upgrade; an error or a panic refuses the
	// upgrade, for ever if the module cannot help it. Data that lies in stable memory needs
	// none. It may not call or plan tasks. A main that sets it exports
	// canister_pre_upgrade and calls [PreUpgrade] there.
	PreUpgrade func(m *Message) error
	// Guards decide by method whether it may run; those of [EveryMethod] decide first. A
	// name that is no method is refused when the program starts.
	Guards map[string][]Guard
	// Inspect lets an ingress message in by returning nil, after the method's guards did. A
	// main that exports canister_inspect_message and calls [Inspect] there has ingress
	// messages that guards refuse cost nothing.
	Inspect func(m *Message, method string) error
	// Reserve is what calls leave untouched: one that would bring the liquid balance below
	// it is refused with an error that may be retried. 0 keeps none.
	Reserve candid.Nat
	// LogLevel is the least level that [Message.Log] keeps.
	LogLevel Level
	// Heartbeat runs every round. A main that sets it exports canister_heartbeat and
	// calls [Heartbeat] there.
	Heartbeat func(m *Message) error
}

// TaskMethod is the update method in which the kit runs tasks; it answers the canister
// itself alone. The linker exports it in every canister.
const TaskMethod = "__assay_task"

// table maps the hash of each method's name to the method.
func (p *Program) table() map[uint32]*method {
	t := make(map[uint32]*method, len(p.Methods))
	guarded := 0
	for i := range p.Methods {
		m := &method{Method: p.Methods[i]}
		own, ok := p.Guards[m.Name]
		if m.guards = append(append(m.guards, p.Guards[EveryMethod]...), own...); ok {
			guarded++
		}
		id := candid.FieldID(m.Name)
		if other, ok := t[id]; ok {
			panic(fmt.Sprintf("cdk: methods %q and %q have the same hash", m.Name, other.Name))
		}
		if id == taskHash {
			panic(fmt.Sprintf("cdk: method %q has the hash of the kit's own %s", m.Name, TaskMethod))
		}
		t[id] = m
	}
	if _, ok := p.Guards[EveryMethod]; ok {
		guarded++
	}
	if guarded != len(p.Guards) {
		panic("cdk: Program.Guards names a method that the program does not have")
	}
	return t
}

// Regions of stable memory that belong to the kit.
const (
	regionKit       = 0 // magic, version, generation
	regionIntents   = 1 // a map, intent.go
	regionTasks     = 2 // a map, timer.go
	regionCertified = 3 // the certified tree
	regionLists     = 4 // a map, guard.go
	regionRates     = 5 // a table, rate.go
	regionLog       = 6 // a ring, journal.go

	// FirstRegion is the first that a canister may use; 7 to 15 are kept for the kit.
	FirstRegion = stable.KitRegions
)

// Region is a part of the canister's stable memory, the same in every version of it. It
// panics for a number below [FirstRegion] or above 254, and outside the execution of a message.
func Region(n uint8) stable.Memory { return active().region(n) }

// Map is the ordered map in a region.
func Map(n uint8) *stable.Map { return active().mapIn(n) }

// Log is the list in regions n and n+1.
func Log(n uint8) *stable.Log { return stable.NewLog(Region(n), Region(n+1)) }

// Certified is the canister's certified tree. The kit sets certified data from its root
// when a message ends.
func Certified(m *Message) *certified.Tree { return m.in.tree }

// mapIn keeps one value for each region, for its scratch memory.
func (in *Instance) mapIn(n uint8) *stable.Map {
	if in.maps[n] == nil {
		in.maps[n] = stable.NewMap(in.region(n))
	}
	return in.maps[n]
}

func (in *Instance) region(n uint8) stable.Memory {
	if n < FirstRegion || n >= stable.Regions {
		panic("cdk: a canister's regions are 16 to 254")
	}
	return in.manager.Region(n)
}
