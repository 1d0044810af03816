package pocketic

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/identity"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/internal/need"
)

// fake speaks the part of the server's interface that the client uses, and remembers it.
type fake struct {
	mu    sync.Mutex
	asked []string
	nanos uint64
	busy  int // answers of 409 before an operation is taken, and of 404 before its result is there
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	ask := r.Method + " " + r.URL.Path
	f.asked = append(f.asked, strings.TrimSpace(ask+" "+string(body)))
	switch {
	case ask == "POST /instances":
		w.WriteHeader(http.StatusCreated)
		id := base64.StdEncoding.EncodeToString(principal.Canister(7).Bytes())
		fmt.Fprintf(w, `{"Created":{"instance_id":3,"topology":{"subnet_configs":{},"default_effective_canister_id":{"canister_id":%q}},"http_gateway_info":null}}`, id)
	case ask == "POST /instances/3/update/set_time":
		var t rawTime
		if json.Unmarshal(body, &t) != nil || t.Nanos == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		f.nanos = *t.Nanos
		io.WriteString(w, `null`)
	case ask == "GET /instances/3/read/get_time":
		fmt.Fprintf(w, `{"nanos_since_epoch":%d}`, f.nanos)
	case ask == "POST /instances/3/update/tick" && f.busy > 2:
		f.busy--
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"state_label":"abc=","op_id":"tick"}`)
	case ask == "POST /instances/3/update/tick":
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"state_label":"abc=","op_id":"tick(1)"}`)
	case ask == "GET /read_graph/abc=/tick(1)" && f.busy > 0:
		f.busy--
		w.WriteHeader(http.StatusNotFound)
	case ask == "POST /http_gateway":
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"Created":{"instance_id":0,"port":8123}}`)
	case ask == "DELETE /instances/9":
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"Instance not found"}`)
	case strings.HasPrefix(r.URL.Path, "/instances/3"), strings.HasPrefix(r.URL.Path, "/read_graph/abc="), ask == "GET /status":
		io.WriteString(w, `null`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func serve(t *testing.T, h http.Handler) *Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Connect(s.URL + "/")
}

