package host

// Context is where in a canister's life a piece of code runs. It decides which system
// calls are allowed.
type Context uint32

// Contexts. Callback contexts of composite queries have their own.
const (
	Start Context = 1 << iota
	Init          // also post_upgrade
	PreUpgrade
	Update
	ReplicatedQuery
	PlainQuery
	Transform
	CompositeQuery
	Reply
	RejectCallback
	CompositeReply
	CompositeReject
	Cleanup
	CompositeCleanup
	Inspect
	Task // heartbeat, global timer, low memory
)

const (
	everywhere = Task<<1 - 1
	running    = everywhere &^ Start // all but the start function
	callbacks  = Reply | RejectCallback | CompositeReply | CompositeReject
	answering  = Update | ReplicatedQuery | PlainQuery | Transform | CompositeQuery | callbacks
	calling    = Update | CompositeQuery | callbacks | Task
	earning    = Update | Reply | RejectCallback
	replicated = Start | Init | PreUpgrade | Update | ReplicatedQuery | Reply | RejectCallback | Cleanup | Task
)

var contextNames = map[Context]string{
	Start: "start", Init: "init", PreUpgrade: "pre upgrade", Update: "update", ReplicatedQuery: "replicated query",
	PlainQuery: "non-replicated query", Transform: "transform", CompositeQuery: "composite query", Reply: "reply callback",
	RejectCallback: "reject callback", CompositeReply: "composite reply callback",
	CompositeReject: "composite reject callback", Cleanup: "cleanup", CompositeCleanup: "composite cleanup",
	Inspect: "inspect message", Task: "system task",
}

// String is the context in words.
func (c Context) String() string { return contextNames[c] }
