package clients

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/cmd/assay/standins"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/internal/need"
	"assay/internal/subnet"
)

// icp runs the command line in a project of its own, with a home of its own.
type icp struct {
	t       *testing.T
	program string
	dir     string
}

// openICP makes a project with one canister and one environment per network.
func openICP(t *testing.T, w *world, module []byte) icp {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		need.NotRun(t, "icp command line", "its package is for Linux on x64")
	}
	_, packages := need.Node(t, "icp")
	c := icp{t, filepath.Join(packages, "node_modules", "@icp-sdk", "icp-cli-linux-x64", "bin", "icp"), t.TempDir()}
	manifest := "canisters:\n"
	for _, name := range []string{"counter", "given"} {
		manifest += "  - {name: " + name + ", build: {steps: [{type: script, command: 'cp counter.wasm \"$ICP_WASM_OUTPUT_PATH\"'}]}}\n"
	}
	networks, environments := "networks:\n", "environments:\n"
	for name, url := range map[string]string{"assay": w.URL, "forged": w.Tampered["forged"], "imposter": w.Tampered["imposter"]} {
		networks += fmt.Sprintf("  - {name: %s, mode: connected, url: %q, root-key: %s}\n", name, url, w.RootKey)
		environments += fmt.Sprintf("  - {name: %s, network: %s}\n", name, name)
	}
	c.write("icp.yaml", []byte(manifest+networks+environments))
	c.write("counter.wasm", module)
	return c
}

func (c icp) write(name string, content []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), content, 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c icp) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), c.program, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "ICP_HOME="+filepath.Join(c.dir, "home"), "DO_NOT_TRACK=1", "RUST_BACKTRACE=0")
	return cmd
}

// run must succeed; it returns what was printed, people's part after data.
func (c icp) run(args ...string) string {
	c.t.Helper()
	var stdout, stderr strings.Builder
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("icp %s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return strings.TrimSpace(stdout.String() + stderr.String())
}

// says runs a command whose output must hold all the texts.
func (c icp) says(args []string, texts ...string) {
	c.t.Helper()
	out := c.run(args...)
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.t.Errorf("icp %s: no %q in\n%s", strings.Join(args, " "), text, out)
		}
	}
}

// fails runs a command that must fail and say why.
func (c icp) fails(args []string, text string) {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), text) {
		c.t.Errorf("icp %s: %v, no %q in\n%s", strings.Join(args, " "), err, text, out)
	}
}

// words splits a command and puts the environment behind it.
func words(command string) []string { return append(strings.Fields(command), "-e", "assay") }

