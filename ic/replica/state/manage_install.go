package state

import (
	"context"
	"slices"
	"time"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/meter"
)

const persistenceSection = "enhanced-orthogonal-persistence"

// compileInstall compiles the module of an install_code call while nobody holds the
// mutex; what it returns ends the use. Errors come again when the call is served.
func (m *Machine) compileInstall(ctx context.Context, method string, arg []byte) (done func()) {
	if method == "install_code" {
		if install, err := managementapi.DecodeInstallCodeArgs(arg); err == nil {
			if module, err := m.config.Engine.Compile(ctx, install.WasmModule); err == nil {
				return module.Release
			}
		}
	}
	return func() {}
}

// precompile does that for the oldest message in the queue.
func (m *Machine) precompile(ctx context.Context) {
	m.mu.Lock()
	var msg *message
	if len(m.mu.queue) > 0 {
		msg = m.mu.queue[0]
	}
	m.mu.Unlock()
	if msg != nil && msg.Kind == requestMessage && msg.To == principal.Management {
		m.compileInstall(ctx, msg.Method, msg.Arg)()
	}
}

// install is one install_code being done.
type install struct {
	c        *canister
	arg      managementapi.InstallCode
	upgrade  bool
	module   *host.Module
	instance *host.Instance
	stable   *host.Stable
}

// installLocked installs code. If anything fails, the canister is as before.
func (m *Machine) installLocked(ctx context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeInstallCodeArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	if rej := checkMode(c, arg.Mode); rej != nil {
		return rejectOf(rej)
	}
	module, err := m.config.Engine.Compile(ctx, arg.WasmModule)
	if err != nil {
		return rejectOf(reject(CodeInvalidWasm, "Error from Canister %s: %v", c.ID, err))
	}
	i := &install{c: c, arg: arg, upgrade: arg.Mode.Upgrade != nil || arg.Mode.Tag() == "upgrade", module: module, stable: c.stable}
	if rej := checkPersistence(i); rej != nil {
		module.Release()
		return rejectOf(rej)
	}
	in := m.inputLocked(c, call.caller, InstallLimit)
	in.Arg, in.HeapLimit, in.StableLimit = arg.Arg, c.Settings.WasmMemoryLimit, installStableLimit
	prepaid, ok := m.prepay(c, in)
	work := m.config.Prices.Execution(installPerInstr * module.Instructions)
	if !ok || in.Balance.Less(m.frozenLocked(c).Add(work)) {
		module.Release()
		return rejectOf(outOfCycles(c))
	}
	in.Balance = in.Balance.Sub(work)
	m.mu.money.Spent = m.mu.money.Spent.Add(work)
	start := time.Now()
	x := host.NewExecution(in)
	trap := m.runInstallLocked(ctx, i, x)
	if trap == nil && !i.upgrade {
		c.Log = nil // of the code that was there before
	}
	m.logLocked(c, x, trap, "install")
	before := c.paidBytes()
	m.finishInstallLocked(ctx, i, x, trap, in.Balance, prepaid)
	if trap == nil {
		m.reserveLocked(c, before)
	}
	call.used = x.Used
	stats := MessageStats{Canister: c.ID, Kind: "install", Method: arg.Mode.Tag(), Instructions: x.Used, Duration: time.Since(start), Failed: trap != nil}
	if c.instance != nil {
		stats.HeapPages, stats.StablePages = c.instance.Pages(), c.stable.Pages()
	}
	m.observe(stats)
	if trap != nil {
		return rejectOf(trapReject(c, trap))
	}
	return replyOf(emptyReply)
}

func checkMode(c *canister, mode managementapi.InstallMode) *Reject {
	switch mode.Tag() {
	case "install":
		if c.module != nil {
			return reject("IC0514", "Canister %s is not empty: use reinstall or upgrade", c.ID)
		}
	case "upgrade":
		if c.module == nil {
			return reject(CodeNoModule, "Canister %s has no wasm module installed: there is nothing to upgrade", c.ID)
		}
	case "reinstall":
	default:
		return reject(CodeBadPayload, "unknown install mode")
	}
	return nil
}

