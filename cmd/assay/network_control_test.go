package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/ic/replica/disk"
)

type clockState struct {
	Time time.Time `json:"time"`
	Pace string    `json:"pace"`
}

type replayed struct {
	Same    bool   `json:"same"`
	Rounds  uint64 `json:"rounds"`
	Hash    string `json:"replayed_hash"`
	Differs uint64 `json:"differs_from"`
}

// TestNetworkTickAndRecord: rounds and time are moved by hand, what happens is recorded from
// the start and from the middle, and both recordings replay to the same state.
func TestNetworkTickAndRecord(t *testing.T) {
	dir, files := t.TempDir(), t.TempDir()
	portFile, whole, part := filepath.Join(files, "port"), filepath.Join(files, "whole.rec"), filepath.Join(files, "part.rec")
	b, s := startNetwork(t, "--state", dir, "--port-file", portFile, "--auto-progress=false", "--record", whole, "--hash-every", "2")
	var first, s1, s2 clockState
	ok(t, &first, "network", "tick", "--json", "--state", dir)
	if first.Pace != "manual" {
		t.Errorf("pace %q", first.Pace)
	}
	ok(t, &s1, "network", "tick", "--json", "--port-file", portFile, "--rounds", "4")
	if got := s1.Time.Sub(first.Time); got != 4 {
		t.Errorf("four ticks moved the time by %v", got)
	}
	ok(t, &s2, "network", "set-time", "+90m", "--json", "--network", s.URL)
	if got := s2.Time.Sub(s1.Time); got != 90*time.Minute {
		t.Errorf("+90m moved the time by %v", got)
	}
	if r := assay(t, "network", "set-time", first.Time.Format(time.RFC3339Nano), "--state", dir); r.code != 1 || !strings.Contains(r.stderr, "never goes back") {
		t.Errorf("back in time: exit code %d with %q", r.code, r.stderr)
	}
	if r := assay(t, "network", "set-time", "tomorrow", "--state", dir); r.code != 2 {
		t.Errorf("set-time tomorrow: exit code %d with %q", r.code, r.stderr)
	}
	var h [3]struct {
		Hash string `json:"state_hash"`
	}
	for i := range h {
		if i == 2 {
			ok(t, nil, "network", "tick", "--state", dir)
		}
		ok(t, &h[i], "network", "status", "--hash", "--json", "--state", dir)
	}
	if len(h[0].Hash) != 64 || h[0] != h[1] || h[1] == h[2] {
		t.Errorf("hashes of the same state twice, and of the next: %q", h)
	}
	rec := start(t, "network", "record", part, "--state", dir, "--rounds", "3")
	rec.waitFor(t, "recording;")
	for !strings.Contains(rec.output(), "recorded") { // its beginning is not announced, so ticks go on until it ends
		ok(t, nil, "network", "tick", "--state", dir)
		select {
		case <-rec.ended:
			if rec.failed != nil {
				t.Fatalf("record: %v\n%s", rec.failed, rec.output())
			}
		default:
		}
	}
	b.stop(t)
	for _, file := range []string{whole, part} {
		var r replayed
		ok(t, &r, "network", "replay", file, "--json")
		if !r.Same || r.Rounds < 3 {
			t.Errorf("%s: %+v", file, r)
		}
	}
	if r := assay(t, "network", "record", whole, "--network", s.URL); r.code == 0 {
		t.Error("a recording replaced another file")
	}
	forged := filepath.Join(files, "forged.rec")
	forge(t, whole, forged)
	if r := assay(t, "network", "replay", forged); r.code != 5 || !strings.Contains(r.stdout, "the states part") {
		t.Errorf("a forged end: exit code %d with %q", r.code, r.stdout)
	}
	damaged := filepath.Join(files, "damaged.rec")
	raw, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(damaged, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := assay(t, "network", "replay", damaged); r.code != 1 || !strings.Contains(r.stderr, damaged+" is damaged at byte") {
		t.Errorf("a damaged file: exit code %d with %q", r.code, r.stderr)
	}
}

// forge copies a recording of a new network with another hash at its end.
func forge(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	in, err := disk.OpenRecording(bytes.NewReader(raw), from)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := disk.NewRecorder(&out, in.Core(), nil)
	for err == nil {
		var step disk.Step
		if step, err = in.Next(); err != nil {
			break
		}
		switch {
		case step.Batch != nil:
			err = w.Batch(step.Batch)
		case !step.End:
			err = w.Hash(step.Number, step.Hash)
		default:
			step.Hash[0] ^= 1
			if err := w.End(step.Number, step.Hash); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal(err)
}

// TestNetworkSurvivesAKill: what was acknowledged before SIGKILL is there afterwards.
func TestNetworkSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	b, _ := startNetwork(t, "--state", dir, "--auto-progress=false")
	var before, after clockState
	ok(t, &before, "network", "set-time", "+24h", "--json", "--state", dir)
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-b.ended
	b, _ = startNetwork(t, "--state", dir, "--auto-progress=false")
	ok(t, &after, "network", "tick", "--json", "--state", dir)
	if got := after.Time.Sub(before.Time); got != 1 {
		t.Errorf("after the kill and a tick the time is %v from what was set", got)
	}
	b.stop(t)
}
