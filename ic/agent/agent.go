// Package agent calls canisters over a network's public HTTP interface and believes
// nothing that is not signed.
//
// It builds and signs requests itself, lets agent-go carry them, and checks every
// answer: certificates down to the root key, with canister ranges and time, for updates
// and state; node signatures against certified node keys for queries. agent-go's own
// call path is not used: it accepts an unsigned answer of the synchronous call.
// Commands, clients and the provider's daemon talk to networks through this package.
// Encoding arguments is left to generated Candid clients, which take [Agent.Canister].
//
//	key, err := agent.FetchRootKey(ctx, url) // development networks only
//	a, err := agent.New(agent.Config{URL: url, Identity: id, RootKey: key})
//	market := marketapi.NewClient(a.Canister(marketID))
package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	agentgo "github.com/aviate-labs/agent-go"
	agentprincipal "github.com/aviate-labs/agent-go/principal"

	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/bls"
	"assay/ic/identity"
	"assay/ic/principal"
)

// Config says which network to talk to, and as whom. URL and RootKey are required.
type Config struct {
	// URL of the network, such as http://127.0.0.1:4943. A path in it is kept.
	URL string
	// RootKey is the network's root key in DER: everything is checked against it.
	RootKey []byte
	// Identity signs requests. Nil is the anonymous sender.
	Identity identity.Identity
	// HTTP carries the requests. Nil is a client of our own.
	HTTP *http.Client
	// IngressExpiry is how long a request stays valid. Zero is 4 minutes; networks
	// refuse more than 5.
	IngressExpiry time.Duration
	// MaxAge is how far a certificate's or node's time may lie from ours, in either
	// direction. Zero is 5 minutes.
	MaxAge time.Duration
	// Poll is the first pause between two looks at a call that takes long; later pauses
	// grow to eight times that. Zero is 100 milliseconds.
	Poll time.Duration
	// MaxResponse is the longest answer in bytes. Zero is 4 MiB.
	MaxResponse int64
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// Validate names everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, fmt.Errorf("URL %q: want http:// or https:// and a host", c.URL))
	}
	if _, err := bls.ParseDER(c.RootKey); err != nil {
		errs = append(errs, fmt.Errorf("RootKey: %w", err))
	}
	if c.IngressExpiry < 0 || c.IngressExpiry > 5*time.Minute {
		errs = append(errs, fmt.Errorf("IngressExpiry %s: want at most 5m", c.IngressExpiry))
	}
	if c.MaxAge < 0 || c.Poll < 0 || c.MaxResponse < 0 {
		errs = append(errs, errors.New("MaxAge, Poll, MaxResponse: want no negative value"))
	}
	return errors.Join(errs...)
}

// maxBody is the longest request a network takes.
const maxBody = 2 << 20

// Agent talks to one network as one sender. It is safe for concurrent use.
type Agent struct {
	cfg    Config
	client agentgo.Client
	nodes  nodeCache
}

