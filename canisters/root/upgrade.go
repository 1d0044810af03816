package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"assay/canisters/root/rootapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

const taskUpgrades = "upgrades"

// phase of an upgrade: the step that is to be done next, or under way. A step that was
// cut off is done again; each is harmless twice.
type phase uint8

// The phases. Numbers are never reused.
const (
	stopping   phase = 1
	installing phase = 2
	starting   phase = 3
	ended      phase = 4
)

// upgrade is one upgrade as it is stored:
//
//	0 version 1 · 1 phase · u32 length and bytes of the argument, of the failure ·
//	the rest: rootapi.Upgrade, as a Candid message
type upgrade struct {
	rootapi.Upgrade
	phase   phase
	arg     []byte
	failure string // why the new module is not installed, empty as long as it may be
}

func (u *upgrade) encode() ([]byte, error) {
	switch u.phase {
	case stopping:
		u.State = "stopping"
	case installing:
		u.State = "installing"
	case starting:
		u.State = "starting"
	case ended:
		if u.State = "done"; u.failure != "" {
			u.State = "failed: " + u.failure
		}
	}
	record, err := rootapi.EncodeUpgrade(u.Upgrade)
	if err != nil {
		return nil, err
	}
	b := []byte{recordVersion, byte(u.phase)}
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(u.arg))), u.arg...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(u.failure))), u.failure...)
	return append(b, record...), nil
}

func decodeUpgrade(v []byte) (*upgrade, error) {
	if len(v) < 2 || v[0] != recordVersion || v[1] < byte(stopping) || v[1] > byte(ended) {
		return nil, errors.New("stored upgrade of an unknown version or phase")
	}
	u := &upgrade{phase: phase(v[1])}
	arg, rest, ok := field(v[2:])
	failure, rest, also := field(rest)
	if !ok || !also {
		return nil, errors.New("stored upgrade is cut short")
	}
	u.arg, u.failure = append([]byte(nil), arg...), string(failure)
	var err error
	u.Upgrade, err = rootapi.DecodeUpgrade(rest)
	return u, err
}

func field(b []byte) (f, rest []byte, ok bool) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint32(b))
	return b[4 : 4+n], b[4+n:], true
}

func (u *upgrade) save() {
	v, err := u.encode()
	if err == nil {
		err = cdk.Map(regionState).Put(upgradeKey(u.Id), v)
	}
	if err != nil {
		panic(err)
	}
}

func eachUpgrade(visit func(*upgrade) bool) {
	cdk.Map(regionState).Scan([]byte("u"), func(_, v []byte) bool {
		u, err := decodeUpgrade(v)
		if err != nil {
			panic(err)
		}
		return visit(u)
	})
}

func lastUpgrade() uint64 {
	key, _, ok := cdk.Map(regionState).Last()
	if !ok || key[0] != 'u' {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}

func underWay(id principal.Principal) (found bool) {
	eachUpgrade(func(u *upgrade) bool {
		found = u.Canister == id && u.phase != ended
		return !found
	})
	return found
}

// runUpgrades does the next step of the first upgrade that is not ended and queues
// itself again while there are any. An error has the step done again after a while.
func runUpgrades(m *cdk.Message) error {
	var next *upgrade
	eachUpgrade(func(u *upgrade) bool {
		if u.phase != ended {
			next = u
		}
		return next == nil
	})
	if next == nil {
		return nil
	}
	if err := next.step(m); err != nil {
		return fmt.Errorf("upgrade %d of %s, %s: %w", next.Id, next.Canister, next.State, err)
	}
	next.save()
	return m.After(0, taskUpgrades)
}

// step does what the phase says and moves to the next phase. The record says before the
// call what is being done. A canister that was stopped is always started again.
func (u *upgrade) step(m *cdk.Message) error {
	switch u.phase {
	case stopping:
		if err := u.stop(m); err != nil {
			u.fail(err)
			return nil
		}
		u.phase = installing
	case installing:
		if err := u.install(m); err != nil {
			u.fail(err)
			return nil
		}
		u.phase = starting
	case starting:
		arg, err := managementapi.EncodeStartCanisterArgs(managementapi.Canister{CanisterId: u.Canister})
		if err != nil {
			return err
		}
		if _, err := management(m, "start_canister", arg); gone(err) {
			u.failure = strings.TrimPrefix(fmt.Sprintf("%s; start_canister: %v", u.failure, err), "; ")
		} else if err != nil {
			return err
		}
		u.phase, u.Ended = ended, new(m.Time())
	}
	return nil
}

// gone tells an answer that repeating will not change: root does not control the
// canister, or it does not exist.
func gone(err error) bool {
	ce, ok := errors.AsType[*cdk.CallError](err)
	return ok && ce.Sent && (ce.Code == cdk.CanisterError || ce.Code == cdk.CanisterReject || ce.Code == cdk.DestinationInvalid)
}

// fail gives the new module up and has the canister started with the one it has.
func (u *upgrade) fail(err error) { u.failure, u.phase = err.Error(), starting }

func (u *upgrade) stop(m *cdk.Message) error {
	arg, err := managementapi.EncodeStopCanisterArgs(managementapi.Canister{CanisterId: u.Canister})
	if err != nil {
		return err
	}
	_, err = management(m, "stop_canister", arg)
	return err
}

func (u *upgrade) install(m *cdk.Message) error {
	module, ok := cdk.Map(regionState).Get(moduleKey(u.ModuleHash))
	if !ok {
		return errors.New("the module is gone")
	}
	arg, err := managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{
		Mode: managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}, CanisterId: u.Canister, WasmModule: module, Arg: u.arg,
	})
	if err != nil {
		return err
	}
	if _, err = management(m, "install_code", arg); err == nil {
		return nil
	}
	// an install whose answer does not say so may have been done
	if s, statusErr := status(m, u.Canister); statusErr == nil && s.ModuleHash != nil && bytes.Equal(*s.ModuleHash, u.ModuleHash) && !gone(err) {
		return nil
	}
	return fmt.Errorf("install_code: %w", err)
}

// management calls the management canister and waits for its answer, however long.
func management(m *cdk.Message, method string, arg []byte) ([]byte, error) {
	return cdk.Canister{ID: principal.Management}.Call(m, method, candid.Update, arg)
}

func status(m *cdk.Message, id principal.Principal) (managementapi.StatusBrief, error) {
	arg, err := managementapi.EncodeCanisterStatusArgs(managementapi.Canister{CanisterId: id})
	if err != nil {
		return managementapi.StatusBrief{}, err
	}
	reply, err := management(m, "canister_status", arg)
	if err != nil {
		return managementapi.StatusBrief{}, err
	}
	return managementapi.DecodeStatusBrief(reply)
}
