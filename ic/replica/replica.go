package replica

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/disk"
	"assay/ic/replica/host"
	"assay/ic/replica/state"
)

// Names that callers of this package need.
type (
	Reject       = state.Reject
	RequestID    = state.RequestID
	Ingress      = state.Ingress
	Query        = state.Query
	Status       = state.Status
	Phase        = state.Phase
	Info         = state.Info
	Metadata     = state.Metadata
	Metrics      = state.Metrics
	CallerInfo   = host.CallerInfo
	Books        = state.Books
	MessageStats = state.MessageStats

	Outcall       = state.Outcall
	OutcallResult = state.OutcallResult
)

// Phases of an ingress message.
const (
	Received   = state.Received
	Processing = state.Processing
	Replied    = state.Replied
	Rejected   = state.Rejected
	Done       = state.Done
)

// Errors of [Network.Await] and [Network.Kept].
var (
	ErrUnknownRequest = state.ErrUnknownRequest
	ErrEnded          = state.ErrEnded
	ErrNotKept        = state.ErrNotKept
)

// Certifier signs a freshly built tree: with the subnet key, and with a delegation
// from the root key whose canister ranges are in the sharded or the flat layout.
type Certifier interface {
	Certify(tree hashtree.Node, sharded bool) ([]byte, error)
}

// Outcaller makes an HTTP request for a canister, as ic/replica/outcall does. It is asked
// for several at once, and again after a restart for those without a result.
type Outcaller interface {
	Fetch(ctx context.Context, o Outcall) OutcallResult
}

// Config is how a network is opened. The zero value is a network in memory.
type Config struct {
	Dir                 string           // where the state is kept, for one network at a time; empty: nowhere
	Files               disk.FS          // the file system of Dir; nil: the system's
	CompilationCacheDir string           // compiled modules; empty: compiled anew in each process
	Logger              *slog.Logger     // nil: silent
	Clock               func() time.Time // nil: time.Now
	Certifier           Certifier        // nil: data_certificate is absent in queries
	RootKey             []byte           // DER of the root key, for the system call root_key
	SubnetID            principal.Principal
	Admins              []principal.Principal // subnet admins, who create and list canisters; nil: nobody
	KeySeed             []byte                // of threshold keys, which are for development only; nil: a seed that all know
	SubnetSize          int                   // nodes that prices are for; 0: as before, 13 for a new network
	Touch               cycles.Touch          // what touched pages of memory cost; zero: as before, [cycles.TouchDirty] for a new network
	Pace                Pace                  // who decides when rounds run and how time goes
	StopTimeout         time.Duration         // how long stop_canister waits for open calls; 0: 5 minutes
	Seed                []byte                // makes raw_rand predictable, for tests; nil: the system's entropy
	Record              io.Writer             // gets a recording from the start to the end, as [Network.Record] makes one; nil: nobody
	RecordOptions       RecordOptions         // of Record
	Outcalls            Outcaller             // makes the HTTP requests of canisters; nil: they may make none
	Observe             func(MessageStats)    // called for each message, queries too; must be quick and not call the network
	// Fault, for tests, is asked after each message that may change a canister (kind as in
	// [MessageStats]); with a text the message traps, and what it did is undone. Not asked are
	// cleanups and installations. As quick as Observe.
	Fault func(canister principal.Principal, kind string) (text string)
}

// Network is one subnet in this process.
type Network struct {
	config  Config
	engine  *host.Engine
	machine *state.Machine
	clock   *clock
	drive   sync.Mutex // held by whoever makes batches; the machine's mutex comes after it
	keep    keeper     // guarded by drive
	records []*recording
	closed  bool

	recovering atomic.Bool
	writing    sync.WaitGroup // a checkpoint in the background
	fetches    fetches        // guarded by drive

	closing  sync.Once
	closeErr error
}

