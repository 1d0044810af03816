package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"assay/orchestrator/daemon"
)

const (
	stopGrace   = 8 * time.Second  // a child that has not ended by then is killed
	startWait   = 60 * time.Second // loading a model on a busy machine takes seconds
	maxRestarts = 5                // in a row, of a child that ends by itself
	longLife    = time.Minute      // a child that lived as long ends such a row
)

// Process is a provider's daemon as a child process. A child that dies is started again
// with the same arguments; one that was stopped is not.
type Process struct {
	name string
	dir  string
	args []string
	logs *os.File
	say  func(string)

	mu struct {
		sync.Mutex
		cmd      *exec.Cmd
		started  time.Time
		stopping bool
		restarts int
	}
	done chan struct{} // closed when the child ended for good
}

// startProcess runs this binary again with the arguments. What the child prints goes to
// daemon.log in its folder.
func startProcess(ctx context.Context, name, dir string, say func(string), args ...string) (*Process, error) {
	logs, err := os.OpenFile(filepath.Join(dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	p := &Process{name: name, dir: dir, args: args, logs: logs, say: say, done: make(chan struct{})}
	err = awaitEnd(ctx, dir)
	if err == nil {
		err = p.spawn()
	}
	if err != nil {
		logs.Close()
		return nil, err
	}
	go p.supervise()
	if err := p.ready(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start provider %s: %w\n%s", name, err, p.lastLines())
	}
	return p, nil
}

// awaitEnd waits for the daemon of a stack that was killed, which ends by itself in order:
// two of them must not work in one folder. A number that is somebody else's by now does not
// hold up the start for long.
func awaitEnd(ctx context.Context, dir string) error {
	old, err := daemon.ReadAddress(dir)
	if err != nil || old.PID == os.Getpid() {
		return nil // nobody was there
	}
	ctx, cancel := context.WithTimeoutCause(ctx, stopGrace, errGrace)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ended(old.PID) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errGrace) {
				return nil
			}
			return ctx.Err()
		}
	}
	return nil
}

var errGrace = errors.New("the grace time is over")

func (p *Process) spawn() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, p.args...)
	cmd.Stdout, cmd.Stderr = p.logs, p.logs
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start provider %s: %w", p.name, err)
	}
	p.mu.cmd, p.mu.started = cmd, time.Now()
	return nil
}

func (p *Process) supervise() {
	defer close(p.done)
	defer p.logs.Close()
	for {
		p.mu.Lock()
		cmd := p.mu.cmd
		p.mu.Unlock()
		err := cmd.Wait()
		p.mu.Lock()
		if p.mu.stopping {
			p.mu.Unlock()
			return
		}
		if time.Since(p.mu.started) > longLife {
			p.mu.restarts = 0
		}
		p.mu.restarts++
		if p.mu.restarts > maxRestarts {
			p.mu.Unlock()
			p.say(fmt.Sprintf("provider %s ended %d times and is not started again: %v", p.name, maxRestarts+1, err))
			return
		}
		p.say(fmt.Sprintf("provider %s ended (%v) and is started again", p.name, err))
		err = p.spawn()
		p.mu.Unlock()
		if err != nil {
			p.say(err.Error())
			return
		}
	}
}

// ready waits until the child has written where it listens.
func (p *Process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if a, err := daemon.ReadAddress(p.dir); err == nil && a.PID == p.PID() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not get ready: %w", ctx.Err())
		case <-p.done:
			return errors.New("it ended at once")
		case <-tick.C:
		}
	}
}

// URL is where the daemon's dashboard and stream listen.
func (p *Process) URL() (string, error) {
	a, err := daemon.ReadAddress(p.dir)
	return a.URL, err
}

// PID is the child's process id.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.cmd.Process.Pid
}

// Kill ends the child without warning, as a crash would; it is started again.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.cmd.Process.Kill()
}

// Stop asks the child to end, kills it after a grace time, and waits for it.
func (p *Process) Stop() {
	p.mu.Lock()
	p.mu.stopping = true
	child := p.mu.cmd.Process
	p.mu.Unlock()
	_ = child.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		_ = child.Kill()
		<-p.done
	}
}

// lastLines is the end of the child's log, for an error message.
func (p *Process) lastLines() string {
	f, err := os.Open(p.logs.Name())
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 1500 {
		_, _ = f.Seek(-1500, io.SeekEnd)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}
