package host

import "unicode/utf8"

// messageCalls are about the message being answered.
var messageCalls = concat(
	blob("msg_arg_data", Init|Update|ReplicatedQuery|PlainQuery|Transform|CompositeQuery|Reply|CompositeReply|Inspect,
		func(x *Execution) []byte { return x.Input.Arg }),
	blob("msg_caller", running, func(x *Execution) []byte { return x.Input.Caller.Bytes() }),
	blob("msg_caller_info_data", identified, func(x *Execution) []byte { return x.Input.Info.Data }),
	blob("msg_caller_info_signer", identified, func(x *Execution) []byte { return x.Input.Info.Signer.Bytes() }),
	blob("msg_reject_msg", RejectCallback|CompositeReject, func(x *Execution) []byte { return []byte(x.Input.RejectMessage) }),
	blob("msg_method_name", Inspect, func(x *Execution) []byte { return []byte(x.Input.Method) }),
	[]systemCall{
		number("msg_reject_code", i32, callbacks|Cleanup, func(x *Execution) uint64 { return uint64(x.Input.RejectCode) }),
		number("msg_deadline", i64, Update|ReplicatedQuery|PlainQuery|CompositeQuery|callbacks, func(x *Execution) uint64 { return x.Input.Deadline }),
		{name: "msg_reply_data_append", params: sig(i32, i32), where: answering, cost: costUsual, run: replyAppend},
		{name: "msg_reply", where: answering, cost: costUsual, run: func(x *Execution, _ []uint64) {
			x.answer(Answer{Data: x.reply})
		}},
		{name: "msg_reject", params: sig(i32, i32), where: answering, cost: costUsual, run: func(x *Execution, s []uint64) {
			x.checkReply(uint64(u32(s[1])))
			text := x.copied(u32(s[0]), u32(s[1]))
			if !utf8.Valid(text) {
				x.violate("ic0.msg_reject: invalid UTF-8 string provided")
			}
			x.answer(Answer{Rejected: true, Data: text})
		}},
		{name: "accept_message", where: Inspect, cost: costUsual, run: func(x *Execution, _ []uint64) {
			if x.Accept {
				x.violate("ic0.accept_message: the function was already called")
			}
			x.Accept = true
		}},
	},
)

// identified are the contexts in which attributes of the caller may be read.
const identified = Update | ReplicatedQuery | PlainQuery | CompositeQuery | callbacks | Cleanup | CompositeCleanup | Inspect

func (x *Execution) replicated() bool { return x.where&replicated != 0 }

func (x *Execution) checkReply(size uint64) {
	limit := uint64(MaxQueryReply)
	if x.replicated() {
		limit = MaxReply
	}
	if size > limit {
		x.violate("ic0.%s: application payload size (%d) cannot be larger than %d.", x.call, size, limit)
	}
}

func replyAppend(x *Execution, s []uint64) {
	at, size := u32(s[0]), u32(s[1])
	if x.answered() {
		x.violate("ic0.%s: the call is already replied", x.call)
	}
	x.checkReply(uint64(len(x.reply)) + uint64(size))
	view := x.bytes(at, size)
	x.charge(uint64(size))
	x.reply = append(x.reply, view...)
}

func (x *Execution) answered() bool { return x.Input.Answered || x.Answer != nil }

func (x *Execution) answer(a Answer) {
	if x.answered() {
		x.violate("ic0.%s: the call is already replied", x.call)
	}
	x.Answer = &a
}
