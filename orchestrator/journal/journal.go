// Package journal keeps what a provider's daemon must not lose over a kill: the tickets
// that wait for a stage, and results that were computed but not yet written back. It is
// NATS JetStream with a file store, embedded in the daemon by default or an external
// cluster by URL. The stages put, fetch and acknowledge; what a ticket means is theirs.
//
// Delivery may repeat, so every stage is idempotent: an item is acknowledged only after
// its effect is stored further on.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Queue is a durable work queue between two stages.
type Queue string

// The queues, named for what their items are.
const (
	Assigned Queue = "assigned" // tickets that wait to be run
	Computed Queue = "computed" // tickets whose result waits to be written back
)

const (
	maxItemBytes   = 1 << 20 // a ticket is small; results are stored apart
	maxResultBytes = 8 << 20 // market outputs are capped far below
	maxItems       = 100_000 // then Put fails and the poller tries again later
	dedupWindow    = 10 * time.Minute
	ackWait        = 60 * time.Second // an item not acknowledged or extended in this time is handed out again
	resultTTL      = 24 * time.Hour   // results of jobs that ended without us
	readyTimeout   = 20 * time.Second
)

// Config says where the journal lives. Dir is required unless URL names a cluster.
type Config struct {
	Dir    string // folder of the embedded file store
	URL    string // external NATS cluster; empty embeds a server that listens nowhere
	Name   string // prefix of streams, for several providers on one cluster
	Logger *slog.Logger
}

// Journal is open until Close.
type Journal struct {
	name   string
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	queues map[Queue]jetstream.Consumer
	kv     jetstream.KeyValue
}

// Open starts or joins the store. Everything that was acknowledged to a caller before a
// kill is there again.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	j := &Journal{name: cfg.Name, queues: map[Queue]jetstream.Consumer{}}
	if j.name == "" {
		j.name = "assay"
	}
	if err := j.connect(cfg); err != nil {
		j.Close()
		return nil, err
	}
	if err := j.create(ctx); err != nil {
		j.Close()
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

func (j *Journal) connect(cfg Config) (err error) {
	if cfg.URL != "" {
		j.conn, err = nats.Connect(cfg.URL, nats.Name(j.name), nats.MaxReconnects(-1))
		if err == nil {
			j.js, err = jetstream.New(j.conn)
		}
		if err != nil {
			return fmt.Errorf("connect to the NATS cluster at %s: %w", cfg.URL, err)
		}
		return nil
	}
	dir := filepath.Join(cfg.Dir, "jetstream")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create journal folder: %w", err)
	}
	j.server, err = server.NewServer(&server.Options{
		ServerName: j.name, JetStream: true, StoreDir: dir, SyncAlways: true, DontListen: true,
		NoSigs: true, NoLog: true, MaxPayload: maxResultBytes + 4096,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 8 << 30,
	})
	if err != nil {
		return fmt.Errorf("start embedded JetStream: %w", err)
	}
	j.server.Start()
	if !j.server.ReadyForConnections(readyTimeout) {
		return fmt.Errorf("embedded JetStream in %s did not get ready within %s", dir, readyTimeout)
	}
	j.conn, err = nats.Connect("", nats.InProcessServer(j.server), nats.Name(j.name))
	if err == nil {
		j.js, err = jetstream.New(j.conn)
	}
	if err != nil {
		return fmt.Errorf("connect to embedded JetStream: %w", err)
	}
	return nil
}