// checkPersistence refuses what needs the heap to outlive the code.
func checkPersistence(i *install) *Reject {
	flags := i.arg.Mode.Upgrade
	if flags != nil && *flags != nil && (*flags).WasmMemoryPersistence != nil && (*flags).WasmMemoryPersistence.Keep {
		return reject(CodeBadPayload, "wasm_memory_persistence = keep is not supported by this network: state that outlives an upgrade must be in stable memory")
	}
	if _, ok := i.module.Metadata[persistenceSection]; ok && i.upgrade {
		return reject(CodeBadPayload, "the module asks for %s, which this network does not support", persistenceSection)
	}
	return nil
}

// runInstallLocked runs the old module's pre_upgrade and the new module's entry points.
func (m *Machine) runInstallLocked(ctx context.Context, i *install, x *host.Execution) *host.Trap {
	entry := "canister_init"
	if i.upgrade {
		entry = "canister_post_upgrade"
		if !skipsPreUpgrade(i.arg.Mode) {
			if trap := x.Run(ctx, i.c.instance, i.stable, host.PreUpgrade, "canister_pre_upgrade"); trap != nil {
				return trap
			}
		}
	} else {
		i.stable = host.NewStable(m.config.StablePages)
		none := []byte(nil)
		x.CertifiedData = &none
	}
	x.GlobalTimer = 0
	var err error
	if i.instance, err = i.module.Instantiate(ctx); err != nil {
		return &host.Trap{Code: CodeInvalidWasm, Message: err.Error()}
	}
	if trap := x.Run(ctx, i.instance, i.stable, host.Start, meter.StartExport); trap != nil {
		return trap
	}
	return x.Run(ctx, i.instance, i.stable, host.Init, entry)
}

func skipsPreUpgrade(mode managementapi.InstallMode) bool {
	flags := mode.Upgrade
	return flags != nil && *flags != nil && (*flags).SkipPreUpgrade != nil && *(*flags).SkipPreUpgrade
}

// finishInstallLocked puts the new code in place, or the old state back, and settles
// the cost.
func (m *Machine) finishInstallLocked(ctx context.Context, i *install, x *host.Execution, trap *host.Trap, balance, prepaid cycles.Amount) {
	c := i.c
	if trap != nil {
		c.stable.Rollback()
		if c.instance != nil {
			m.rollbackLocked(ctx, c)
		}
		if i.instance != nil {
			m.closeInstance(ctx, i.instance)
		}
		i.module.Release()
	} else {
		m.unloadLocked(ctx, c)
		c.module, c.instance, c.stable, c.wasm = i.module, i.instance, i.stable, slices.Clone(i.arg.WasmModule)
		x.ChargePages(c.instance.Commit())
		c.stable.Commit()
		c.Timer, balance = x.GlobalTimer, x.Balance
		m.mu.money.Spent = m.mu.money.Spent.Add(x.Burned)
		if x.CertifiedData != nil {
			c.Certified = *x.CertifiedData
		}
		c.Version++
	}
	cost := m.config.Prices.Execution(x.Used)
	m.mu.money.Spent = m.mu.money.Spent.Add(cost)
	c.Balance = balance.Add(prepaid.Sub(cost))
}

func (m *Machine) closeInstance(ctx context.Context, i *host.Instance) {
	if err := i.Close(ctx); err != nil {
		m.config.Logger.Error("free an instance", "error", err)
	}
}

func (m *Machine) unloadLocked(ctx context.Context, c *canister) {
	if err := c.unload(ctx); err != nil {
		m.config.Logger.Error("free an instance", "canister", c.ID.String(), "error", err)
	}
}

// uninstallLocked empties a canister.
func (m *Machine) uninstallLocked(ctx context.Context, c *canister, call *managed) answer {
	if _, err := managementapi.DecodeUninstallCodeArgs(call.arg); err != nil {
		return badPayload(call, err)
	}
	m.eraseLocked(ctx, c)
	return replyOf(emptyReply)
}

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
