//! Creating, installing and ending a canister through the management canister.

use crate::world::{check, decode, equal, key, rejected, Failure, Outcome, Reject, World};
use candid::{CandidType, Deserialize, Encode, Nat, Principal};
use ic_agent::{Agent, AgentError, Identity};

#[derive(CandidType, Deserialize)]
struct One {
    canister_id: Principal,
}

#[derive(CandidType)]
struct Create {
    amount: Option<Nat>,
}

#[derive(CandidType)]
#[allow(non_camel_case_types)] // the names are those of the interface
enum Mode {
    install,
}

#[derive(CandidType)]
struct Install {
    mode: Mode,
    canister_id: Principal,
    wasm_module: Vec<u8>,
    arg: Vec<u8>,
}

#[derive(CandidType, Deserialize)]
struct Status {
    module_hash: Option<Vec<u8>>,
    cycles: Nat,
}

pub async fn run(w: &World) {
    check("install", life(w)).await;
}

async fn manage(agent: &Agent, effective: Principal, method: &str, arg: Vec<u8>) -> Result<Vec<u8>, AgentError> {
    agent.update(&Principal::management_canister(), method).with_effective_canister_id(effective).with_arg(arg).call_and_wait().await
}

async fn life(w: &World) -> Outcome {
    let agent = &w.agent();
    let id = create(w, agent).await?;
    let one = Encode!(&One { canister_id: id })?;
    let module = std::fs::read(w.text("module"))?;
    manage(agent, id, "install_code", Encode!(&Install { mode: Mode::install, canister_id: id, wasm_module: module, arg: vec![] })?).await?;
    equal(decode::<String>(&w.update_of(agent, id, "hello").await?)?, "hello".into())?;
    let status: Status = decode(&manage(agent, id, "canister_status", one.clone()).await?)?;
    equal(status.module_hash, Some(agent.read_state_canister_module_hash(id).await?))?;
    equal(status.cycles > 0u64, true)?;
    equal(agent.read_state_canister_controllers(id).await?, vec![key(1).sender()?])?;
    rejected(manage(&w.agent_as(key(9)), id, "stop_canister", one.clone()).await, Reject::Uncertified, 5, "IC0512", "")?;
    manage(agent, id, "stop_canister", one.clone()).await?;
    rejected(w.update_of(agent, id, "hello").await, Reject::Uncertified, 5, "IC0508", "")?;
    manage(agent, id, "delete_canister", one).await?;
    rejected(w.update_of(agent, id, "hello").await, Reject::Uncertified, 3, "IC0301", "")
}

async fn create(w: &World, agent: &Agent) -> Result<Principal, Failure> {
    let arg = Encode!(&Create { amount: Some(Nat::from(5_000_000_000_000u64)) })?;
    let reply = manage(agent, w.id("canister"), "provisional_create_canister_with_cycles", arg).await?;
    Ok(decode::<One>(&reply)?.canister_id)
}
