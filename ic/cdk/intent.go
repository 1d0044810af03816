package cdk

import (
	"encoding/binary"
	"fmt"

	"assay/ic/candid"
	"assay/ic/cdk/stable"
	"assay/ic/principal"
)

// Intent is a call as it is kept in stable memory while its answer is not there.
type Intent struct {
	Origin string // the method or task whose handler called
	To     principal.Principal
	Method string
	Cycles candid.Nat // attached
	Note   []byte     // from [Call.Note]
	Time   uint64     // when it was made, ns since 1970
}

// A record of the intents' map:
//
//	key    0 · u32 environment             an open call
//	       1 · u64 number                  one whose callback trapped; the hook is still to be asked
//	value  0 version 1 · 1 flags · 2 times the hook was asked · 3 reject code, 0 for a reply
//	       4 u64 context · 12 u64 time · 20 u64 cycles, high · 28 u64 cycles, low · four
//	       fields, each u16 length and bytes: origin, callee, method, note
//
// with big-endian numbers in keys, so that they sort, and little-endian ones in values.
const (
	intentVersion  = 1
	flagAnswered   = 1 // the call context has been replied or rejected
	intentHead     = 36
	maxHookAsked   = 3
	prefixOpen     = 0
	prefixLost     = 1
	orphanTask     = "cdk: orphans" // the kit's own task that asks the hook
	orphanRejected = RetryPrefix + "the canister was upgraded while it waited for another canister; what it had asked for is recorded there"
)

type record struct {
	flags, asked, code byte
	context            uint64
	intent             Intent
}

func openKey(env uint32) []byte { return binary.BigEndian.AppendUint32([]byte{prefixOpen}, env) }

func (r *record) encode() []byte {
	b := make([]byte, 0, intentHead+8+len(r.intent.Origin)+len(r.intent.Method)+len(r.intent.Note)+principal.MaxLen)
	b = append(b, intentVersion, r.flags, r.asked, r.code)
	for _, v := range [...]uint64{r.context, r.intent.Time, r.intent.Cycles.Hi, r.intent.Cycles.Lo} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = appendField(b, r.intent.Origin)
	b = appendField(b, r.intent.To.Bytes())
	b = appendField(b, r.intent.Method)
	return appendField(b, r.intent.Note)
}

func appendField[T string | []byte](b []byte, f T) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(f))), f...)
}

// decodeRecord reads what encode wrote and nothing else.
func decodeRecord(b []byte) (r record, err error) {
	if len(b) < intentHead || b[0] != intentVersion {
		return r, &stable.LayoutError{What: "an intent, version 1", Found: fmt.Sprintf("%d bytes", len(b))}
	}
	r.flags, r.asked, r.code = b[1], b[2], b[3]
	u := binary.LittleEndian.Uint64
	r.context, r.intent.Time = u(b[4:]), u(b[12:])
	r.intent.Cycles = candid.Nat{Hi: u(b[20:]), Lo: u(b[28:])}
	var fields [4][]byte
	rest := b[intentHead:]
	for i := range fields {
		if len(rest) < 2 || len(rest)-2 < int(binary.LittleEndian.Uint16(rest)) {
			return r, &stable.LayoutError{What: "an intent's field", Found: "its end"}
		}
		n := int(binary.LittleEndian.Uint16(rest))
		fields[i], rest = rest[2:2+n], rest[2+n:]
	}
	to, err := principal.FromBytes(fields[1])
	if err != nil || len(rest) != 0 {
		return r, &stable.LayoutError{What: "an intent", Found: "a long callee or more bytes"}
	}
	r.intent.Origin, r.intent.To, r.intent.Method = string(fields[0]), to, string(fields[2])
	r.intent.Note = append([]byte(nil), fields[3]...)
	return r, nil
}

// storeIntent records a call before it leaves. Composite queries keep no state.
func (in *Instance) storeIntent(m *Message, c *Call, env uint32) error {
	if m.kind == kindComposite {
		return nil
	}
	if m.context == 0 {
		in.contexts++
		m.context = uint64(in.generation)<<48 | in.contexts
	}
	r := record{context: m.context, intent: Intent{Origin: m.method, To: c.To, Method: c.Method, Cycles: c.Cycles, Note: c.Note, Time: m.time}}
	if m.answered || m.kind == kindTimer {
		r.flags = flagAnswered
	}
	return in.intents.Put(openKey(env), r.encode())
}

