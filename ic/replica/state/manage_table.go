package state

import (
	"context"

	"assay/ic/principal"
)

// handler serves one method of the management canister.
type handler struct {
	users     bool // may be called by ingress
	admins    bool // by ingress of subnet admins only
	query     bool // may be called as a query
	queryOnly bool // and in no other way
	free      bool // ingress costs its target nothing when it is taken
	versioned bool // the argument may say the calling canister's version
	about     bool // it is about the canister that [EffectiveCanister] finds
	// mayCall says who may call it; nil: anybody who can.
	mayCall func(m *Machine, c *canister, caller principal.Principal) bool
	refusal func(canister, caller principal.Principal) *Reject // nil: that the caller is no controller
	run     func(m *Machine, ctx context.Context, c *canister, call *managed) answer
}

func controllers(_ *Machine, c *canister, p principal.Principal) bool { return c.controlledBy(p) }

func controllersAndSelf(_ *Machine, c *canister, p principal.Principal) bool {
	return c.controlledBy(p) || c.ID == p
}

func controllersAndAdmins(m *Machine, c *canister, p principal.Principal) bool {
	return c.controlledBy(p) || m.isAdmin(p)
}

func seesStatus(m *Machine, c *canister, p principal.Principal) bool {
	return c.Settings.Status.admits(c, p) || c.ID == p || m.isAdmin(p)
}

func seesLogs(_ *Machine, c *canister, p principal.Principal) bool {
	return c.Settings.Logs.admits(c, p)
}

func seesSnapshots(_ *Machine, c *canister, p principal.Principal) bool {
	return c.Settings.Snapshots.admits(c, p)
}

var handlers map[string]handler

func init() {
	// of a canister, by its controllers
	controlled := func(run func(*Machine, context.Context, *canister, *managed) answer) handler {
		return handler{users: true, about: true, mayCall: controllers, run: run}
	}
	versioned := func(h handler) handler {
		h.versioned = true
		return h
	}
	by := func(h handler, who func(*Machine, *canister, principal.Principal) bool) handler {
		h.mayCall = who
		return h
	}
	asQuery := func(h handler) handler {
		h.query = true
		return h
	}
	settings := versioned(controlled((*Machine).updateSettingsLocked))
	settings.free = true
	handlers = map[string]handler{
		"create_canister":                         {admins: true, versioned: true, run: (*Machine).createLocked},
		"provisional_create_canister_with_cycles": {users: true, free: true, versioned: true, run: (*Machine).provisionalCreateLocked},
		"provisional_top_up_canister":             {users: true, free: true, about: true, run: (*Machine).topUpLocked},
		"update_settings":                         settings,
		"install_code":                            versioned(controlled((*Machine).installLocked)),
		"install_chunked_code":                    versioned(controlled((*Machine).installChunkedLocked)),
		"upload_chunk":                            by(controlled((*Machine).uploadChunkLocked), controllersAndSelf),
		"clear_chunk_store":                       by(controlled((*Machine).clearChunksLocked), controllersAndSelf),
		"stored_chunks":                           by(controlled((*Machine).storedChunksLocked), controllersAndSelf),
		"uninstall_code":                          versioned(by(controlled((*Machine).uninstallCodeLocked), controllersAndAdmins)),
		"start_canister":                          by(controlled((*Machine).startLocked), controllersAndAdmins),
		"stop_canister":                           by(controlled((*Machine).stopLocked), controllersAndAdmins),
		"delete_canister":                         by(controlled((*Machine).deleteLocked), controllersAndAdmins),
		"canister_status":                         asQuery(by(controlled((*Machine).statusLocked), seesStatus)),
		"canister_metrics":                        asQuery(by(controlled((*Machine).metricsLocked), controllersAndAdmins)),
		"canister_info":                           {about: true, run: (*Machine).infoLocked},
		"canister_metadata":                       {about: true, run: (*Machine).metadataLocked},
		"deposit_cycles":                          {about: true, run: (*Machine).depositLocked},
		"raw_rand":                                {run: (*Machine).randomLocked},
		"take_canister_snapshot":                  versioned(controlled((*Machine).takeSnapshotLocked)),
		"load_canister_snapshot":                  versioned(controlled((*Machine).loadSnapshotLocked)),
		"delete_canister_snapshot":                controlled((*Machine).deleteSnapshotLocked),
		"list_canister_snapshots":                 by(controlled((*Machine).listSnapshotsLocked), seesSnapshots),
		"read_canister_snapshot_metadata":         by(controlled((*Machine).snapshotMetadataLocked), seesSnapshots),
		"read_canister_snapshot_data":             by(controlled((*Machine).readSnapshotLocked), seesSnapshots),
		"upload_canister_snapshot_metadata":       controlled((*Machine).createSnapshotLocked),
		"upload_canister_snapshot_data":           controlled((*Machine).writeSnapshotLocked),
		"ecdsa_public_key":                        {run: (*Machine).ecdsaKeyLocked},
		"sign_with_ecdsa":                         {run: (*Machine).signECDSALocked},
		"schnorr_public_key":                      {run: (*Machine).schnorrKeyLocked},
		"sign_with_schnorr":                       {run: (*Machine).signSchnorrLocked},
		"vetkd_public_key":                        {run: (*Machine).vetKeyLocked},
		"vetkd_derive_key":                        {run: (*Machine).deriveVetKeyLocked},
		"http_request":                            {run: (*Machine).httpRequestLocked},
		"fetch_canister_logs":                     {query: true, queryOnly: true, about: true, mayCall: seesLogs, refusal: noLogs, run: (*Machine).logsLocked},
		"list_canisters":                          {query: true, queryOnly: true, run: (*Machine).listCanistersLocked},
		"node_metrics_history":                    {run: (*Machine).nodeMetricsLocked},
		"subnet_info":                             {run: (*Machine).subnetInfoLocked},
	}
	for _, method := range []string{
		"bitcoin_get_balance", "bitcoin_get_utxos", "bitcoin_send_transaction", "bitcoin_get_current_fee_percentiles", "bitcoin_get_block_headers",
	} {
		handlers[method] = handler{run: (*Machine).noBitcoinLocked}
	}
}
