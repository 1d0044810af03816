// Package pocketic is a thin client of the PocketIC server, a network of the Internet Computer's
// own replica code for tests. It starts the server's binary, makes one instance with an NNS
// and an application subnet, and lets time and rounds go; the instance's URL then serves the
// ordinary HTTP interface, for package agent and any other client. `--network pocketic`
// uses it.
//
// Nothing here is signed: the server is a program on this machine that the user named.
// Its answers are bounded all the same.
//
//	s, err := pocketic.Start(ctx, pocketic.Config{Binary: os.Getenv(pocketic.Env)})
//	…
//	defer s.Close()
//	i, err := s.Create(ctx)
//	…
//	err = i.AutoProgress(ctx)
//	a, err := agent.New(agent.Config{URL: i.URL(), RootKey: key}) // fetched from i.URL()
package pocketic

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
)

// Env names the environment variable with the path of the server's binary.
const Env = "POCKET_IC_BIN"

const (
	maxAnswer  = 1 << 20                // bytes of an answer
	maxMessage = 1 << 10                // bytes of an error's text that are kept
	pollPause  = 10 * time.Millisecond  // between looks at an operation that takes long
	maxPause   = 500 * time.Millisecond // the pause grows up to this
	patience   = 5 * time.Minute        // that the server may work on one operation
)

// Error is what the server says when it refuses.
type Error struct {
	Operation string
	Status    int
	Message   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("PocketIC, %s: %s (HTTP %d)", e.Operation, e.Message, e.Status)
}

// ErrAnswer says that an answer is not what the server's interface has.
var ErrAnswer = errors.New("an answer that is not PocketIC's")

// Server is a server that listens somewhere.
type Server struct {
	url    string
	client *http.Client
	stop   func() error // ends the process, if we started it
}

// Connect names a server that runs already. Close leaves it running.
func Connect(url string) *Server {
	return &Server{url: strings.TrimSuffix(url, "/"), client: &http.Client{}, stop: func() error { return nil }}
}

// URL is where the server listens.
func (s *Server) URL() string { return s.url }

// Close ends the server if it was started here.
func (s *Server) Close() error { return s.stop() }

// Status asks whether the server answers.
func (s *Server) Status(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodGet, "/status", nil)
	return err
}

// call makes one request and returns the body of its final answer, following an operation
// that the server only started.
func (s *Server) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pause := pollPause
	for {
		status, answer, err := s.once(ctx, method, path, body)
		if err != nil {
			return nil, fmt.Errorf("PocketIC, %s: %w", path, err)
		}
		switch status {
		case http.StatusOK, http.StatusCreated:
			return answer, nil
		case http.StatusAccepted:
			started, err := parseStarted(answer)
			if err != nil {
				return nil, fmt.Errorf("PocketIC, %s: %w", path, err)
			}
			method, path, body = http.MethodGet, started, nil
		case http.StatusConflict: // busy with another operation: the same again
		case http.StatusNotFound:
			if !strings.HasPrefix(path, readGraph) {
				return nil, refusal(path, status, answer)
			} // the operation's result is not there yet
		default:
			return nil, refusal(path, status, answer)
		}
		if err := wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("PocketIC, %s: %w", path, err)
		}
		pause = min(2*pause, maxPause)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// once makes one request.
func (s *Server) once(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, content)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, err
	}
	if len(answer) > maxAnswer {
		return 0, nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, maxAnswer)
	}
	return resp.StatusCode, answer, nil
}

// readGraph is where the results of started operations are asked for.
const readGraph = "/read_graph/"

// parseStarted is where the result of a started operation will be.
func parseStarted(answer []byte) (path string, err error) {
	var w struct {
		State     string `json:"state_label"`
		Operation string `json:"op_id"`
	}
	if err := json.Unmarshal(answer, &w); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if !isLabel(w.State) || !isLabel(w.Operation) {
		return "", fmt.Errorf("%w: no labels of a started operation", ErrAnswer)
	}
	return readGraph + w.State + "/" + w.Operation, nil
}

// maxLabel is longer than any label that the server gives.
const maxLabel = 512

// isLabel reports whether a label may stand in a path. The server's are hashes and names.
func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_=+:(),", r):
		default:
			return false
		}
	}
	return true
}

func refusal(path string, status int, answer []byte) error {
	var w struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &w) != nil || w.Message == "" {
		w.Message = strings.ToValidUTF8(string(answer), "?")
	}
	if len(w.Message) > maxMessage {
		w.Message = strings.ToValidUTF8(w.Message[:maxMessage], "")
	}
	return &Error{Operation: path, Status: status, Message: w.Message}
}