// TestICP works on a canister as a developer does, with the icp command line.
func TestICP(t *testing.T) {
	t.Parallel()
	w := open(t)
	module := (&subnet.Network{T: t}).Build("../../../examples/counter")
	c := openICP(t, w, module.Wasm)
	c.run("identity", "new", "tester", "--storage", "plaintext")
	c.run("identity", "default", "tester")
	me, err := principal.Parse(c.run("identity", "principal"))
	if err != nil {
		t.Fatal(err)
	}
	rootKey, err := hex.DecodeString(w.RootKey)
	if err != nil {
		t.Fatal(err)
	}
	standIns := standins.Network{URL: w.URL, RootKey: rootKey, Subnet: principal.MustParse(w.Subnet)}
	if err := standins.Install(t.Context(), standIns, func(string) {}); err != nil {
		t.Fatal(err)
	}
	var id principal.Principal // of the canister that is created

	steps := []struct {
		name string
		run  func(c icp)
	}{
		{"ping", func(c icp) { c.says([]string{"network", "ping", "assay"}, `"replica_health_status": "healthy"`) }},
		{"network status", func(c icp) { c.says(words("network status"), w.RootKey) }},
		{"link", func(c icp) {
			given := controlledBy(c.t, w, me).String()
			c.run("canister", "link", "given", given, "-e", "assay")
			c.says(words("canister status given --id-only"), given)
		}},
		{"cycles", func(c icp) {
			c.run(words("cycles transfer 20t " + me.String() + " --identity anonymous")...)
			c.says(words("cycles balance"), "20")
		}},
		{"create", func(c icp) {
			c.run(words("canister create counter --cycles 5t")...)
			if id, err = principal.Parse(c.run(words("canister status counter --id-only")...)); err != nil {
				c.t.Error(err)
			}
		}},
		{"status of an empty canister", func(c icp) { c.says(words("canister status counter"), "Running", me.String()) }},
		{"install", func(c icp) {
			c.run(words("canister install counter --wasm counter.wasm")...)
			c.says(words("canister status counter"), fmt.Sprintf("%x", sha256.Sum256(module.Wasm)))
		}},
		{"call", func(c icp) {
			c.says(append(words("canister call counter increment"), "()"), "(1 : nat64)")
			c.says(append(words("canister call counter add"), "(41)"), "(42 : nat64)")
		}},
		{"query", func(c icp) { c.says(append(words("canister call counter get --query"), "()"), "(42 : nat64)") }},
		{"trap", func(c icp) {
			c.fails(words("canister call "+w.Canister+" run --args-format hex "+w.Program["trap"]), "IC0503")
			c.fails(append(words("canister call counter add"), "(18446744073709551615)"), "IC0406")
			c.fails(append(words("canister call counter nothing"), "()"), "IC0536")
		}},
		{"metadata", func(c icp) { c.says(words("canister metadata counter candid:service"), "increment") }},
		{"settings", func(c icp) {
			c.run(words("canister settings update counter --freezing-threshold 40d --add-environment-variable COLOR=green")...)
			c.says(words("canister settings show counter"), "COLOR", "green", "3_456_000")
		}},
		{"upgrade", func(c icp) {
			c.run(words("canister install counter --mode upgrade --wasm counter.wasm --yes")...)
			c.says(append(words("canister call counter get --query"), "()"), "(42 : nat64)")
		}},
		{"stop and start", func(c icp) {
			c.run(words("canister stop counter")...)
			c.says(words("canister status counter"), "Stopped")
			c.fails(append(words("canister call counter increment"), "()"), "IC0508")
		}},
		{"snapshot", func(c icp) {
			snapshot := c.run(words("canister snapshot create counter --quiet")...)
			c.says(words("canister snapshot list counter"), snapshot)
			c.run(words("canister start counter")...)
			c.says(append(words("canister call counter increment"), "()"), "(43 : nat64)")
			c.run(words("canister stop counter")...)
			c.run(words("canister snapshot download counter " + snapshot + " -o saved")...)
			c.run(words("canister snapshot restore counter " + snapshot)...)
			c.run(words("canister start counter")...)
			c.says(append(words("canister call counter get --query"), "()"), "(42 : nat64)")
		}},
		{"logs", func(c icp) { c.says(words("canister logs "+w.Canister+" --identity anonymous"), "on purpose") }},
		{"a stranger", func(c icp) {
			c.says(words("canister status counter --identity anonymous"), fmt.Sprintf("%x", sha256.Sum256(module.Wasm)))
			c.fails(words("canister stop counter --identity anonymous"), "IC0512")
		}},
		{"forged answers", func(c icp) {
			hello := []string{"canister", "call", w.Canister, "run", "--args-format", "hex", w.Program["hello"], "-e"}
			c.fails(append(hello, "forged"), "verification failed")
			c.fails(append(hello, "imposter"), "verification failed")
			hello[3] = "read"
			c.fails(append(hello, "forged", "--query"), "verification failed")
		}},
		{"delete", func(c icp) {
			c.run(words("canister stop counter")...)
			c.run(words("canister delete counter")...) // which sends its cycles to the ledger
			if _, known := w.network.Info(id); known {
				c.t.Error("the canister is still there")
			}
		}},
	}
	for _, s := range steps {
		if !t.Run(s.name, func(t *testing.T) { c.t = t; s.run(c) }) {
			return // the next steps stand on this one
		}
	}
}

// controlledBy makes an empty canister.
func controlledBy(t *testing.T, w *world, controller principal.Principal) principal.Principal {
	t.Helper()
	controllers := []principal.Principal{controller}
	made, err := managementapi.NewClient[context.Context](inside{w.network, principal.Canister(0)}).
		ProvisionalCreateCanisterWithCycles(t.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{
			Settings: &managementapi.Settings{Controllers: &controllers},
		})
	if err != nil {
		t.Fatal(err)
	}
	return made.CanisterId
}