// TestInstance goes through an instance's life as the server's interface has it.
func TestInstance(t *testing.T) {
	t.Parallel()
	f := &fake{busy: 4}
	s := serve(t, f)
	ctx := t.Context()
	if err := s.Status(ctx); err != nil {
		t.Fatal(err)
	}
	i, err := s.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if i.Default != principal.Canister(7) || i.URL() != s.URL()+"/instances/3" {
		t.Errorf("instance %s with default id %s", i.URL(), i.Default)
	}
	want := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	for name, err := range map[string]error{
		"progress": i.AutoProgress(ctx), "stop": i.StopProgress(ctx), "set time": i.SetTime(ctx, want), "tick": i.Tick(ctx),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now, err := i.Time(ctx); err != nil || !now.Equal(want) {
		t.Errorf("time %s (%v), want %s", now, err, want)
	}
	if url, err := i.Gateway(ctx, 0); err != nil || url != "http://localhost:8123" {
		t.Errorf("gateway %s (%v)", url, err)
	}
	if err := i.Delete(ctx); err != nil {
		t.Error(err)
	}
	var refused *Error
	if err := (&Instance{server: s, id: 9}).Delete(ctx); !errors.As(err, &refused) || refused.Message != "Instance not found" || refused.Status != 404 {
		t.Errorf("delete nothing: %v", err)
	}
	if f.busy != 0 {
		t.Errorf("%d answers of a busy server were not asked for", f.busy)
	}
	for _, ask := range []string{
		`POST /instances {"subnet_config_set":{"nns":{"state_config":"New","instruction_config":"Production","dts_flag":"Enabled"},"sns":null`,
		`POST /instances/3/auto_progress {"artificial_delay_ms":null}`,
		`POST /http_gateway {"ip_addr":"127.0.0.1","port":null,"forward_to":{"PocketIcInstance":3},"domains":["localhost"]}`,
		`DELETE /instances/3`,
	} {
		if !strings.Contains(strings.Join(f.asked, "\n"), ask) {
			t.Errorf("never asked %s in\n%s", ask, strings.Join(f.asked, "\n"))
		}
	}
	if err := i.SetTime(ctx, time.Unix(0, -1)); err == nil {
		t.Error("a time before 1970 was sent")
	}
}

// TestHostileAnswers: whatever answers, the client ends with an error and holds no more
// than its limits.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing":           ``,
		"no JSON":           `<html>`,
		"no instance":       `{}`,
		"no id":             `{"Created":{}}`,
		"a negative id":     `{"Created":{"instance_id":-1}}`,
		"no base64":         `{"Created":{"instance_id":1,"topology":{"default_effective_canister_id":{"canister_id":"%"}}}}`,
		"a long principal":  `{"Created":{"instance_id":1,"topology":{"default_effective_canister_id":{"canister_id":"` + base64.StdEncoding.EncodeToString(make([]byte, 30)) + `"}}}}`,
		"an endless answer": `{"x":"` + strings.Repeat("a", maxAnswer) + `"}`,
	} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) }))
		if i, err := s.Create(t.Context()); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: instance %v, %v", name, i, err)
		}
	}
	for _, status := range []int{http.StatusAccepted, http.StatusBadRequest, http.StatusInternalServerError} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, strings.Repeat("é", maxMessage))
		}))
		if err := s.Status(t.Context()); err == nil || len(err.Error()) > maxMessage+200 {
			t.Errorf("status %d: an error of %d bytes", status, len(fmt.Sprint(err)))
		}
	}
	escape := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"state_label":"..","op_id":"../../secret"}`)
	}))
	if err := escape.Status(t.Context()); !errors.Is(err, ErrAnswer) {
		t.Errorf("labels that leave the path: %v", err)
	}
}

// TestAlwaysBusy: a server that never ends an operation is given up on.
func TestAlwaysBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := Connect("http://nowhere")
		s.client.Transport = answering(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: http.StatusConflict, Body: io.NopCloser(strings.NewReader("{}"))}
		})
		start := time.Now()
		if err := s.Status(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != patience {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

type answering func(*http.Request) *http.Response

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestStart: a binary that does not say its port is an error that names why.
func TestStart(t *testing.T) {
	t.Parallel()
	if _, err := Start(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), Env) {
		t.Errorf("no binary: %v", err)
	}
	if _, err := Start(t.Context(), Config{Binary: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a binary that is not there: %v", err)
	}
	for name, script := range map[string]string{"it ended at once": "exit 3", "the port file says": `printf 'x\n' > "$2"; exec sleep 60`} {
		file := filepath.Join(t.TempDir(), "server")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), Config{Binary: file}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", script, err)
		}
	}
	file := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nprintf '4943\\n' > \"$2\"\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{Binary: file})
	if err != nil {
		t.Fatal(err)
	}
	if s.URL() != "http://127.0.0.1:4943" {
		t.Errorf("it listens at %s", s.URL())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestServer works with the real server: a canister is created there and its controllers
// read with certificates checked.
func TestServer(t *testing.T) {
	t.Parallel()
	binary := os.Getenv(Env)
	if binary == "" {
		need.NotRun(t, "PocketIC", Env+" is not set")
	}
	ctx := t.Context()
	s, err := Start(ctx, Config{Binary: binary, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	i, err := s.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AutoProgress(ctx); err != nil {
		t.Fatal(err)
	}
	rootKey, err := agent.FetchRootKey(ctx, i.URL())
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewEd25519()
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Config{URL: i.URL(), RootKey: rootKey, Identity: key})
	if err != nil {
		t.Fatal(err)
	}
	amount := candid.NewNat(1e12)
	made, err := managementapi.NewClient[context.Context](a.Management(i.Default)).ProvisionalCreateCanisterWithCycles(ctx,
		managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &amount})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.ReadState(ctx, made.CanisterId, [][]byte{[]byte("canister"), made.CanisterId.Bytes(), []byte("controllers")}); err != nil {
		t.Error(err)
	}
	if err := i.StopProgress(ctx); err != nil {
		t.Error(err)
	}
	before, err := i.Time(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(i.SetTime(ctx, before.Add(time.Hour)), i.Tick(ctx)); err != nil {
		t.Error(err)
	}
	if after, err := i.Time(ctx); err != nil || after.Sub(before) < time.Hour {
		t.Errorf("time %s after %s (%v)", after, before, err)
	}
	if err := i.Delete(ctx); err != nil {
		t.Error(err)
	}
}

// FuzzAnswers: no answer panics or passes for something it is not.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"Created":{"instance_id":1,"topology":{"default_effective_canister_id":{"canister_id":"AAAAAAAAAAABAQ=="}}}}`,
		`{"Error":{"message":"no"}}`, `{"Created":{"port":80}}`, `{"state_label":"a","op_id":"b"}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if i, err := parseCreated(answer); (i == nil) == (err == nil) {
			t.Errorf("instance %v with error %v", i, err)
		}
		if url, err := parseGateway(answer); (url == "") == (err == nil) {
			t.Errorf("gateway %q with error %v", url, err)
		}
		if path, err := parseStarted(answer); err == nil && (strings.Count(path, "/") != 3 || strings.Contains(path, "..")) {
			t.Errorf("path %q", path)
		}
		if err := refusal("x", 500, answer); len(err.Error()) > maxMessage+100 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
