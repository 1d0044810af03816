package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"assay/ic/replica"
)

// Client controls the network at a URL.
type Client struct{ URL string }

// Error is a network's refusal.
type Error struct {
	Status int
	Text   string
}

// Error is the text.
func (e *Error) Error() string { return e.Text }

// State asks for time and pace.
func (c Client) State(ctx context.Context) (s State, err error) {
	return s, c.do(ctx, http.MethodGet, "state", nil, &s)
}

// Hash asks for the hash of the whole state.
func (c Client) Hash(ctx context.Context) (h Hash, err error) {
	return h, c.do(ctx, http.MethodPost, "hash", nil, &h)
}

// Tick runs rounds.
func (c Client) Tick(ctx context.Context, rounds int) (s State, err error) {
	return s, c.do(ctx, http.MethodPost, "tick", tickRequest{rounds}, &s)
}

// SetTime moves the time forward.
func (c Client) SetTime(ctx context.Context, t time.Time) (s State, err error) {
	return s, c.do(ctx, http.MethodPost, "set-time", timeRequest{t}, &s)
}

// Record copies a recording to w. When ctx ends the recording is ended and its last part
// is copied still. The connection is given up when done ends.
func (c Client) Record(ctx, done context.Context, w io.Writer, o replica.RecordOptions) error {
	resp, err := c.send(done, http.MethodPost, "record", recordRequest(o))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = c.do(done, http.MethodPost, "record/end", endRequest{resp.Header.Get(idHeader)}, &struct{}{}) // else the copy below says what is wrong
	})
	defer stop()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("record %s: %w", c.URL, err)
	}
	return nil
}

func (c Client) do(ctx context.Context, method, what string, in, out any) error {
	resp, err := c.send(ctx, method, what, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", what, c.URL, err)
	}
	return nil
}

// send returns the answer if it is a good one.
func (c Client) send(ctx context.Context, method, what string, in any) (*http.Response, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+Prefix+what, &body)
	if err != nil {
		return nil, err
	}
	r.Header.Set(Header, "1")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: is the network running?", what, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, c.URL, err)
	}
	var refused refusal
	if json.Unmarshal(text, &refused) != nil || refused.Error == "" {
		return nil, fmt.Errorf("%s %s: status %d: %w", what, c.URL, resp.StatusCode, errors.New("this is not a network of assay"))
	}
	return nil, &Error{resp.StatusCode, refused.Error}
}
