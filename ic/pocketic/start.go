package pocketic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	startLimit = time.Minute           // for the server to say its port
	startPoll  = 20 * time.Millisecond // between looks at the port file
	stopGrace  = 5 * time.Second       // before it is killed
	idleLimit  = 24 * 60 * 60          // seconds without a request after which it ends by itself, should we not
)

// Config says how to start a server. Binary is required.
type Config struct {
	Binary string    // path of the server
	Log    io.Writer // what it prints; nil drops it
}

// Start runs the server's binary and waits until it says its port.
func Start(ctx context.Context, c Config) (*Server, error) {
	if c.Binary == "" {
		return nil, fmt.Errorf("start PocketIC: name its binary in %s", Env)
	}
	dir, err := os.MkdirTemp("", "assay-pocketic-")
	if err != nil {
		return nil, err
	}
	portFile := filepath.Join(dir, "port")
	cmd := exec.Command(c.Binary, "--port-file", portFile, "--ttl", strconv.Itoa(idleLimit))
	cmd.Stdout, cmd.Stderr = c.Log, c.Log
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start PocketIC: %w", err)
	}
	p := &process{cmd: cmd, dir: dir, ended: make(chan struct{})}
	go p.wait()
	port, err := p.port(ctx, portFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PocketIC: %w", err), p.stop())
	}
	s := Connect("http://127.0.0.1:" + strconv.Itoa(int(port)))
	s.stop = p.stop
	return s, nil
}

// process is a server that we started.
type process struct {
	cmd   *exec.Cmd
	dir   string
	ended chan struct{}
	err   error // after ended
}

func (p *process) wait() {
	p.err = p.cmd.Wait()
	close(p.ended)
}

// port waits for the port file: the number and a newline.
func (p *process) port(ctx context.Context, file string) (uint16, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(startPoll)
	defer tick.Stop()
	for {
		port, err := readPort(file)
		if port != 0 || err != nil {
			return port, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("it did not say its port: %w", ctx.Err())
		case <-p.ended:
			return 0, fmt.Errorf("it ended at once (%w)", p.err)
		case <-tick.C:
		}
	}
}

// readPort is 0 while the file is not complete.
func readPort(file string) (uint16, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	text, whole := strings.CutSuffix(string(b), "\n")
	if !whole {
		return 0, nil
	}
	port, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%w: the port file says %.40q", ErrAnswer, text)
	}
	return uint16(port), nil
}

// stop asks the process to end, kills it after a grace time, and waits for it.
func (p *process) stop() error {
	defer os.RemoveAll(p.dir)
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return nil
}
