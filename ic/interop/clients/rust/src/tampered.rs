//! Answers that somebody changed on the way: the agent must not believe them.

use crate::world::{check, decode, equal, untrusted, Outcome, World};
use ic_agent::AgentError::{self, CertificateVerificationFailed, InvalidCborData, MissingSignature, QuerySignatureVerificationFailed};

pub async fn run(w: &World) {
    for how in ["forged", "uncertified", "imposter"] {
        check(&format!("{how}_update"), update(w, how)).await;
        check(&format!("{how}_query"), query(w, how)).await;
        check(&format!("{how}_state"), state(w, how)).await;
    }
    check("stale_query", async { untrusted(w.query(&w.stale(), "hello").await, outdated) }).await;
    check("stale_state", async { untrusted(w.stale().read_state_canister_metadata(w.id("canister"), "candid:service").await, outdated) }).await;
    check("swapped_update", swapped_update(w)).await;
    check("swapped_query", swapped_query(w)).await;
}

async fn update(w: &World, how: &str) -> Outcome {
    let answer = w.update(&w.tampered(how), "hello").await;
    if how == "uncertified" {
        return untrusted(answer, |e| matches!(e, InvalidCborData(_)));
    }
    untrusted(answer, uncertified)
}

async fn query(w: &World, how: &str) -> Outcome {
    let answer = w.query(&w.tampered(how), "hello").await;
    match how {
        "forged" => untrusted(answer, |e| matches!(e, QuerySignatureVerificationFailed)),
        "uncertified" => untrusted(answer, |e| uncertified(e) || matches!(e, MissingSignature)), // node keys are read meanwhile
        _ => untrusted(answer, uncertified),
    }
}

async fn state(w: &World, how: &str) -> Outcome {
    untrusted(w.tampered(how).read_state_canister_metadata(w.id("canister"), "candid:service").await, uncertified)
}

fn uncertified(e: &AgentError) -> bool {
    matches!(e, CertificateVerificationFailed())
}

fn outdated(e: &AgentError) -> bool {
    matches!(e, AgentError::CertificateOutdated(_))
}

async fn swapped_update(w: &World) -> Outcome {
    let agent = w.tampered("swapped");
    w.update(&agent, "count").await?;
    match w.update(&agent, "hello").await {
        Ok(reply) => equal(decode::<String>(&reply)?, "hello".into()), // found by asking for the request's state
        Err(e) => untrusted::<()>(Err(e), |e| matches!(e, AgentError::LookupPathAbsent(_) | AgentError::LookupPathUnknown(_))),
    }
}

async fn swapped_query(w: &World) -> Outcome {
    let agent = w.tampered("swapped");
    w.query(&agent, "counted").await?;
    untrusted(w.query(&agent, "hello").await, |e| matches!(e, QuerySignatureVerificationFailed))
}
