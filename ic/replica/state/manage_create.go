package state

import (
	"context"
	"errors"
	"slices"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

const provisionalDefault = 100_000_000_000_000 // cycles

// firstCanister is the index of the first id that the network gives out. It is where
// local networks for developers begin; the lower ids, which mainnet gave to its system
// canisters, stay free for stand-ins.
const firstCanister = 0x8000_0000_0010_0001

// maxGrant is the most that one provisional call mints. What is asked above that is not
// given, so that the sum of a thousand such calls still fits.
var maxGrant = cycles.Amount{Hi: 1 << 46}

func (m *Machine) createLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeCreateCanisterArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	fee := m.config.Prices.Creation()
	if len(m.config.Admins) > 0 {
		fee = cycles.Amount{}
	}
	set, who, rej := readSettings(arg.Settings, settingsOfNew(), []principal.Principal{call.caller})
	switch {
	case rej != nil:
		return rejectOf(rej)
	case call.cycles.Less(fee):
		return rejectOf(reject(CodeTooFewToCreate, "Creating a canister requires a fee of %v that is deducted from the canister's initial balance but only %v cycles were received with the create_canister request", fee, call.cycles))
	}
	c, rej := m.bearLocked(m.freeIDLocked(), set, who, call.cycles.Sub(fee))
	if rej != nil {
		return rejectOf(rej)
	}
	c.Balance, call.cycles = c.Balance.Add(fee), cycles.Amount{}
	m.spendLocked(c, &c.Consumed.Creation, fee)
	m.recordCreationLocked(c, call, arg.Settings)
	return encoded(managementapi.EncodeCreateCanisterResults(managementapi.Created{CanisterId: c.ID}))
}

// bearLocked makes a canister with these settings and so many cycles, unless they do not
// pay for what the settings reserve.
func (m *Machine) bearLocked(id principal.Principal, set settings, who []principal.Principal, balance cycles.Amount) (*canister, *Reject) {
	c := m.newCanisterLocked(id, who)
	c.Balance = balance
	if rej := m.affordSettingsLocked(c, set); rej != nil {
		m.forgetLocked(c)
		return nil, rej
	}
	before := c.paidBytes()
	c.Settings = set
	m.reserveLocked(c, before)
	return c, nil
}

func (m *Machine) recordCreationLocked(c *canister, call *managed, in *managementapi.Settings) {
	what := change{Kind: creation, Controllers: slices.Clone(c.Controllers)}
	if in != nil && in.EnvironmentVariables != nil {
		what.Hash = environmentHash(c.Settings.Environment)
	}
	m.recordLocked(c, call, what)
}

// freeIDLocked is the next id in order that nobody has or had.
func (m *Machine) freeIDLocked() principal.Principal {
	for {
		id := principal.Canister(firstCanister + m.mu.counters.Canister)
		m.mu.counters.Canister++
		if m.mu.canisters[id] == nil && !m.mu.deleted[id] {
			return id
		}
	}
}

func (m *Machine) provisionalCreateLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeProvisionalCanister(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	given, err := decodeAmount(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	amount := cycles.New(provisionalDefault)
	if given != nil {
		amount = *given
	}
	set, who, rej := readSettings(arg.Settings, settingsOfNew(), []principal.Principal{call.caller})
	if rej == nil {
		rej = m.checkSpecifiedLocked(arg.SpecifiedId)
	}
	if rej == nil {
		rej = m.mintableLocked(amount)
	}
	if rej != nil {
		return rejectOf(rej)
	}
	id := principal.Principal{}
	if arg.SpecifiedId != nil {
		id = *arg.SpecifiedId
	} else {
		id = m.freeIDLocked()
	}
	c, rej := m.bearLocked(id, set, who, amount)
	if rej != nil {
		return rejectOf(rej)
	}
	m.mu.money.Minted = m.mu.money.Minted.Add(amount)
	m.recordCreationLocked(c, call, arg.Settings)
	return encoded(managementapi.EncodeProvisionalCreateCanisterWithCyclesResults(managementapi.Created{CanisterId: id}))
}

// checkSpecifiedLocked is why a canister cannot have the id that was asked for.
func (m *Machine) checkSpecifiedLocked(id *principal.Principal) *Reject {
	if id == nil {
		return nil
	}
	if _, ok := id.CanisterIndex(); !ok {
		return reject(CodeNotHosted, "Unsuccessful validation of specified ID: %s is not in the canister ranges of the subnet", *id)
	}
	if m.mu.canisters[*id] != nil || m.mu.deleted[*id] {
		return reject(CodeIDExists, "Unsuccessful canister creation: canister id %s already exists", *id)
	}
	return nil
}

// mintableLocked is why so many cycles cannot be made.
func (m *Machine) mintableLocked(a cycles.Amount) *Reject {
	if cycles.MaxSupply.Sub(m.mu.money.Minted).Less(a) {
		return reject(CodeBadPayload, "%v cycles are more than this network can mint", a)
	}
	return nil
}

func (m *Machine) topUpLocked(_ context.Context, c *canister, call *managed) answer {
	amount, err := decodeAmount(call.arg)
	switch {
	case err != nil:
		return badPayload(call, err)
	case amount == nil:
		return badPayload(call, errors.New("there is no amount"))
	}
	if rej := m.mintableLocked(*amount); rej != nil {
		return rejectOf(rej)
	}
	m.mu.money.Minted = m.mu.money.Minted.Add(*amount)
	c.Balance = c.Balance.Add(*amount)
	return replyOf(emptyReply)
}

const amountField = 3_573_748_184 // the hash of "amount"

var amountHeader = candid.Header{Text: "DIDL\x00\x00"}

// decodeAmount reads the field amount of a record, a nat of any size or an option of
// one, nil where there is none.
func decodeAmount(arg []byte) (*cycles.Amount, error) {
	n, err := candid.DecodeOne("amount", &amountHeader, arg, func(d *candid.Decoder, t candid.Type, v **candid.Nat) {
		r := d.Record(t)
		candid.GetOpt(d, r.Field(amountField), v, candid.GetNatAtMost)
		r.End()
	})
	if err != nil || n == nil {
		return nil, err
	}
	a := cycles.Min(cycles.Amount(*n), maxGrant)
	return &a, nil
}