// New checks the configuration and returns an agent. It starts and contacts nothing.
func New(cfg Config) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("agent configuration: %w", err)
	}
	if cfg.Identity == nil {
		cfg.Identity = identity.Anonymous{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.IngressExpiry = orDefault(cfg.IngressExpiry, 4*time.Minute)
	cfg.MaxAge = orDefault(cfg.MaxAge, 5*time.Minute)
	cfg.Poll = orDefault(cfg.Poll, 100*time.Millisecond)
	cfg.MaxResponse = orDefault(cfg.MaxResponse, 4<<20)
	host, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("agent configuration: %w", err)
	}
	return &Agent{
		cfg:    cfg,
		client: agentgo.NewClient(agentgo.WithHostURL(host), agentgo.WithHttpClient(watch(cfg.HTTP, cfg.MaxResponse))),
		nodes:  nodeCache{mu: nodeCacheMu{byCanister: map[principal.Principal]*nodeKeys{}}},
	}, nil
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Sender is the principal that signs the requests.
func (a *Agent) Sender() principal.Principal { return a.cfg.Identity.Sender() }

// RootKey is the root key that answers are checked against, in DER.
func (a *Agent) RootKey() []byte { return append([]byte{}, a.cfg.RootKey...) }

// Canister returns a caller of one canister, for generated clients.
func (a *Agent) Canister(id principal.Principal) Canister { return Canister{a, id, id} }

// Management returns a caller of the management canister. Requests are routed by the
// effective id: the canister that is managed or, to create one, any id that the subnet
// hosts.
func (a *Agent) Management(effective principal.Principal) Canister {
	return Canister{a, principal.Management, effective}
}

// Canister calls one canister's methods; it is a [candid.Caller].
type Canister struct {
	agent         *Agent
	id, effective principal.Principal
}

var _ candid.Caller[context.Context] = Canister{}

// Call makes an update or a query, as the kind says, and returns the reply's bytes.
// Errors are [*Error].
func (c Canister) Call(ctx context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind == candid.Update {
		return c.agent.UpdateEffective(ctx, c.id, c.effective, method, arg)
	}
	return c.agent.query(ctx, c.id, c.effective, method, arg)
}

// request is what a call and a query have in common.
func (a *Agent) request(kind string, canister principal.Principal, method string, arg []byte) (content, uint64) {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	expiry := uint64(a.cfg.Now().Add(a.cfg.IngressExpiry).UnixNano())
	return content{
		{"request_type", kind},
		{"sender", a.Sender().Bytes()},
		{"ingress_expiry", expiry},
		{"nonce", nonce},
		{"canister_id", canister.Bytes()},
		{"method_name", method},
		{"arg", append([]byte{}, arg...)},
	}, expiry
}

// ReadState reads paths of the state tree and returns the verified certificate, also as
// the bytes that came. The effective id routes the request, and the signing subnet must
// host it.
func (a *Agent) ReadState(ctx context.Context, effective principal.Principal, paths ...[][]byte) (*certificate.Certificate, []byte, error) {
	c, raw, err := a.readState(ctx, effective, paths)
	if err != nil {
		return nil, nil, problem("read state", effective, "", No, err)
	}
	return c, raw, nil
}

func (a *Agent) readState(ctx context.Context, effective principal.Principal, paths [][][]byte) (*certificate.Certificate, []byte, error) {
	body, _, err := content{
		{"request_type", "read_state"},
		{"sender", a.Sender().Bytes()},
		{"ingress_expiry", uint64(a.cfg.Now().Add(a.cfg.IngressExpiry).UnixNano())},
		{"paths", paths},
	}.sign(a.cfg.Identity)
	if err != nil {
		return nil, nil, err
	}
	answer, err := a.client.ReadState(ctx, foreign(effective), body)
	if err != nil {
		return nil, nil, err
	}
	var w struct {
		Certificate []byte `cbor:"certificate"`
	}
	if err := unmarshal(answer, &w); err != nil {
		return nil, nil, err
	}
	c, err := a.verify(w.Certificate, effective)
	return c, w.Certificate, err
}

// verify decodes a certificate and checks it for the effective id, now.
func (a *Agent) verify(raw []byte, effective principal.Principal) (*certificate.Certificate, error) {
	c, err := certificate.Decode(raw)
	if err != nil {
		return nil, &AnswerError{err}
	}
	if err := c.Verify(a.cfg.RootKey, effective, a.cfg.Now(), a.cfg.MaxAge); err != nil {
		return nil, &AnswerError{err}
	}
	return c, nil
}

// foreign is agent-go's form of a principal.
func foreign(p principal.Principal) agentprincipal.Principal {
	return agentprincipal.Principal{Raw: p.Bytes()}
}

// nodeCache remembers certified node keys per canister.
type nodeCache struct{ mu nodeCacheMu }

type nodeCacheMu struct {
	sync.Mutex
	byCanister map[principal.Principal]*nodeKeys
}
