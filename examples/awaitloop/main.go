// Command awaitloop shows a loop that awaits: a task of many calls to another canister,
// each of which may fail, whose progress is in stable memory after every step.
//
// An upgrade without stopping first cuts the loop off while a call is open. The call's
// outcome then comes to the Orphan hook, which starts the loop again where it was; so does
// the kit where a callback trapped. The step that was open is asked for again, which is
// harmless because work gives the same answer every time: whoever resumes needs that.
// awaitloop.did is the interface.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/examples/awaitloop/awaitloopapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

const (
	regionState = cdk.FirstRegion // a map: progress, failures left
	maxSteps    = 1000
	maxAttempts = 5 // for a step
	waitSeconds = 30
	resume      = "resume"
)

var (
	keyProgress = []byte("progress") // awaitloopapi.Progress, as a Candid message
	keyFailures = []byte("failures") // calls of work still to be rejected, four bytes big-endian
)

func program() cdk.Program {
	return cdk.Program{
		Methods: awaitloopapi.Methods[*cdk.Message](edge{}),
		Tasks:   map[string]cdk.Task{resume: resumeLoop},
		Orphan: func(m *cdk.Message, _ cdk.Intent, _ cdk.Outcome) {
			if err := m.After(0, resume); err != nil {
				m.Print("resume: " + err.Error())
			}
		},
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func load() (p awaitloopapi.Progress, ok bool) {
	record, ok := cdk.Map(regionState).Get(keyProgress)
	if !ok {
		return p, false
	}
	p, err := awaitloopapi.DecodeProgress(record)
	if err != nil {
		panic(err)
	}
	return p, true
}

func save(p awaitloopapi.Progress) {
	record, err := awaitloopapi.EncodeProgress(p)
	if err == nil {
		err = cdk.Map(regionState).Put(keyProgress, record)
	}
	if err != nil {
		panic(err)
	}
}

// resumeLoop is the task that goes on after an interruption.
func resumeLoop(m *cdk.Message) error {
	if p, ok := load(); ok && p.State.Running {
		loop(m, p)
	}
	return nil
}

// loop awaits step after step. What it has is stored after each, so nothing but the open
// step is ever asked for twice.
func loop(m *cdk.Message, p awaitloopapi.Progress) awaitloopapi.Progress {
	for p.Done < p.Steps {
		square, attempts, err := step(m, p.Target, p.Done)
		p.Attempts += attempts
		if err != nil {
			p.State = awaitloopapi.State{Failed: new(fmt.Sprintf("step %d: %v", p.Done, err))}
			save(p)
			return p
		}
		p.Sum, p.Done = p.Sum+square, p.Done+1
		save(p)
	}
	p.State = awaitloopapi.State{Finished: true}
	save(p)
	return p
}

// step asks until there is an answer, a few times at most. An error that says that no
// answer can come ends it at once.
func step(m *cdk.Message, target principal.Principal, n uint32) (square uint64, attempts uint32, err error) {
	other := awaitloopapi.NewClient[*cdk.Message](cdk.Canister{ID: target, Timeout: waitSeconds})
	for attempts < maxAttempts {
		attempts++
		if square, err = other.Work(m, n); err == nil {
			return square, attempts, nil
		}
		if e, ok := errors.AsType[*cdk.CallError](err); ok && e.Code == cdk.DestinationInvalid {
			break
		}
	}
	return 0, attempts, err
}

// edge serves awaitloop.did.
type edge struct{}

func (edge) Run(m *cdk.Message, target principal.Principal, steps uint32) (r awaitloopapi.RunResult, err error) {
	if steps > maxSteps {
		r.Err = new(fmt.Sprintf("%d steps, at most %d are allowed", steps, maxSteps))
		return r, nil
	}
	if p, ok := load(); ok && p.State.Running {
		r.Err = new(fmt.Sprintf("a loop is running: %d of %d steps are done", p.Done, p.Steps))
		return r, nil
	}
	p := awaitloopapi.Progress{Target: target, Steps: steps, State: awaitloopapi.State{Running: true}}
	save(p)
	r.Ok = new(loop(m, p))
	return r, nil
}

func (edge) Progress(*cdk.Message) (*awaitloopapi.Progress, error) {
	p, ok := load()
	if !ok {
		return nil, nil
	}
	return &p, nil
}

func failures() uint32 {
	v, ok := cdk.Map(regionState).Get(keyFailures)
	if !ok {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

func setFailures(n uint32) error {
	return cdk.Map(regionState).Put(keyFailures, binary.BigEndian.AppendUint32(nil, n))
}

func (edge) Work(_ *cdk.Message, n uint32) (uint64, error) {
	if left := failures(); left > 0 {
		return 0, errors.Join(setFailures(left-1), fmt.Errorf("told to fail, %d times more", left-1))
	}
	return uint64(n) * uint64(n), nil
}

func (edge) FailNext(_ *cdk.Message, n uint32) error { return setFailures(n) }