// Open makes a network, which goes on from the state in Dir if there is one. Files that
// are not what was written to them are a [*disk.CorruptError].
func Open(config Config) (*Network, error) { return open(config) }

// Run executes rounds until ctx ends, then writes a checkpoint and returns nil.
func (n *Network) Run(ctx context.Context) error { return n.run(ctx) }

// Step executes one round and reports whether more work waits. It is for tests and
// tools that do not call [Network.Run].
func (n *Network) Step(ctx context.Context) bool { return n.step(ctx) }

// Tick executes so many rounds. Where the pace is [UntilTick] it becomes [Manual]; in
// manual pace a round moves the time by a nanosecond.
func (n *Network) Tick(ctx context.Context, rounds int) error { return n.tick(ctx, rounds) }

// SetTime moves the network's time forward, and makes the pace manual like
// [Network.Tick]; in pace [Live] time goes on from there. A time before the network's is a
// [*TimeError].
func (n *Network) SetTime(ctx context.Context, t time.Time) error { return n.setTime(ctx, t) }

// Pace is who decides now when rounds run.
func (n *Network) Pace() Pace { return n.clock.pace() }

// Close writes a checkpoint, so that the next start is quick, and frees what the canisters
// hold. Run does it by itself.
func (n *Network) Close() error { return n.close() }

// Submit takes an update call, without waiting. Nil means that nothing speaks against it;
// [Network.Kept] tells when it will be executed whatever happens, and from then on
// [Network.Status] knows it. A request id that is known already is not executed again.
func (n *Network) Submit(ctx context.Context, in Ingress) *Reject { return n.machine.Submit(ctx, in) }

// Kept waits until a submitted message is where no crash can lose it. Nobody may be told
// that a message was taken before that. After [ErrNotKept] it was not taken.
func (n *Network) Kept(ctx context.Context, id RequestID) error { return n.machine.Kept(ctx, id) }

// Await waits until the request is replied, rejected or forgotten.
func (n *Network) Await(ctx context.Context, id RequestID) (Status, error) {
	return n.machine.Await(ctx, id)
}

// Status is what is known of a request.
func (n *Network) Status(id RequestID) (Status, bool) { return n.machine.Status(id) }

// Query reads from a canister, or canister_status from the management canister.
func (n *Network) Query(ctx context.Context, q Query) ([]byte, *Reject) {
	return n.machine.Query(ctx, q)
}

// Info is the public face of a canister, false if there is none of that id.
func (n *Network) Info(canister principal.Principal) (Info, bool) { return n.machine.Info(canister) }

// Metrics are those of the subnet.
func (n *Network) Metrics() Metrics { return n.machine.Metrics() }

// Canisters are the ids of all canisters, sorted.
func (n *Network) Canisters() []principal.Principal { return n.machine.Canisters() }

// Log is what a canister printed lately and why its messages trapped, at most 4 KiB.
func (n *Network) Log(canister principal.Principal) []string { return n.machine.Log(canister) }

// Books adds up all cycles of the network.
func (n *Network) Books() Books { return n.machine.Books() }

// StateHash is one hash over the whole state: the same settings and messages at the same
// round times with the same entropy give the same hash, on every machine and after any
// restart or crash.
func (n *Network) StateHash() (sum [32]byte, err error) { return n.stateHash() }

// Record writes what happens from now on to w, with the state to begin with and a hash of
// the state at the end; [Replay] executes it again. It returns when ctx or the network
// ends, after so many rounds, or when w fails. The network waits for w.
func (n *Network) Record(ctx context.Context, w io.Writer, o RecordOptions) error {
	return n.record(ctx, w, o)
}

// Touch is what touched pages of memory cost.
func (n *Network) Touch() cycles.Touch { return n.machine.Settings().Touch }

// Prices are what things cost on the network.
func (n *Network) Prices() cycles.Prices { return n.machine.Settings().Prices }

// Time is the network's time. It never goes back.
func (n *Network) Time() time.Time { return n.machine.Time() }