func (j *Journal) create(ctx context.Context) error {
	for _, q := range []Queue{Assigned, Computed} {
		stream := j.name + "-" + string(q)
		if _, err := j.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: stream, Subjects: []string{j.subject(q)}, Storage: jetstream.FileStorage,
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
			MaxMsgs: maxItems, MaxMsgSize: maxItemBytes, Duplicates: dedupWindow,
		}); err != nil {
			return fmt.Errorf("queue %s: %w", q, err)
		}
		if j.server != nil {
			// An embedded store has one owner, this process, so what an earlier one had in its
			// hands when it was killed need not wait for its lease to end.
			if err := j.js.DeleteConsumer(ctx, stream, string(q)); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return fmt.Errorf("queue %s: %w", q, err)
			}
		}
		c, err := j.js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
			Durable: string(q), AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 1000,
		})
		if err != nil {
			return fmt.Errorf("queue %s: %w", q, err)
		}
		j.queues[q] = c
	}
	kv, err := j.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: j.name + "-results", Storage: jetstream.FileStorage, TTL: resultTTL, MaxValueSize: maxResultBytes,
	})
	j.kv = kv
	return err
}

func (j *Journal) subject(q Queue) string { return j.name + "." + string(q) }

// Close stops the store. What was acknowledged stays on disk.
func (j *Journal) Close() {
	if j.conn != nil {
		j.conn.Close()
	}
	if j.server != nil {
		j.server.Shutdown()
		j.server.WaitForShutdown()
	}
}

// Put appends a ticket unless one with the same id was put within the last ten minutes;
// fresh says which. When Put returns without an error the ticket is on disk.
func (j *Journal) Put(ctx context.Context, q Queue, id string, ticket []byte) (fresh bool, err error) {
	ack, err := j.js.Publish(ctx, j.subject(q), ticket, jetstream.WithMsgID(string(q)+"/"+id))
	if err != nil {
		return false, fmt.Errorf("journal ticket %s in queue %s: %w", id, q, err)
	}
	return !ack.Duplicate, nil
}

// Item is one ticket in a stage's hands.
type Item struct {
	Ticket []byte
	Tries  uint64 // how often it was handed out, this time included
	msg    jetstream.Msg
}

// Done removes the ticket: its effect is stored further on.
func (i Item) Done(ctx context.Context) error { return i.msg.DoubleAck(ctx) }

// Again hands the ticket out once more after the delay.
func (i Item) Again(after time.Duration) error { return i.msg.NakWithDelay(after) }

// Working extends the lease of a ticket that takes long.
func (i Item) Working() error { return i.msg.InProgress() }

// Fetch waits at most the given time for the next ticket; ok is false when none came.
func (j *Journal) Fetch(ctx context.Context, q Queue, wait time.Duration) (item Item, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	msg, err := j.queues[q].Next(jetstream.FetchContext(ctx))
	switch {
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Item{}, false, nil
	case err != nil:
		return Item{}, false, fmt.Errorf("fetch from queue %s: %w", q, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return Item{}, false, fmt.Errorf("fetch from queue %s: %w", q, err)
	}
	return Item{Ticket: msg.Data(), Tries: meta.NumDelivered, msg: msg}, true, nil
}

// Depth is the number of tickets in a queue, those in a stage's hands included.
func (j *Journal) Depth(ctx context.Context, q Queue) (int, error) {
	s, err := j.js.Stream(ctx, j.name+"-"+string(q))
	if err != nil {
		return 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int(info.State.Msgs), nil
}

// Save stores a result before anything is promised about it.
func (j *Journal) Save(ctx context.Context, key string, result []byte) error {
	if len(result) > maxResultBytes {
		return fmt.Errorf("result %s has %d bytes, at most %d are kept", key, len(result), maxResultBytes)
	}
	if _, err := j.kv.Put(ctx, key, result); err != nil {
		return fmt.Errorf("save result %s: %w", key, err)
	}
	return nil
}

// Load returns a saved result, false when there is none.
func (j *Journal) Load(ctx context.Context, key string) ([]byte, bool, error) {
	e, err := j.kv.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("load result %s: %w", key, err)
	}
	return e.Value(), true, nil
}

// Forget removes a result that was written back or is no longer wanted.
func (j *Journal) Forget(ctx context.Context, key string) error {
	if err := j.kv.Purge(ctx, key); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("forget result %s: %w", key, err)
	}
	return nil
}
