package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"assay/ic/certificate/bls"
)

// maxStatus is the longest status in bytes.
const maxStatus = 1 << 16

// Status is what a network says of itself. Nobody signs it.
type Status struct {
	RootKey []byte // DER; empty where the network tells none
	Version string // of the program that answers
	Health  string // "healthy" when it takes requests
}

// FetchStatus asks a network how it is.
func FetchStatus(ctx context.Context, network string) (Status, error) {
	s, err := fetchStatus(ctx, network)
	if err != nil {
		return s, fmt.Errorf("fetch status: %w", err)
	}
	return s, nil
}

func fetchStatus(ctx context.Context, network string) (s Status, err error) {
	at, err := url.JoinPath(network, "/api/v2/status")
	if err != nil {
		return s, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return s, err
	}
	resp, err := watch(nil, maxStatus).Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return s, err
	}
	var w struct {
		RootKey []byte `cbor:"root_key"`
		Version string `cbor:"impl_version"`
		Health  string `cbor:"replica_health_status"`
	}
	if err := unmarshal(body, &w); err != nil {
		return s, err
	}
	if len(w.RootKey) > 0 {
		if _, err := bls.ParseDER(w.RootKey); err != nil {
			return s, err
		}
	}
	return Status(w), nil
}

// FetchRootKey asks a network for its own root key, in DER. The answer is not signed by
// anybody, so this is for development networks alone: whoever answers could be anyone.
func FetchRootKey(ctx context.Context, network string) ([]byte, error) {
	s, err := fetchStatus(ctx, network)
	if err == nil && len(s.RootKey) == 0 {
		err = errors.New("the network does not tell one")
	}
	if err != nil {
		return nil, fmt.Errorf("fetch root key: %w", err)
	}
	return s.RootKey, nil
}
