// Package rules holds the tests that guard the tree itself: who may import whom, that
// every package says what it is for, and that pure packages stay pure.
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath   string
	Name         string
	Doc          string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

const module = "assay"

// rule says what the packages under a folder may import of the project and from outside.
// The longest matching folder wins. A trailing "/..." takes the folder and all below it.
type rule struct {
	folder  string
	project []string
	outside []string
	why     string
}

const (
	wazero     = "github.com/tetratelabs/wazero/..."
	gnark      = "github.com/consensys/gnark-crypto/..."
	agentGo    = "github.com/aviate-labs/agent-go/..."
	cbor       = "github.com/fxamacker/cbor/v2"
	websocket  = "github.com/gorilla/websocket"
	natsServer = "github.com/nats-io/nats-server/v2/..."
	natsGo     = "github.com/nats-io/nats.go/..."
	cobra      = "github.com/spf13/cobra"
	protowire  = "google.golang.org/protobuf/encoding/protowire"
	goCmp      = "github.com/google/go-cmp/..."
	xsys       = "golang.org/x/sys/..."
)

var apis = []string{
	"canisters/market/marketapi", "canisters/dao/daoapi", "canisters/root/rootapi",
	"canisters/vectors/vectorsapi", "canisters/dapp/dappapi", "ic/management/managementapi",
}

func with(base []string, more ...string) []string {
	return append(append([]string{}, base...), more...)
}

