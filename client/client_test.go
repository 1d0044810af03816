package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/commitment"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/inference/pipeline"
)

func lied(t *testing.T, err error) {
	t.Helper()
	var want *client.LieError
	if !errors.As(err, &want) {
		t.Errorf("got %v, want a LieError", err)
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	job, err := c.Job(t.Context(), 7)
	if err != nil || client.State(job) != "final" || !client.Settled(job) {
		t.Errorf("got %v %v", client.State(job), err)
	}
	if _, err := c.Job(t.Context(), 8); !errors.Is(err, client.ErrUnknownJob) {
		t.Errorf("job 8: got %v, want ErrUnknownJob", err)
	}
	m.job.Id.Market = rootID
	_, err = c.Job(t.Context(), 7)
	lied(t, err)
	events, err := c.Events(t.Context(), 7, 3, 10)
	if err != nil || len(events) != 1 || events[0].Seq != 3 {
		t.Errorf("events: %v %v", events, err)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	r, err := c.Result(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Root[:], *m.receipt.Output) || r.Receipt == nil {
		t.Errorf("root %s, receipt %v", r.Root, r.Receipt)
	}
	for name, change := range map[string]func(){
		"other data":     func() { m.output[0].Data[0] ^= 1 },
		"other shape":    func() { m.output[0].Shape = []uint64{2} },
		"fewer tensors":  func() { m.output = m.output[:1] },
		"other job":      func() { m.job.Id.Seq = 8 },
		"another's root": func() { m.receipt.Output = &m.receipt.Model },
		"no output":      func() { m.receipt.Output = nil },
	} {
		t.Run(name, func(t *testing.T) {
			saved, receipt := m.job, m.receipt
			change()
			_, err := c.Result(t.Context(), 7)
			lied(t, err)
			m.job, m.receipt, m.output = saved, receipt, []marketapi.Tensor{vector(2), vector(1)}
		})
	}
	m.job.State = &marketapi.JobState{Provisional: true}
	if r, err := c.Result(t.Context(), 7); err != nil || r.Receipt != nil {
		t.Errorf("provisional: receipt %v, %v", r.Receipt, err)
	}
	m.job.OutputRoot = &m.receipt.Model
	_, err = c.Result(t.Context(), 7)
	lied(t, err)
}

func TestVerifyBundle(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	b, err := c.Receipt(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = client.DecodeBundle(data); err != nil {
		t.Fatal(err)
	}
	f, err := client.VerifyBundle(b, m.net.RootKey, marketID)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range f.Lines {
		if !line.OK || line.Detail == "" {
			t.Errorf("%+v", line)
		}
		names = append(names, line.Name)
	}
	want := []string{"receipt format", "delegation and signature", "certificate time", "witness", "receipt hash", "network and market", "state certificate", "module hash", "controllers"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if !bytes.Equal(f.ModuleHash, moduleHash[:]) || len(f.Controllers) != 1 || f.Controllers[0] != rootID || f.Receipt.Job.Seq != 7 || !f.Certified.Equal(m.certTime.Truncate(0)) {
		t.Errorf("findings: %+v", f)
	}
}

// TestVerifyBundleRefuses changes one thing at a time and names the finding that notices.
func TestVerifyBundleRefuses(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	good, err := c.Receipt(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	other := certtest.NewAt(t, certtest.Sharded, time.Now(), certificate.Range{To: principal.Canister(9)})
	certified := func(change func(*marketapi.Receipt)) func(*client.Bundle) {
		return func(b *client.Bundle) { // certified all the same: the network agrees with the change
			r := m.receipt
			change(&r)
			out, err := m.certify(r)
			if err != nil {
				t.Fatal(err)
			}
			b.Certificate, b.Witness, b.Receipt = out.Certificate, out.Witness, encodeReceipt(t, r)
		}
	}
	uncertified := func(change func(*marketapi.Receipt)) func(*client.Bundle) {
		return func(b *client.Bundle) {
			r := m.receipt
			change(&r)
			b.Receipt = encodeReceipt(t, r)
		}
	}
	state := func(b *hashtree.Builder) []byte {
		raw, err := m.net.Sign(b.Set(certificate.AppendNat(nil, uint64(time.Now().UnixNano())), []byte("time")))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, tc := range []struct {
		name, finding string
		rootKey       []byte
		market        principal.Principal
		change        func(*client.Bundle)
	}{
		{"garbage receipt", "receipt format", nil, marketID, func(b *client.Bundle) { b.Receipt = []byte("DIDL") }},
		{"other root key", "delegation and signature", other.RootKey, marketID, func(*client.Bundle) {}},
		{"market outside the range", "delegation and signature", nil, principal.Canister(10), func(*client.Bundle) {}},
		{"flipped certificate", "delegation and signature", nil, marketID, func(b *client.Bundle) { b.Certificate[len(b.Certificate)/2] ^= 1 }},
		{"certificate of other data", "witness", nil, marketID, func(b *client.Bundle) { b.Certificate = b.State }},
		{"settled later", "certificate time", nil, marketID, uncertified(func(r *marketapi.Receipt) { r.Settled = uint64(time.Now().Add(time.Hour).UnixNano()) })},
		{"other market, same network", "witness", nil, principal.Canister(4), func(*client.Bundle) {}},
		{"flipped witness", "witness", nil, marketID, func(b *client.Bundle) { b.Witness[len(b.Witness)-1] ^= 1 }},
		{"other price", "receipt hash", nil, marketID, uncertified(func(r *marketapi.Receipt) { r.State = "failed" })},
		{"share moved", "receipt hash", nil, marketID, uncertified(func(r *marketapi.Receipt) { r.Shares = r.Shares[:1] })},
		{"job not in the witness", "receipt hash", nil, marketID, uncertified(func(r *marketapi.Receipt) { r.Job.Seq = 99 })},
		{"receipt of another network", "network and market", nil, marketID, certified(func(r *marketapi.Receipt) { r.Network = model[:] })},
		{"receipt of another market", "network and market", nil, marketID, certified(func(r *marketapi.Receipt) { r.Job.Market = rootID })},
		{"no state certificate", "state certificate", nil, marketID, func(b *client.Bundle) { b.State = nil }},
		{"state of something else", "module hash", nil, marketID, func(b *client.Bundle) { b.State = state(hashtree.NewBuilder()) }},
		{"controllers missing", "controllers", nil, marketID, func(b *client.Bundle) {
			b.State = state(hashtree.NewBuilder().Set(moduleHash[:], []byte("canister"), marketID.Bytes(), []byte("module_hash")))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := *good
			b.Certificate, b.Witness = bytes.Clone(good.Certificate), bytes.Clone(good.Witness)
			tc.change(&b)
			rootKey := tc.rootKey
			if rootKey == nil {
				rootKey = m.net.RootKey
			}
			f, err := client.VerifyBundle(&b, rootKey, tc.market)
			var want *client.VerifyError
			if !errors.As(err, &want) || want.Name != tc.finding {
				t.Fatalf("got %v, want %q to fail", err, tc.finding)
			}
			if last := f.Lines[len(f.Lines)-1]; last.OK || last.Name != tc.finding {
				t.Errorf("last line %+v", last)
			}
		})
	}
}

func encodeReceipt(t *testing.T, r marketapi.Receipt) []byte {
	t.Helper()
	b, err := marketapi.EncodeReceipt(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReceiptRefusesALie(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	m.lie = func(r *marketapi.CertifiedReceipt) { r.Receipt.State = "disputed" }
	_, err := c.Receipt(t.Context(), 7)
	lied(t, err)
	m.lie = nil
	if _, err := c.Receipt(t.Context(), 8); err == nil {
		t.Error("receipt of job 7 taken for job 8")
	}
}

func TestDecodeBundleRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"nothing": "", "number": "1", "other kind": `{"version":1,"kind":"x"}`, "other version": `{"version":2,"kind":"assay receipt"}`,
		"unknown field": `{"version":1,"kind":"assay receipt","x":1}`, "more after it": `{"version":1,"kind":"assay receipt"} {}`,
		"too long": strings.Repeat(" ", 9<<20),
	} {
		var want *client.BundleError
		if _, err := client.DecodeBundle([]byte(s)); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want a BundleError", name, err)
		}
	}
}

func FuzzVerifyBundle(f *testing.F) {
	n := certtest.New(f, certtest.Sharded, certificate.Range{To: principal.Canister(9)})
	f.Add([]byte(`{"version":1,"kind":"assay receipt","receipt":"RElETA==","certificate":"2dn3oA==","witness":"gQA=","state_certificate":""}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := client.DecodeBundle(data)
		if err != nil {
			var want *client.BundleError
			if !errors.As(err, &want) {
				t.Fatalf("error of type %T", err)
			}
			return
		}
		if _, err := client.VerifyBundle(b, n.RootKey, marketID); err == nil {
			t.Error("a bundle that nobody signed verifies")
		}
	})
}

// lengths is a backend whose output is the length of the text.
type lengths struct{ off byte }

func (l lengths) Run(_ context.Context, item pipeline.Item) (pipeline.Tensor, error) {
	return pipeline.Tensor{DType: commitment.Uint8, Shape: []uint64{1}, Data: []byte{byte(len(item.Text)) + l.off}}, nil
}

func TestReplay(t *testing.T) {
	t.Parallel()
	m, c := setUp(t)
	r, err := c.Replay(t.Context(), 7, lengths{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Certified || !bytes.Equal(r.Output[:], *m.receipt.Output) || len(r.Wrong()) != 0 {
		t.Errorf("honest job: %+v", r)
	}
	if d := r.Deliveries; len(d) != 2 || !d[0].Equal || d[1].Shown != nil {
		t.Errorf("deliveries: %+v", d)
	}
	wrong := outputRoot(t, []marketapi.Tensor{vector(9), vector(1)})
	m.job.Deliveries[1].OutputRoot = &wrong
	if r, err = c.Replay(t.Context(), 7, lengths{}); err != nil || len(r.Wrong()) != 1 || r.Wrong()[0].Operator != operatorB {
		t.Errorf("one wrong delivery: %+v %v", r.Wrong(), err)
	}
	if r, err = c.Replay(t.Context(), 7, lengths{off: 1}); err != nil || len(r.Wrong()) != 2 {
		t.Errorf("other model: %+v %v", r.Wrong(), err)
	}
	items := client.Texts("ab", "d")
	m.input = marketapi.Input{Inline: &items}
	_, err = c.Replay(t.Context(), 7, lengths{})
	lied(t, err)
	m.input = marketapi.Input{Hash: &marketapi.InputHash{Hash: model[:]}}
	if _, err = c.Replay(t.Context(), 7, lengths{}); err == nil {
		t.Error("replayed an input that is not there")
	}
}

// daemon serves scripts of frames, one connection after the other.
func daemon(t *testing.T, scripts ...[]string) (base string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	up := websocket.Upgrader{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(*asked) >= len(scripts) {
			http.Error(w, "no more scripts", http.StatusGone)
			return
		}
		script := scripts[len(*asked)]
		*asked = append(*asked, r.URL.RequestURI())
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for _, frame := range script {
			if conn.WriteMessage(websocket.TextMessage, []byte(frame)) != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func event(seq int) string {
	return fmt.Sprintf(`{"v":1,"type":"event","seq":%d,"at":1,"job":7,"kind":"k%d"}`, seq, seq)
}

func TestWatchResumes(t *testing.T) {
	t.Parallel()
	base, asked := daemon(t,
		[]string{`{"v":1,"type":"snapshot","seq":3,"job":7,"state":"assigned"}`, event(3), event(5)},
		[]string{`{"v":1,"type":"snapshot","seq":6,"job":7,"state":"assigned"}`, event(5), event(9)},
		[]string{`{"v":1,"type":"snapshot","seq":12,"job":7,"state":"final"}`, event(11), `{"v":1,"type":"end","seq":12,"job":7,"state":"final"}`},
	)
	var got []string
	next, err := client.Watch(t.Context(), []string{base}, 7, 2, func(f client.Frame) error {
		got = append(got, fmt.Sprintf("%s %d", f.Type, f.Seq))
		return nil
	})
	if err != nil || next != 12 {
		t.Fatalf("next %d, %v", next, err)
	}
	if diff := cmp.Diff([]string{"snapshot 3", "event 3", "event 5", "event 9", "event 11", "end 12"}, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/v1/events?from=2&job=7", "/v1/events?from=6&job=7", "/v1/events?from=10&job=7"}, *asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string]string{
		"other version": `{"v":2,"type":"end","seq":1,"job":7}`,
		"other job":     `{"v":1,"type":"end","seq":1,"job":8}`,
		"unknown type":  `{"v":1,"type":"token","seq":1,"job":7}`,
		"not JSON":      `hello`,
	} {
		base, _ := daemon(t, []string{frame})
		var want *client.FrameError
		if _, err := client.Watch(t.Context(), []string{base}, 7, 0, func(client.Frame) error { return nil }); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want a FrameError", name, err)
		}
	}
	if _, err := client.Watch(t.Context(), nil, 7, 0, nil); err == nil {
		t.Error("watched nobody")
	}
}

func TestWatchStops(t *testing.T) {
	t.Parallel()
	base, _ := daemon(t, []string{event(3), event(4)})
	enough := errors.New("enough")
	if next, err := client.Watch(t.Context(), []string{base}, 7, 0, func(client.Frame) error { return enough }); !errors.Is(err, enough) || next != 4 {
		t.Errorf("got %d %v, want 4 and the callback's error", next, err)
	}
	base, _ = daemon(t, []string{event(3)})
	ctx, cancel := context.WithCancel(t.Context())
	if next, err := client.Watch(ctx, []string{base}, 7, 0, func(client.Frame) error { cancel(); return nil }); !errors.Is(err, context.Canceled) || next != 4 {
		t.Errorf("got %d %v, want 4 and Canceled", next, err)
	}
	if _, err := client.Watch(t.Context(), []string{"ftp://x"}, 7, 0, nil); err == nil {
		t.Error("watched an ftp address")
	}
}
