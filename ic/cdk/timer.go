package cdk

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"assay/ic/candid"
	"assay/ic/cdk/calendar"
	"assay/ic/cdk/stable"
	"assay/ic/cdk/system"
)

// A record of the tasks' map, by the task's name; little-endian:
//
//	0 version · 1 running · 2 failures in a row · 4 u64 due, ns since 1970, 0 = never
//	12 u64 interval, ns, 0 = once
//	20 version 2 alone, whose interval is 0: the schedule of a task planned by calendar
const (
	taskVersion  = 1
	taskPlanned  = 2
	taskBytes    = 20
	tasksAtOnce  = 16 // started by one firing; the rest by the next
	firstRetryNs = 1_000_000_000
	maxRetryStep = 6 // doublings: 64 s
)

var taskHash = candid.FieldID(TaskMethod)

type taskRecord struct {
	running  bool
	failures byte
	due      uint64
	every    uint64
	plan     calendar.Schedule // the zero value: none
}

func (t *taskRecord) encode() []byte {
	b := make([]byte, 4, taskBytes+calendar.Bytes)
	b[0], b[2] = taskVersion, t.failures
	if t.running {
		b[1] = 1
	}
	b = binary.LittleEndian.AppendUint64(b, t.due)
	b = binary.LittleEndian.AppendUint64(b, t.every)
	if t.plan != (calendar.Schedule{}) {
		b[0] = taskPlanned
		b = t.plan.Append(b)
	}
	return b
}

func decodeTask(b []byte) (t taskRecord, err error) {
	if len(b) < taskBytes || b[1] > 1 || b[3] != 0 {
		return t, &stable.LayoutError{What: "a task", Found: fmt.Sprintf("%x", b)}
	}
	t = taskRecord{running: b[1] == 1, failures: b[2], due: binary.LittleEndian.Uint64(b[4:]), every: binary.LittleEndian.Uint64(b[12:])}
	switch {
	case b[0] == taskVersion && len(b) == taskBytes:
		return t, nil
	case b[0] == taskPlanned && t.every == 0:
		t.plan, err = calendar.Decode(b[taskBytes:])
		return t, err
	}
	return t, &stable.LayoutError{What: "a task, version 1 or 2", Found: fmt.Sprintf("%x", b)}
}

func (in *Instance) task(name string) taskRecord {
	b, ok := in.tasks.Get([]byte(name))
	if !ok {
		return taskRecord{}
	}
	t, err := decodeTask(b)
	if err != nil {
		panic(err)
	}
	return t
}

// keepTask stores a task, or forgets one that has nothing left to do.
func (in *Instance) keepTask(name string, t taskRecord) {
	if !t.running && t.due == 0 {
		in.tasks.Delete([]byte(name))
		return
	}
	if err := in.tasks.Put([]byte(name), t.encode()); err != nil {
		panic(err)
	}
}

// mayQueue says why m cannot queue this task.
func (m *Message) mayQueue(task string) error {
	if !m.valid() {
		return ErrForeign
	}
	if m.kind == kindQuery || m.kind == kindComposite || m.kind == kindInspect || m.kind == kindPreUpgrade {
		return ErrNotAllowed
	}
	if _, ok := m.in.program.Tasks[task]; !ok {
		return fmt.Errorf("%q: %w", task, ErrUnknownTask)
	}
	return nil
}

// After runs a task once, d ns from now or soon after. A task is queued at most once: if
// it is queued already, the earlier time counts. While it runs it can be queued again; it
// never runs twice at a time.
func (m *Message) After(d uint64, task string) error {
	if err := m.mayQueue(task); err != nil {
		return err
	}
	m.in.queueTask(task, later(m.time, d))
	return nil
}

// Every runs a task each d ns, first in d ns, over upgrades. A new interval replaces the
// old one. d is at least 1.
func (m *Message) Every(d uint64, task string) error {
	if err := m.mayQueue(task); err != nil {
		return err
	}
	t := m.in.task(task)
	t.every, t.due, t.plan = max(d, 1), later(m.time, d), calendar.Schedule{}
	m.in.keepTask(task, t)
	m.in.arm()
	return nil
}

// Calendar runs a task whenever the calendar says so, over upgrades, in UTC. The line is
// that of package calendar: minute hour day month weekday; "30 4 * * 1" is 4:30 on
// Mondays. It replaces an interval or another line. Times that pass while the canister
// is stopped, or while the task still runs, are one run afterwards.
func (m *Message) Calendar(line, task string) error {
	if err := m.mayQueue(task); err != nil {
		return err
	}
	plan, err := calendar.Parse(line)
	if err != nil {
		return err
	}
	t := m.in.task(task)
	t.plan, t.every = plan, 0
	t.due, _ = plan.Next(m.time)
	m.in.keepTask(task, t)
	m.in.arm()
	return nil
}

// TaskState is a task in the queue.
type TaskState struct {
	Name     string
	Due      uint64 // ns since 1970; 0: it runs, and not again by itself
	Every    uint64 // ns, 0: no interval
	Calendar string // the line, "" for none
	Running  bool
	Failures uint8 // since it last succeeded
}

// Tasks are the queued and running tasks, by name.
func Tasks(m *Message) (out []TaskState) {
	if !m.valid() {
		return nil
	}
	m.in.eachTask(func(name string, t taskRecord) {
		s := TaskState{Name: name, Due: t.due, Every: t.every, Running: t.running, Failures: t.failures}
		if t.plan != (calendar.Schedule{}) {
			s.Calendar = t.plan.String()
		}
		out = append(out, s)
	})
	return out
}

