//! What every check stands on: the file that says where the network is, agents, and the
//! wrong answers that a check expects.

use candid::{CandidType, Decode, Principal};
use ic_agent::{
    agent::RejectResponse,
    identity::{AnonymousIdentity, BasicIdentity},
    Agent, AgentError, Identity,
};
use serde_json::Value;
use std::fmt::Debug;
use std::future::Future;

pub type Failure = Box<dyn std::error::Error>;
pub type Outcome = Result<(), Failure>;

pub struct World(Value);

impl World {
    pub fn read(path: &str) -> Result<World, Failure> {
        Ok(World(serde_json::from_slice(&std::fs::read(path)?)?))
    }

    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect(name)
    }

    pub fn size(&self, name: &str) -> usize {
        self.0[name].as_u64().expect(name) as usize
    }

    pub fn id(&self, name: &str) -> Principal {
        Principal::from_text(self.text(name)).expect(name)
    }

    pub fn tampered(&self, how: &str) -> Agent {
        self.agent_at(self.0["tampered"][how].as_str().expect(how), key(1))
    }

    /// Answers of an hour ago; without a sender the network takes the request.
    pub fn stale(&self) -> Agent {
        self.agent_at(self.0["tampered"]["stale"].as_str().expect("stale"), AnonymousIdentity)
    }

    pub fn program(&self, name: &str) -> Vec<u8> {
        unhex(self.0["program"][name].as_str().expect(name))
    }

    /// What an identity provider gave: bytes, but for the expiration.
    pub fn issued(&self, name: &str) -> Vec<u8> {
        unhex(self.0["issued"][name].as_str().expect(name))
    }

    pub fn expiration(&self) -> u64 {
        self.0["issued"]["expiration"].as_str().and_then(|e| e.parse().ok()).expect("expiration")
    }

    pub fn root_key(&self) -> Vec<u8> {
        unhex(self.text("root_key"))
    }

    pub fn agent(&self) -> Agent {
        self.agent_as(key(1))
    }

    pub fn agent_as(&self, identity: impl Identity + 'static) -> Agent {
        self.agent_at(self.text("url"), identity)
    }

    /// An agent that trusts the root key it was given, checks query signatures and asks once.
    pub fn agent_at(&self, url: &str, identity: impl Identity + 'static) -> Agent {
        let agent = Agent::builder()
            .with_url(url)
            .with_identity(identity)
            .with_verify_query_signatures(true)
            .with_max_tcp_error_retries(0)
            .build()
            .expect("an agent");
        agent.set_root_key(self.root_key());
        agent
    }

    pub async fn update(&self, agent: &Agent, name: &str) -> Result<Vec<u8>, AgentError> {
        self.update_of(agent, self.id("canister"), name).await
    }

    pub async fn update_of(&self, agent: &Agent, to: Principal, name: &str) -> Result<Vec<u8>, AgentError> {
        agent.update(&to, "run").with_arg(self.program(name)).call_and_wait().await
    }

    pub async fn query(&self, agent: &Agent, name: &str) -> Result<Vec<u8>, AgentError> {
        agent.query(&self.id("canister"), "read").with_arg(self.program(name)).call().await
    }
}

/// A key of a test, the same for each number.
pub fn key(number: u8) -> BasicIdentity {
    BasicIdentity::from_raw_key(&[number; 32])
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

pub fn decode<T>(reply: &[u8]) -> Result<T, candid::Error>
where
    T: CandidType + for<'a> candid::Deserialize<'a>,
{
    Decode!(reply, T)
}

pub fn equal<T: PartialEq + Debug>(got: T, want: T) -> Outcome {
    if got == want {
        return Ok(());
    }
    Err(format!("{:.300} is not {:.300}", format!("{got:?}"), format!("{want:?}")).into())
}

/// Prints the line of a check.
pub async fn check(name: &str, outcome: impl Future<Output = Outcome>) {
    let detail = outcome.await.err().map(|e| e.to_string());
    println!("{}", serde_json::json!({"name": name, "ok": detail.is_none(), "detail": detail.unwrap_or_default()}));
}

/// The error of what must fail.
pub fn refused<T: Debug>(answer: Result<T, AgentError>) -> Result<AgentError, Failure> {
    match answer {
        Ok(v) => Err(format!("accepted, with {:.300}", format!("{v:?}")).into()),
        Err(e) => Ok(e),
    }
}

/// Holds that the network answered with an HTTP status; returns its text.
pub fn turned_away<T: Debug>(answer: Result<T, AgentError>, status: u16) -> Result<String, Failure> {
    match refused(answer)? {
        AgentError::HttpError(e) if e.status == status => Ok(String::from_utf8_lossy(&e.content).into_owned()),
        e => Err(e.into()),
    }
}

#[derive(PartialEq)]
pub enum Reject {
    Certified,
    Uncertified,
}

/// Holds a reject to its kind, code, error code and a part of its text.
pub fn rejected<T: Debug>(answer: Result<T, AgentError>, kind: Reject, code: u8, error_code: &str, text: &str) -> Outcome {
    let reject: RejectResponse = match refused(answer)? {
        AgentError::CertifiedReject { reject, .. } if kind == Reject::Certified => reject,
        AgentError::UncertifiedReject { reject, .. } if kind == Reject::Uncertified => reject,
        e => return Err(format!("another error: {e:?}").into()),
    };
    equal(reject.reject_code as u8, code)?;
    equal(reject.error_code.as_deref(), Some(error_code))?;
    equal(reject.reject_message.contains(text), true)
}

/// Holds that an answer was not believed, for the reason given.
pub fn untrusted<T: Debug>(answer: Result<T, AgentError>, reason: fn(&AgentError) -> bool) -> Outcome {
    let e = refused(answer)?;
    if reason(&e) {
        return Ok(());
    }
    Err(format!("refused for another reason: {e:?}").into())
}
