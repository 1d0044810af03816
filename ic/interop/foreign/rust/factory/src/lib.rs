//! Makes canisters through the management canister, and asks it for randomness, snapshots
//! and threshold keys.

use candid::Principal;
use ic_cdk::update;
use ic_cdk_management_canister as ic;
use ic_cdk_management_canister::{CanisterInstallMode, CanisterStatusType};

fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

#[update]
async fn create(cycles: u128) -> Result<Principal, String> {
    let arg = ic::CreateCanisterArgs { settings: None };
    Ok(ic::create_canister_with_extra_cycles(&arg, cycles).await.map_err(text)?.canister_id)
}

#[update]
async fn install(canister_id: Principal, wasm_module: Vec<u8>, arg: Vec<u8>) -> Result<(), String> {
    ic::install_code(&ic::InstallCodeArgs { mode: CanisterInstallMode::Install, canister_id, wasm_module, arg }).await.map_err(text)
}

/// The same in pieces, by way of the chunk store.
#[update]
async fn install_in_chunks(canister_id: Principal, wasm_module: Vec<u8>, wasm_module_hash: Vec<u8>, arg: Vec<u8>) -> Result<(), String> {
    let mut chunk_hashes_list = vec![];
    for chunk in wasm_module.chunks(100_000) {
        chunk_hashes_list.push(ic::upload_chunk(&ic::UploadChunkArgs { canister_id, chunk: chunk.to_vec() }).await.map_err(text)?);
    }
    ic::install_chunked_code(&ic::InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Reinstall,
        target_canister: canister_id,
        store_canister: None,
        chunk_hashes_list,
        wasm_module_hash,
        arg,
    })
    .await
    .map_err(text)?;
    ic::clear_chunk_store(&ic::ClearChunkStoreArgs { canister_id }).await.map_err(text)
}

#[update]
async fn state(canister_id: Principal) -> Result<String, String> {
    let status = ic::canister_status(&ic::CanisterStatusArgs { canister_id }).await.map_err(text)?;
    Ok(match status.status {
        CanisterStatusType::Running => "running",
        CanisterStatusType::Stopping => "stopping",
        CanisterStatusType::Stopped => "stopped",
    }
    .into())
}

#[update]
async fn history(canister_id: Principal) -> Result<u64, String> {
    let arg = ic::CanisterInfoArgs { canister_id, num_requested_changes: Some(20) };
    Ok(ic::canister_info(&arg).await.map_err(text)?.recent_changes.len() as u64)
}

/// Takes a snapshot, lets the other do something, loads the snapshot.
#[update]
async fn back_and_forth(canister_id: Principal, method: String) -> Result<(), String> {
    stop(canister_id).await?;
    let take = ic::TakeCanisterSnapshotArgs { canister_id, replace_snapshot: None, uninstall_code: None, sender_canister_version: None };
    let snapshot_id = ic::take_canister_snapshot(&take).await.map_err(text)?.id;
    start(canister_id).await?;
    ic_cdk::call::Call::unbounded_wait(canister_id, &method).await.map_err(text)?;
    stop(canister_id).await?;
    ic::load_canister_snapshot(&ic::LoadCanisterSnapshotArgs { canister_id, snapshot_id }).await.map_err(text)?;
    start(canister_id).await
}

#[update]
async fn stop(canister_id: Principal) -> Result<(), String> {
    ic::stop_canister(&ic::StopCanisterArgs { canister_id }).await.map_err(text)
}

#[update]
async fn start(canister_id: Principal) -> Result<(), String> {
    ic::start_canister(&ic::StartCanisterArgs { canister_id }).await.map_err(text)
}

#[update]
async fn end(canister_id: Principal) -> Result<(), String> {
    stop(canister_id).await?;
    ic::delete_canister(&ic::DeleteCanisterArgs { canister_id }).await.map_err(text)
}

#[update]
async fn random() -> Result<Vec<u8>, String> {
    ic::raw_rand().await.map_err(text)
}

const KEY: &str = "test_key_1";

fn path() -> Vec<Vec<u8>> {
    vec![b"one".to_vec(), b"two".to_vec()]
}

/// A public key, and a signature with it on a hash.
#[update]
async fn ecdsa(message_hash: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), String> {
    let key_id = ic::EcdsaKeyId { curve: ic::EcdsaCurve::Secp256k1, name: KEY.into() };
    let ask = ic::EcdsaPublicKeyArgs { canister_id: None, derivation_path: path(), key_id: key_id.clone() };
    let public_key = ic::ecdsa_public_key(&ask).await.map_err(text)?.public_key;
    let arg = ic::SignWithEcdsaArgs { message_hash, derivation_path: path(), key_id };
    Ok((public_key, ic::sign_with_ecdsa(&arg).await.map_err(text)?.signature))
}

/// The same on a message, by BIP-340 or Ed25519.
#[update]
async fn schnorr(message: Vec<u8>, ed25519: bool) -> Result<(Vec<u8>, Vec<u8>), String> {
    let algorithm = if ed25519 { ic::SchnorrAlgorithm::Ed25519 } else { ic::SchnorrAlgorithm::Bip340secp256k1 };
    let key_id = ic::SchnorrKeyId { algorithm, name: KEY.into() };
    let ask = ic::SchnorrPublicKeyArgs { canister_id: None, derivation_path: path(), key_id: key_id.clone() };
    let public_key = ic::schnorr_public_key(&ask).await.map_err(text)?.public_key;
    let arg = ic::SignWithSchnorrArgs { message, derivation_path: path(), key_id, aux: None };
    Ok((public_key, ic::sign_with_schnorr(&arg).await.map_err(text)?.signature))
}

fn vetkd_key() -> ic::VetKDKeyId {
    ic::VetKDKeyId { curve: ic::VetKDCurve::Bls12_381_G2, name: KEY.into() }
}

#[update]
async fn vetkd_public(context: Vec<u8>) -> Result<Vec<u8>, String> {
    let arg = ic::VetKDPublicKeyArgs { canister_id: None, context, key_id: vetkd_key() };
    Ok(ic::vetkd_public_key(&arg).await.map_err(text)?.public_key)
}

#[update]
async fn vetkd_derive(input: Vec<u8>, context: Vec<u8>, transport_public_key: Vec<u8>) -> Result<Vec<u8>, String> {
    let arg = ic::VetKDDeriveKeyArgs { input, context, transport_public_key, key_id: vetkd_key() };
    Ok(ic::vetkd_derive_key(&arg).await.map_err(text)?.encrypted_key)
}
