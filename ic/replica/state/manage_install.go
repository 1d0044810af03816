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

// compileInstall compiles the module of an installation while nobody holds the mutex;
// what it returns ends the use. Errors come again when the call is served.
func (m *Machine) compileInstall(ctx context.Context, method string, arg []byte) (done func()) {
	if wasm := m.moduleIn(method, arg); wasm != nil {
		if module, err := m.config.Engine.Compile(ctx, wasm); err == nil {
			return module.Release
		}
	}
	return func() {}
}

// moduleIn is the module that a call would install, nil where it would install none.
func (m *Machine) moduleIn(method string, arg []byte) []byte {
	switch method {
	case "install_code":
		if install, err := managementapi.DecodeInstallCodeArgs(arg); err == nil {
			return install.WasmModule
		}
	case "install_chunked_code":
		install, err := managementapi.DecodeInstallChunkedCodeArgs(arg)
		if err != nil {
			return nil
		}
		store := install.TargetCanister
		if install.StoreCanister != nil {
			store = *install.StoreCanister
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if c := m.mu.canisters[store]; c != nil {
			wasm, _ := assemble(c, &install)
			return wasm
		}
	}
	return nil
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

// install is one installation being done.
type install struct {
	c        *canister
	arg      managementapi.InstallCode
	upgrade  bool
	keep     bool // the heap outlives the upgrade
	module   *host.Module
	instance *host.Instance
	stable   *host.Stable
	before   *host.Image // of the old instance, where keep committed what pre_upgrade did
}

func (m *Machine) installLocked(ctx context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeInstallCodeArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	return m.installModuleLocked(ctx, c, call, arg)
}

// installModuleLocked installs code. If anything fails, the canister is as before.
func (m *Machine) installModuleLocked(ctx context.Context, c *canister, call *managed, arg managementapi.InstallCode) answer {
	if rej := checkMode(c, arg.Mode); rej != nil {
		return rejectOf(rej)
	}
	module, err := m.config.Engine.Compile(ctx, arg.WasmModule)
	if err != nil {
		return rejectOf(reject(CodeInvalidWasm, "Canister's Wasm module is not valid: %v", err))
	}
	i := &install{c: c, arg: arg, upgrade: arg.Mode.Upgrade != nil, module: module, stable: c.stable}
	if rej := i.checkPersistence(); rej != nil {
		module.Release()
		return rejectOf(rej)
	}
	in := m.inputLocked(c, call.caller, InstallLimit)
	in.Arg, in.HeapLimit, in.StableLimit = arg.Arg, c.Settings.WasmMemoryLimit, installStableLimit
	prepaid, ok := m.prepay(c, in)
	work := m.config.Prices.Execution(installPerInstr * module.Instructions)
	if !ok || in.Balance.Less(m.frozenLocked(c).Add(work)) {
		module.Release()
		return rejectOf(reject(CodeOutOfCycles, "Canister installation failed with `Canister %s is out of cycles`", c.ID))
	}
	in.Balance = in.Balance.Sub(work)
	m.bookLocked(&c.Consumed.Instructions, work)
	start := time.Now()
	x := host.NewExecution(in)
	trap := m.runInstallLocked(ctx, i, x)
	if trap == nil {
		trap = m.affordInstallLocked(i, x, prepaid)
	}
	if trap == nil && !i.upgrade {
		c.Log = nil // of the code that was there before
	}
	m.logLocked(c, x, trap, "install")
	before := c.paidBytes()
	m.finishInstallLocked(ctx, i, x, trap, in.Balance, prepaid)
	m.mu.running = nil
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
	m.recordLocked(c, call, change{Kind: deployment, Mode: arg.Mode.Tag(), Hash: slices.Clone(module.Hash[:])})
	return replyOf(emptyReply)
}

func checkMode(c *canister, mode managementapi.InstallMode) *Reject {
	switch mode.Tag() {
	case "install":
		if c.module != nil {
			return reject(CodeNotEmpty, "Canister %s cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead", c.ID)
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

// flags are those of an upgrade, if there are any.
func (i *install) flags() managementapi.UpgradeFlags {
	if f := i.arg.Mode.Upgrade; f != nil && *f != nil {
		return **f
	}
	return managementapi.UpgradeFlags{}
}

func persists(m *host.Module) bool {
	section, ok := m.Metadata[persistenceSection]
	return ok && !section.Public
}

// checkPersistence reads whether the heap outlives an upgrade. A module that asks for
// that with a custom section is not upgraded without being told.
func (i *install) checkPersistence() *Reject {
	if !i.upgrade {
		return nil
	}
	option := i.flags().WasmMemoryPersistence
	switch {
	case option == nil && persists(i.c.module):
		return reject(host.CodeContract, "Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option")
	case option == nil || option.Replace:
		return nil
	case !persists(i.module):
		return reject(host.CodeContract, "Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence")
	}
	i.keep = true
	return nil
}

// runInstallLocked runs the old module's pre_upgrade and the new module's entry points.
func (m *Machine) runInstallLocked(ctx context.Context, i *install, x *host.Execution) *host.Trap {
	entry := "canister_init"
	if i.upgrade {
		entry = "canister_post_upgrade"
		if skip := i.flags().SkipPreUpgrade; skip == nil || !*skip {
			if trap := m.asideLocked(i.c, func() *host.Trap { return x.Run(ctx, i.c.instance, i.stable, host.PreUpgrade, "canister_pre_upgrade") }); trap != nil {
				return trap
			}
		}
	} else {
		i.stable = host.NewStable(m.config.StablePages)
		none := []byte(nil)
		x.CertifiedData = &none
	}
	x.Input.Version++
	x.GlobalTimer = 0
	var err error
	if i.keep {
		err = i.keepHeap(ctx)
	} else {
		i.instance, err = i.module.Instantiate(ctx)
	}
	if err != nil {
		return &host.Trap{Code: CodeInvalidWasm, Message: err.Error()}
	}
	return m.asideLocked(i.c, func() *host.Trap {
		if trap := x.Run(ctx, i.instance, i.stable, host.Start, meter.StartExport); trap != nil {
			return trap
		}
		return x.Run(ctx, i.instance, i.stable, host.Init, entry)
	})
}

// keepHeap makes an instance of the new module with the heap of the old one and globals
// of its own.
func (i *install) keepHeap(ctx context.Context) error {
	old := i.c.instance
	before, err := old.Image()
	if err != nil {
		return err
	}
	old.Commit()
	i.before = &before
	image, err := old.Image()
	if err != nil {
		return err
	}
	fresh, err := i.module.Instantiate(ctx)
	if err != nil {
		return err
	}
	image.Globals = slices.Clone(fresh.Globals())
	if missing := int(fresh.Pages())*host.WasmPage - len(image.Heap); missing > 0 {
		image.Heap = append(image.Heap, make([]byte, missing)...)
	}
	if err := fresh.Close(ctx); err != nil {
		return err
	}
	i.instance, err = i.module.Resume(ctx, image)
	return err
}

// affordInstallLocked is why a canister cannot pay for the memory that it would have.
func (m *Machine) affordInstallLocked(i *install, x *host.Execution, prepaid cycles.Amount) *host.Trap {
	u := i.c.memoryUse()
	bytes := u.History + u.Chunks + u.Snapshots + uint64(len(i.arg.WasmModule)) + i.module.CustomBytes +
		uint64(len(i.module.Globals()))*8 + uint64(i.instance.Pages())*host.WasmPage + i.stable.Pages()*host.WasmPage
	set := i.c.Settings
	needed := m.config.Prices.Storage(max(bytes, set.MemoryAllocation), set.ComputeAllocation, min(set.FreezingThreshold, maxFreezing))
	left := x.Balance.Add(prepaid.SubFloor(m.config.Prices.Execution(x.Used)))
	if left.Less(needed) {
		return &host.Trap{Code: CodeGrowCycles, Message: "Canister cannot grow memory due to insufficient cycles: at least " + needed.Sub(left).String() + " additional cycles are required"}
	}
	return nil
}

// finishInstallLocked puts the new code in place, or the old state back, and settles
// the cost.
func (m *Machine) finishInstallLocked(ctx context.Context, i *install, x *host.Execution, trap *host.Trap, balance, prepaid cycles.Amount) {
	c := i.c
	if trap != nil {
		m.undoInstallLocked(ctx, i)
	} else {
		m.unloadLocked(ctx, c)
		c.module, c.instance, c.stable, c.wasm = i.module, i.instance, i.stable, i.module.Source
		x.ChargePages(c.instance.Commit())
		c.stable.Commit()
		c.Timer, balance = x.GlobalTimer, x.Balance
		m.bookLocked(&c.Consumed.Burned, x.Burned)
		if x.CertifiedData != nil {
			c.Certified = *x.CertifiedData
		}
		c.Version++
		c.Installed = m.mu.Time
		if !i.upgrade {
			c.LowMemory = hookOff
		}
	}
	cost := m.config.Prices.Execution(x.Used)
	m.bookLocked(&c.Consumed.Instructions, cost)
	c.Balance = balance.Add(prepaid.Sub(cost))
}

// undoInstallLocked puts the canister back as it was.
func (m *Machine) undoInstallLocked(ctx context.Context, i *install) {
	c := i.c
	c.stable.Rollback()
	switch {
	case i.before != nil:
		m.closeInstance(ctx, c.instance)
		old, err := c.module.Resume(ctx, *i.before)
		if err != nil {
			panic("canister " + c.ID.String() + ": undo an upgrade: " + err.Error()) // it ran a moment ago
		}
		c.instance = old
	case c.instance != nil:
		m.rollbackLocked(ctx, c, c.place())
	}
	if i.instance != nil {
		m.closeInstance(ctx, i.instance)
	}
	i.module.Release()
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

func (m *Machine) uninstallCodeLocked(ctx context.Context, c *canister, call *managed) answer {
	m.eraseLocked(ctx, c)
	m.recordLocked(c, call, change{Kind: uninstallation})
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
