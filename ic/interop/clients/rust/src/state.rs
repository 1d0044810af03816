//! What read_state certifies.

use crate::world::{check, equal, Outcome, World};
use candid::Principal;
use ic_agent::{hash_tree::LookupResult, lookup_value, Agent};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};

pub async fn run(w: &World) {
    let agent = &w.agent();
    let id = w.id("canister");
    check("state_time", time(agent, id)).await;
    check("state_module_hash", async {
        let want = Sha256::digest(std::fs::read(w.text("module"))?).to_vec();
        equal(agent.read_state_canister_module_hash(id).await?, want)
    })
    .await;
    check("state_controllers", async { equal(agent.read_state_canister_controllers(id).await?, vec![Principal::anonymous()]) }).await;
    check("state_metadata", async { equal(agent.read_state_canister_metadata(id, "candid:service").await?, w.text("candid").as_bytes().to_vec()) })
        .await;
    check("state_subnet", subnet(w, agent, id)).await;
}

async fn time(agent: &Agent, id: Principal) -> Outcome {
    let certificate = agent.read_state_raw(vec![vec!["time".into()]], id).await?;
    let LookupResult::Found(leb) = certificate.tree.lookup_path([b"time".as_slice()]) else {
        return Err("no time in the certificate".into());
    };
    let mut nanoseconds = 0u64;
    for (i, byte) in leb.iter().enumerate() {
        nanoseconds |= u64::from(byte & 0x7f) << (7 * i);
    }
    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
    let apart = SystemTime::now().duration_since(at).or_else(|e| Ok::<_, std::time::SystemTimeError>(e.duration()))?;
    equal(apart < Duration::from_secs(60), true)
}

async fn subnet(w: &World, agent: &Agent, id: Principal) -> Outcome {
    let subnet = agent.get_subnet_by_canister(&id).await?;
    equal(subnet.id(), w.id("subnet"))?;
    equal(subnet.contains_canister(&id), true)?;
    let path = vec!["subnet".into(), w.id("subnet").as_slice().into(), "public_key".into()];
    let certificate = agent.read_subnet_state_raw(vec![path.clone()], w.id("subnet")).await?;
    equal(Principal::self_authenticating(lookup_value(&certificate, path)?), w.id("subnet"))
}
