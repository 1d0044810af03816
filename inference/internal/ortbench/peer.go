package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// peer is a Python process that runs a model once per line and says how long it took.
type peer struct {
	version string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startPeer(c config) (*peer, error) {
	p := &peer{command: exec.Command(c.python, c.script, c.theirs)}
	p.command.Stderr = os.Stderr
	var err error
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start ONNX Runtime: %w", err)
	}
	if p.version, err = p.line(); err != nil {
		return nil, fmt.Errorf("start ONNX Runtime: %w", err)
	}
	return p, nil
}

func (p *peer) line() (string, error) {
	line, err := p.out.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (p *peer) run(s shape) (time.Duration, error) {
	if _, err := fmt.Fprintf(p.in, "%d %d\n", s.batch, s.sequence); err != nil {
		return 0, fmt.Errorf("ask ONNX Runtime: %w", err)
	}
	line, err := p.line()
	if err != nil {
		return 0, fmt.Errorf("hear from ONNX Runtime: %w", err)
	}
	ns, err := strconv.ParseInt(line, 10, 64)
	return time.Duration(ns), err
}

// stop closes its input, at whose end it goes.
func (p *peer) stop() {
	p.in.Close()
	_ = p.command.Wait() // nothing is left to ask it
}