var rules = []rule{
	{"", nil, nil, "only here can go:embed reach the kit's folders; it holds their sources and no code"},
	{"commitment", nil, nil, "everybody hashes with it, so it depends on nobody (in canisters on the kernel ic/kernel/sha256, which this list cannot see)"},
	{"ic/kernel/...", nil, nil, "a kernel and its twin stand on nothing, so that every package can use them"},
	{"ic/principal", nil, nil, "the lowest name of all"},
	{"ic/certificate/...", []string{"ic/principal", "ic/certificate/...", "ic/kernel/sha256"}, []string{gnark, cbor}, "certificates know principals and keys only"},
	{"ic/candid/...", []string{"ic/principal", "ic/candid/..."}, nil, "the codec runs inside canisters"},
	{"ic/candid/candidtest", []string{"ic/principal", "ic/candid/..."}, []string{goCmp}, "tests of generated code"},
	{"ic/identity", []string{"ic/principal", "ic/certificate/..."}, []string{agentGo}, "identities wrap agent-go's"},
	{"ic/management/...", []string{"ic/principal", "ic/candid"}, nil, "generated from management.did"},
	{"ic/agent", []string{"ic/principal", "ic/certificate/...", "ic/candid", "ic/identity"}, []string{agentGo, cbor}, "the only way to a network"},
	{"ic/agent/agenttest", []string{"ic/principal", "ic/certificate/..."}, []string{agentGo, cbor}, "a network in the test process, for the tests of agent and client"},
	{"ic/cdk/...", []string{"ic/principal", "ic/candid/...", "ic/certificate/...", "ic/cdk/...", "ic/kernel/...", "ic/management/..."}, nil, "the kit runs inside canisters"},
	{"ic/cdk/cdktest", []string{"ic/principal", "ic/candid/...", "ic/certificate/...", "ic/cdk/...", "ic/replica/...", "ic/wasm/...", "ic/management/..."}, nil, "the kit's tests run on the embedded network"},
	{"ic/canistertest/...", []string{"ic/principal", "ic/canistertest/...", "ic/candid/...", "ic/cdk/...", "ic/replica/...", "ic/wasm/...", "ic/management/...", "internal/cache"}, nil, "one test of a canister on the double and on the embedded network"},
	{"ic/wasm/...", []string{"ic/principal", "ic/candid/...", "ic/wasm/...", "internal/cache"}, []string{wazero}, "the toolkit is handed Wasm and knows nothing of Assay"},
	{"ic/replica/...", []string{"ic/principal", "ic/candid/...", "ic/certificate/...", "ic/management/...", "ic/wasm/...", "ic/replica/..."}, []string{wazero, cbor, gnark, xsys}, "the network is handed Wasm and knows nothing of Assay"},
	{"ic/pocketic", []string{"ic/principal"}, nil, "a client of a server that is somebody else's"},
	{"ic/localnet", []string{"ic/principal", "ic/replica/...", "internal/cache"}, nil, "a network that listens: keys, network, door and port, put together"},
	{"inference/...", []string{"inference/...", "commitment", "internal/cache"}, []string{protowire, xsys}, "inference knows nobody: a model and a tensor in, a tensor out"},
	{"inference/internal/realmodel", []string{"inference/...", "commitment", "internal/cache", "internal/need"}, nil, "tests only: published models, fetched once"},
	{"inference/tiny/maketiny", []string{"inference/...", "examples/passages"}, nil, "makes the tiny model from the repository's passages"},
	{"vectordb/...", []string{"vectordb/..."}, nil, "the index runs in the canister and natively"},
	{"ic/interop/...", nil, nil, "tests only: clients and canisters that are not ours"},
	{"canisters/market/book", []string{"commitment"}, nil, "a pure core"},
	{"canisters/market/payload", []string{"canisters/market/marketapi", "commitment"}, nil, "hashes of what the interface carries, one owner for provider and client"},
	{"canisters/dao/vote", []string{"commitment"}, nil, "a pure core"},
	{"canisters/vectors/index", []string{"vectordb/..."}, nil, "a pure core"},
	{"canisters/ledger/tokens", []string{"ic/candid"}, nil, "a pure core; candid for its 128-bit numbers"},
	{"canisters/replay", []string{"canisters/replay/...", "ic/cdk/...", "inference/exact", "inference/ir", "inference/tensor"}, nil, "a model in a canister: kit, generated code, the executor"},
	{"canisters/...", with(apis, "ic/principal", "ic/candid/...", "ic/certificate/hashtree", "ic/cdk/...", "ic/kernel/...", "commitment", "vectordb/...", "canisters/..."), nil, "a canister's edge: kit, generated code, its core"},
	{"orchestrator/schedule", nil, nil, "a pure core"},
	{"orchestrator/...", with(apis, "canisters/market/payload", "ic/principal", "ic/candid", "ic/certificate/...", "ic/agent", "ic/identity", "commitment", "inference/...", "vectordb/...", "orchestrator/..."), []string{natsServer, natsGo, websocket}, "the provider's daemon; payload, so that provider and client hash jobs with the same code"},
	{"client/...", with(apis, "canisters/market/payload", "ic/principal", "ic/candid/...", "ic/certificate/...", "ic/agent", "ic/identity", "commitment", "inference/...", "client/..."), []string{websocket}, "the user's side: straight to the network, trusts no daemon"},
	{"cmd/assay/...", with(apis, "", "canisters/standins/icp/icpapi", "canisters/standins/cycles/cyclesapi", "canisters/standins/minter/minterapi", "ic/...", "client/...", "orchestrator/daemon", "inference/...", "vectordb/...", "commitment", "internal/cache", "cmd/assay/...", "examples/passages"), []string{cobra, websocket}, "the one binary"},
	{"scripts/...", []string{"..."}, nil, "small tools around the tree"},
	{"examples/passages", nil, nil, "texts only"},
	{"examples/...", []string{"ic/principal", "ic/candid", "ic/cdk/...", "examples/..."}, nil, "what users write: the kit and generated code"},
	{"internal/cache", nil, nil, "a folder's name"},
	{"internal/costs", nil, nil, "a list of figures; its test measures"},
	{"internal/subnet", []string{"ic/...", "internal/cache"}, nil, "tests only"},
	{"internal/need", []string{"internal/cache"}, nil, "tests only"},
	{"internal/rules", nil, nil, "tests only"},
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages: the test looks in the wrong place", len(all))
	}
	return all
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		r, ok := ruleFor(rel(p.ImportPath))
		if !ok {
			t.Errorf("%s stands under no import rule: give its folder one in internal/rules", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if why := refuses(r, rel(p.ImportPath), imp); why != "" {
				t.Errorf("%s imports %s: %s (rule for %s: %s)", p.ImportPath, imp, why, r.folder, r.why)
			}
		}
	}
}