// takeIntent removes the record of an open call.
func (in *Instance) takeIntent(env uint32) (record, bool) {
	b, ok := in.intents.Get(openKey(env))
	if !ok {
		return record{}, false
	}
	in.intents.Delete(openKey(env))
	r, err := decodeRecord(b)
	if err != nil {
		panic(err)
	}
	return r, true
}

func (in *Instance) dropIntent(env uint32) { in.intents.Delete(openKey(env)) }

// markAnswered notes in the open intents of a call context that its caller has an answer.
func (in *Instance) markAnswered(context uint64) {
	type entry struct {
		key []byte
		r   record
	}
	var found []entry
	in.intents.Scan([]byte{prefixOpen}, func(key, value []byte) bool {
		if key[0] != prefixOpen {
			return false
		}
		if r, err := decodeRecord(value); err == nil && r.context == context && r.flags&flagAnswered == 0 {
			found = append(found, entry{append([]byte(nil), key...), r})
		}
		return true
	})
	for i := range found {
		found[i].r.flags |= flagAnswered
		if err := in.intents.Put(found[i].key, found[i].r.encode()); err != nil {
			panic(err) // the record has the same length as before
		}
	}
}

// orphan takes a callback whose call no goroutine of this generation made.
func (in *Instance) orphan(env uint32, o Outcome) {
	m := in.message("callback of an older generation", kindOrphan)
	in.run(m, func() {
		r, ok := in.takeIntent(env)
		if !ok {
			return // a reinstallation wiped the record; the system rejects the caller
		}
		in.countOpen(r.intent.To, -1)
		m.answered, m.context = r.flags&flagAnswered != 0, r.context
		if in.program.Orphan != nil {
			in.program.Orphan(m, r.intent, o)
		}
		if !m.answered {
			_ = m.Reject(orphanRejected)
		}
	})
}

// loseIntent keeps the record of a call whose callback trapped for the hook, which a task
// asks: a cleanup has few instructions and nobody to answer.
func (in *Instance) loseIntent(env uint32, code Code) {
	r, ok := in.takeIntent(env)
	if ok && uint16(env>>16) != in.generation {
		in.countOpen(r.intent.To, -1)
	}
	if !ok || in.program.Orphan == nil {
		return
	}
	r.code, r.asked = byte(code), 0
	n := uint64(0)
	if key, _, ok := in.intents.Last(); ok && key[0] == prefixLost {
		n = binary.BigEndian.Uint64(key[1:]) + 1
	}
	if err := in.intents.Put(binary.BigEndian.AppendUint64([]byte{prefixLost}, n), r.encode()); err != nil {
		panic(err)
	}
	in.queueTask(orphanTask, in.sys.Time())
}

// nextLost is the first record that the hook was not asked about too often.
func (in *Instance) nextLost() (key []byte, r record, ok bool) {
	in.intents.Scan([]byte{prefixLost}, func(k, value []byte) bool {
		var err error
		if r, err = decodeRecord(value); err == nil && r.asked < maxHookAsked {
			key, ok = append([]byte(nil), k...), true
		}
		return !ok
	})
	return key, r, ok
}

// askHook runs in the kit's own task, for the record that markAsked chose. The count of
// the asked was raised in the timer's message, so it stays raised if the hook traps.
func (in *Instance) askHook(m *Message, key []byte) error {
	value, ok := in.intents.Get(key)
	if !ok || in.program.Orphan == nil {
		return nil
	}
	r, err := decodeRecord(value)
	if err != nil {
		return err
	}
	o := Outcome{Lost: true}
	if r.code != 0 {
		o.Err = &CallError{Code: Code(r.code), Message: "the text was lost with a trap", Sent: true}
	}
	in.program.Orphan(m, r.intent, o)
	in.intents.Delete(key)
	return nil
}

// markAsked chooses the next record for the hook and raises its count.
func (in *Instance) markAsked() (key []byte) {
	key, r, ok := in.nextLost()
	if !ok {
		return nil
	}
	r.asked++
	if err := in.intents.Put(key, r.encode()); err != nil {
		panic(err) // the record has the same length as before
	}
	return key
}

// OpenIntents are the calls whose answers are not there, for people and tests.
func OpenIntents(m *Message) []Intent {
	var out []Intent
	m.in.intents.Scan([]byte{prefixOpen}, func(key, value []byte) bool {
		if r, err := decodeRecord(value); err == nil && key[0] == prefixOpen {
			out = append(out, r.intent)
		}
		return key[0] == prefixOpen
	})
	return out
}
