package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
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

func (p *peer) run(s shape) (took, error) {
	if _, err := fmt.Fprintf(p.in, "%d %d\n", s.batch, s.sequence); err != nil {
		return took{}, fmt.Errorf("ask ONNX Runtime: %w", err)
	}
	line, err := p.line()
	if err != nil {
		return took{}, fmt.Errorf("hear from ONNX Runtime: %w", err)
	}
	var clock, processor int64
	if _, err := fmt.Sscanf(line, "%d %d", &clock, &processor); err != nil {
		return took{}, fmt.Errorf("understand ONNX Runtime's %q: %w", line, err)
	}
	return took{time.Duration(clock), time.Duration(processor)}, nil
}

// stop closes its input, at whose end it goes.
func (p *peer) stop() {
	p.in.Close()
	_ = p.command.Wait() // nothing is left to ask it
}