func rel(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func ruleFor(folder string) (best rule, ok bool) {
	for _, r := range rules {
		if matches(r.folder, folder) && (!ok || len(strings.TrimSuffix(r.folder, "/...")) > len(strings.TrimSuffix(best.folder, "/..."))) {
			best, ok = r, true
		}
	}
	return best, ok
}

func refuses(r rule, from, imp string) string {
	if imp == module || strings.HasPrefix(imp, module+"/") {
		to := rel(imp)
		if from == to || anyMatch(r.project, to) {
			return ""
		}
		return "not among the rooms it may use"
	}
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") || anyMatch(r.outside, imp) {
		return ""
	}
	return "not among the outside modules it may use"
}

func anyMatch(patterns []string, path string) bool {
	for _, p := range patterns {
		if matches(p, path) {
			return true
		}
	}
	return false
}

func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return pattern == path
}

// pure packages play in the canister, in the daemon and in a simulator alike.
var pure = []string{"commitment", "vectordb/...", "inference/tensor", "inference/onnx/...", "inference/ir", "inference/lower", "inference/tokenize/...", "inference/exact", "inference/exact/internal/kernel", "canisters/market/book", "canisters/dao/vote", "canisters/vectors/index", "canisters/ledger/tokens", "orchestrator/schedule"}

// guarded may import sync all the same: the executor guards the memory that runs going on at once use again. No result
// depends on who gets which.
var guarded = []string{"inference/exact"}

func TestPurePackages(t *testing.T) {
	forbidden := map[string]bool{"os": true, "net": true, "net/http": true, "math/rand": true, "math/rand/v2": true, "crypto/rand": true, "os/exec": true, "io/ioutil": true, "log": true, "log/slog": true, "sync": true}
	clock := regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|AfterFunc|NewTimer|NewTicker|Tick)\b`)
	seen := 0
	for _, p := range list(t) {
		if p.Name == "main" || !anyMatch(pure, rel(p.ImportPath)) {
			continue
		}
		seen++
		for _, imp := range p.Imports {
			if forbidden[imp] && !(imp == "sync" && slices.Contains(guarded, rel(p.ImportPath))) {
				t.Errorf("%s is pure but imports %s: pass the value in", p.ImportPath, imp)
			}
		}
		for _, f := range p.GoFiles {
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(string(src), "\n") {
				if clock.MatchString(line) {
					t.Errorf("%s/%s reads a clock: %s", p.ImportPath, f, strings.TrimSpace(line))
				}
				if s := strings.TrimSpace(line); strings.HasPrefix(s, "go func") || strings.HasPrefix(s, "go f(") {
					t.Errorf("%s/%s starts a goroutine: %s", p.ImportPath, f, s)
				}
			}
		}
	}
	if seen < 4 {
		t.Fatalf("only %d pure packages found", seen)
	}
}

func TestNobodyImportsAMain(t *testing.T) {
	all := list(t)
	mains := map[string]bool{}
	for _, p := range all {
		if p.Name == "main" {
			mains[p.ImportPath] = true
		}
	}
	for _, p := range all {
		for _, imp := range append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...) {
			if mains[imp] {
				t.Errorf("%s imports the program %s", p.ImportPath, imp)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) == 0 || strings.Contains(p.ImportPath, "/testdata/") {
			continue
		}
		if len(strings.Fields(p.Doc)) < 5 {
			t.Errorf("%s has no package comment of a sentence", p.ImportPath)
		}
	}
}

// TestTrackedFiles: nothing fetched, built or machine-bound is committed.
func TestTrackedFiles(t *testing.T) {
	out, err := exec.Command("git", "-C", root(t), "ls-files", "-z").Output()
	if err != nil {
		t.Skip("not a git checkout: nothing to check")
	}
	for _, f := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(root(t), f))
		if err != nil {
			continue // deleted in the working tree
		}
		if info.Size() > 1<<20 {
			t.Errorf("%s is %d bytes: nothing over 1 MiB is committed", f, info.Size())
		}
		if strings.HasSuffix(f, ".wasm") && !strings.Contains(f, "testdata") || strings.HasSuffix(f, ".onnx") && !strings.Contains(f, "testdata") {
			t.Errorf("%s is a build output or a model", f)
		}
	}
}