// Cancel takes a task out of the queue. A run that has begun goes on.
func (m *Message) Cancel(task string) error {
	if err := m.mayQueue(task); err != nil {
		return err
	}
	t := m.in.task(task)
	t.due, t.every, t.plan = 0, 0, calendar.Schedule{}
	m.in.keepTask(task, t)
	m.in.arm()
	return nil
}

func later(now, d uint64) uint64 { return now + min(d, math.MaxUint64-now) }

func (in *Instance) queueTask(name string, due uint64) {
	t := in.task(name)
	if due = max(due, 1); t.due != 0 && t.due <= due {
		return
	}
	t.due = due
	in.keepTask(name, t)
	in.arm()
}

// arm sets the system's timer to the first task that is due and does not run.
func (in *Instance) arm() {
	first := uint64(0)
	in.eachTask(func(_ string, t taskRecord) {
		if t.due != 0 && !t.running && (first == 0 || t.due < first) {
			first = t.due
		}
	})
	if first != in.armed || first != 0 {
		in.sys.SetTimer(first)
	}
	in.armed = first
}

// rearm sets the timer again where its time has passed: it may have fired in a message
// that the system ended, and then it is off.
func (in *Instance) rearm(m *Message) {
	if in.armed != 0 && in.armed <= m.time {
		in.sys.SetTimer(in.armed)
	}
}

func (in *Instance) eachTask(each func(name string, t taskRecord)) {
	in.tasks.Scan(nil, func(key, value []byte) bool {
		t, err := decodeTask(value)
		if err != nil {
			panic(err)
		}
		each(string(key), t)
		return true
	})
}

// Timer is canister_global_timer. It starts each due task as a call to the canister
// itself and arms the timer again; it runs no code of the program.
func (in *Instance) Timer() {
	m := in.message("canister_global_timer", kindTimer)
	in.run(m, func() {
		var due []string
		in.eachTask(func(name string, t taskRecord) {
			if t.due != 0 && t.due <= m.time && !t.running && len(due) < tasksAtOnce {
				due = append(due, name)
			}
		})
		for _, name := range due {
			in.startTask(m, name)
		}
		in.arm()
	})
}

func (in *Instance) startTask(m *Message, name string) {
	t := in.task(name)
	arg := []byte(name)
	if name == orphanTask {
		arg = append(arg, in.markAsked()...)
	}
	if slot, ok := in.slot(&openCall{task: name, to: m.self}); !ok {
		t.due = later(m.time, firstRetryNs)
	} else if in.perform(&Call{To: m.self, Method: TaskMethod, Arg: arg}, in.environment(slot)) != system.PerformedCall {
		in.freeSlot(slot)
		t.due = later(m.time, firstRetryNs)
	} else {
		t.running, t.due = true, 0
		if t.every != 0 {
			t.due = later(m.time, t.every)
		} else {
			t.due, _ = t.plan.Next(m.time)
		}
	}
	in.keepTask(name, t)
}

// runTask is the method [TaskMethod].
func (in *Instance) runTask() {
	m := in.message("task", kindUpdate)
	in.run(m, func() {
		if m.caller != m.self {
			_ = m.Reject(TaskMethod + " is for the canister itself")
			return
		}
		arg := string(in.sys.Arg())
		if key, ok := strings.CutPrefix(arg, orphanTask); ok {
			m.method = orphanTask
			m.finish(nil, in.askHook(m, []byte(key)))
			return
		}
		m.method = arg
		task, ok := in.program.Tasks[arg]
		if !ok {
			_ = m.Reject("no task of this name in this version")
			return
		}
		m.usage = in.usage("task " + arg)
		m.finish(nil, task(m))
	})
}

// taskEnded is the callback of a started task.
func (in *Instance) taskEnded(name string, o Outcome) {
	m := in.message("task ended", kindTimer)
	in.run(m, func() {
		t := in.task(name)
		t.running = false
		switch {
		case o.Err == nil:
			t.failures = 0
		default:
			in.report(m, "task "+name+": "+o.Err.Error())
			t.again(m.time)
		}
		if _, _, more := in.nextLost(); more && name == orphanTask && t.due == 0 {
			t.due = m.time
		}
		in.keepTask(name, t)
		in.arm()
	})
}

// again sets when a task that failed is tried again.
func (t *taskRecord) again(now uint64) {
	retry := later(now, firstRetryNs<<min(t.failures, maxRetryStep))
	if t.due == 0 || retry < t.due {
		t.due = retry
	}
	t.failures = min(t.failures, 254) + 1
}

// restartTasks queues what an upgrade interrupted, and arms the timer, which the upgrade
// has turned off. Tasks that this version does not have are forgotten.
func (in *Instance) restartTasks() {
	now := in.sys.Time()
	keep := map[string]taskRecord{}
	var names []string
	in.eachTask(func(name string, t taskRecord) { names, keep[name] = append(names, name), t })
	for _, name := range names {
		t := keep[name]
		if _, ok := in.program.Tasks[name]; !ok && name != orphanTask {
			t = taskRecord{}
		}
		if t.running {
			t.running, t.due = false, max(now, 1)
		}
		in.keepTask(name, t)
	}
	in.arm()
}
