//! Updates, queries, rejects, sizes, replay.

use crate::world::{check, decode, equal, key, rejected, turned_away, Outcome, Reject, World};
use ic_agent::{agent::CallResponse, agent::EnvelopeContent, Agent, Identity, Signature};
use std::time::{Duration, SystemTime};

pub async fn run(w: &World) {
    let agent = &w.agent();
    check("status", status(agent)).await;
    check("root_key", root_key(w)).await;
    check("query", async { equal(decode::<String>(&w.query(agent, "hello").await?)?, "hello".into()) }).await;
    check("update", async { equal(decode::<String>(&w.update(agent, "hello").await?)?, "hello".into()) }).await;
    check("query_reject", query_reject(w, agent)).await;
    check("update_reject", async { rejected(w.update(agent, "reject").await, Reject::Certified, 4, "IC0406", "no, thanks") }).await;
    check("update_trap", async { rejected(w.update(agent, "trap").await, Reject::Certified, 5, "IC0503", "on purpose") }).await;
    check("update_deny", async { rejected(w.update(agent, "deny").await, Reject::Uncertified, 4, "IC0406", "") }).await;
    check("method_missing", method_missing(w, agent)).await;
    check("canister_missing", canister_missing(w, agent)).await;
    check("large_argument", large_argument(w, agent)).await;
    check("long_reply", long_reply(w, agent)).await;
    check("reply_too_long", async { rejected(w.update(agent, "toolong").await, Reject::Certified, 5, "IC0504", "") }).await;
    check("request_too_large", request_too_large(w, agent)).await;
    check("polling", polling(w)).await;
    check("wrong_signature", wrong_signature(w)).await;
    check("expired", expired(w, agent)).await;
    check("replayed", replayed(w, agent)).await;
}

async fn status(agent: &Agent) -> Outcome {
    equal(agent.status().await?.replica_health_status, Some("healthy".into()))
}

async fn root_key(w: &World) -> Outcome {
    let asking = Agent::builder().with_url(w.text("url")).build()?;
    asking.fetch_root_key().await?;
    equal(asking.read_root_key(), w.root_key())
}

async fn query_reject(w: &World, agent: &Agent) -> Outcome {
    rejected(w.query(agent, "reject").await, Reject::Uncertified, 4, "IC0406", "no, thanks")?;
    rejected(w.query(agent, "trap").await, Reject::Uncertified, 5, "IC0503", "on purpose")
}

async fn method_missing(w: &World, agent: &Agent) -> Outcome {
    let to = w.id("canister");
    rejected(agent.query(&to, "nothing").call().await, Reject::Uncertified, 5, "IC0536", "")
}

async fn canister_missing(w: &World, agent: &Agent) -> Outcome {
    rejected(w.update_of(agent, w.id("nobody"), "hello").await, Reject::Uncertified, 3, "IC0301", "")
}

fn padded(w: &World, size: usize) -> Vec<u8> {
    let mut arg = w.program("echo");
    arg.resize(size, 0);
    arg
}

async fn large_argument(w: &World, agent: &Agent) -> Outcome {
    let (to, arg) = (w.id("canister"), padded(w, w.size("large")));
    let updated = agent.update(&to, "run").with_arg(arg.clone()).call_and_wait().await?;
    equal(updated.ends_with(&arg), true)?;
    let queried = agent.query(&to, "read").with_arg(arg.clone()).call().await?;
    equal(queried.ends_with(&arg), true)
}

async fn long_reply(w: &World, agent: &Agent) -> Outcome {
    const BYTES: usize = 48 * 65536 - 1024;
    let reply = w.query(agent, "long").await?;
    equal(reply.len() > BYTES && reply[reply.len() - BYTES..].iter().all(|b| *b == 0), true)
}

async fn request_too_large(w: &World, agent: &Agent) -> Outcome {
    let arg = padded(w, w.size("huge"));
    turned_away(agent.update(&w.id("canister"), "run").with_arg(arg).call_and_wait().await, 413)?;
    Ok(())
}

async fn polling(w: &World) -> Outcome {
    let impatient = w.agent_at(w.text("impatient"), key(1));
    let first = impatient.update(&w.id("canister"), "run").with_arg(w.program("hello")).sign()?;
    let CallResponse::Poll(id) = impatient.update_signed(w.id("canister"), first.signed_update).await? else {
        return Err("answered at once".into());
    };
    equal(decode::<String>(&impatient.wait(&id, w.id("canister")).await?.0)?, "hello".into())?;
    rejected(w.update(&impatient, "trap").await, Reject::Certified, 5, "IC0503", "on purpose")
}

/// An identity whose signatures have one bit changed.
struct Smudged;

impl Identity for Smudged {
    fn sender(&self) -> Result<candid::Principal, String> {
        key(1).sender()
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        key(1).public_key()
    }

    fn sign(&self, content: &EnvelopeContent) -> Result<Signature, String> {
        let mut signed = key(1).sign(content)?;
        signed.signature.iter_mut().for_each(|s| s[0] ^= 1);
        Ok(signed)
    }
}

async fn wrong_signature(w: &World) -> Outcome {
    let smudged = w.agent_as(Smudged);
    turned_away(w.update(&smudged, "hello").await, 400)?;
    turned_away(w.query(&smudged, "hello").await, 400)?;
    Ok(())
}

async fn expired(w: &World, agent: &Agent) -> Outcome {
    let to = w.id("canister");
    for at in [SystemTime::now() - Duration::from_secs(60), SystemTime::now() + Duration::from_secs(3600)] {
        let text = turned_away(agent.update(&to, "run").with_arg(w.program("hello")).expire_at(at).call_and_wait().await, 400)?;
        equal(text.contains("Invalid request expiry: "), true)?;
        turned_away(agent.query(&to, "read").with_arg(w.program("hello")).expire_at(at).call().await, 400)?;
    }
    Ok(())
}

async fn replayed(w: &World, agent: &Agent) -> Outcome {
    let before: u64 = decode(&w.query(agent, "counted").await?)?;
    let signed = agent.update(&w.id("canister"), "run").with_arg(w.program("count")).sign()?;
    for _ in 0..3 {
        let CallResponse::Response(reply) = agent.update_signed(w.id("canister"), signed.signed_update.clone()).await? else {
            return Err("not answered at once".into());
        };
        equal(decode(&reply)?, before + 1)?;
    }
    equal(decode(&w.query(agent, "counted").await?)?, before + 1)
}
