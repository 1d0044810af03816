//! Publish and subscribe between canisters; the interface is examples/pubsub/pubsub.did.

use candid::{CandidType, Decode, Encode, Principal};
use ic_cdk::api::{is_controller, msg_caller};
use ic_cdk::call::Call;
use ic_cdk::{query, update};
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{DefaultMemoryImpl, StableBTreeMap};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::future::IntoFuture;

const MAX_TOPIC: usize = 64;
const MAX_BODY: usize = 1 << 10;
const MAX_SUBSCRIBERS: usize = 100;
const MAX_MISSES: u8 = 3;
const KEPT_EVENTS: u64 = 100;
const WAIT_SECONDS: u32 = 10;

#[derive(CandidType, Deserialize, Clone)]
struct Event {
    topic: String,
    seq: u64,
    body: ByteBuf,
}

#[derive(CandidType, Deserialize)]
struct Published {
    seq: u64,
    told: u32,
    missed: u32,
}

#[derive(CandidType, Deserialize)]
enum Outcome {
    #[serde(rename = "ok")]
    Ok,
    #[serde(rename = "err")]
    Err(String),
}

#[derive(CandidType, Deserialize)]
enum PublishResult {
    #[serde(rename = "ok")]
    Ok(Published),
    #[serde(rename = "err")]
    Err(String),
}

type Memory = VirtualMemory<DefaultMemoryImpl>;

struct State {
    last: StableBTreeMap<String, u64, Memory>, // of each topic, the last event's number
    subscribers: StableBTreeMap<Vec<u8>, u8, Memory>, // by peer: failures in a row
    joined: StableBTreeMap<Vec<u8>, u64, Memory>, // by peer: the last number received
    events: StableBTreeMap<u64, Vec<u8>, Memory>,
}

thread_local! {
    static STATE: RefCell<State> = {
        let memory = MemoryManager::init(DefaultMemoryImpl::default());
        RefCell::new(State {
            last: StableBTreeMap::init(memory.get(MemoryId::new(0))),
            subscribers: StableBTreeMap::init(memory.get(MemoryId::new(1))),
            joined: StableBTreeMap::init(memory.get(MemoryId::new(2))),
            events: StableBTreeMap::init(memory.get(MemoryId::new(3))),
        })
    };
}

/// The topic behind its length, and the principal.
fn peer(topic: &str, p: Principal) -> Vec<u8> {
    [&prefix(topic), p.as_slice()].concat()
}

fn prefix(topic: &str) -> Vec<u8> {
    [&[topic.len() as u8], topic.as_bytes()].concat()
}

fn check_topic(topic: &str) -> Result<(), String> {
    if topic.is_empty() || topic.len() > MAX_TOPIC {
        return Err(format!("a topic has 1 to {MAX_TOPIC} bytes, not {}", topic.len()));
    }
    Ok(())
}

fn check_controller() -> Result<(), String> {
    if !is_controller(&msg_caller()) {
        return Err("only a controller of this canister may do this".into());
    }
    Ok(())
}

#[update]
fn subscribe(topic: String) -> Outcome {
    if let Err(text) = check_topic(&topic) {
        return Outcome::Err(text);
    }
    let known = subscribers(topic.clone());
    if !known.contains(&msg_caller()) && known.len() >= MAX_SUBSCRIBERS {
        return Outcome::Err(format!("the topic has {MAX_SUBSCRIBERS} subscribers, that is all it can have"));
    }
    STATE.with_borrow_mut(|s| s.subscribers.insert(peer(&topic, msg_caller()), 0));
    Outcome::Ok
}

#[update]
fn unsubscribe(topic: String) {
    STATE.with_borrow_mut(|s| s.subscribers.remove(&peer(&topic, msg_caller())));
}

#[update]
async fn publish(topic: String, body: ByteBuf) -> PublishResult {
    if let Err(text) = check_controller().and_then(|()| check_topic(&topic)) {
        return PublishResult::Err(text);
    }
    if body.len() > MAX_BODY {
        return PublishResult::Err(format!("the event has {} bytes, at most {MAX_BODY} are allowed", body.len()));
    }
    let seq = STATE.with_borrow_mut(|s| {
        let seq = s.last.get(&topic).unwrap_or(0) + 1;
        s.last.insert(topic.clone(), seq);
        seq
    });
    let event = Event { topic: topic.clone(), seq, body };
    let to = subscribers(topic.clone());
    let arg = Encode!(&event).unwrap();
    let calls = to.iter().map(|p| {
        Call::bounded_wait(*p, "receive").change_timeout(WAIT_SECONDS).with_raw_args(&arg).into_future()
    });
    let outcomes = futures::future::join_all(calls).await;
    let mut told = 0;
    for (p, outcome) in to.iter().zip(&outcomes) {
        told += outcome.is_ok() as u32;
        settle(peer(&topic, *p), outcome.is_ok());
    }
    PublishResult::Ok(Published { seq, told, missed: to.len() as u32 - told })
}

/// Counts a subscriber's failures; others may have removed it meanwhile.
fn settle(key: Vec<u8>, took: bool) {
    STATE.with_borrow_mut(|s| match s.subscribers.get(&key) {
        None => {}
        Some(0) if took => {}
        Some(_) if took => drop(s.subscribers.insert(key, 0)),
        Some(misses) if misses + 1 >= MAX_MISSES => drop(s.subscribers.remove(&key)),
        Some(misses) => drop(s.subscribers.insert(key, misses + 1)),
    });
}

#[query]
fn subscribers(topic: String) -> Vec<Principal> {
    let prefix = prefix(&topic);
    STATE.with_borrow(|s| {
        s.subscribers
            .keys_range(prefix.clone()..)
            .take_while(|key| key.starts_with(&prefix))
            .map(|key| Principal::from_slice(&key[prefix.len()..]))
            .collect()
    })
}

#[update]
async fn join(publisher: Principal, topic: String) -> Outcome {
    if let Err(text) = check_controller().and_then(|()| check_topic(&topic)) {
        return Outcome::Err(text);
    }
    STATE.with_borrow_mut(|s| {
        let key = peer(&topic, publisher);
        let last = s.joined.get(&key).unwrap_or(0);
        s.joined.insert(key, last)
    });
    Call::bounded_wait(publisher, "subscribe")
        .change_timeout(WAIT_SECONDS)
        .with_arg(&topic)
        .await
        .expect("the publisher did not answer")
        .candid()
        .unwrap()
}

#[update]
fn receive(e: Event) {
    STATE.with_borrow_mut(|s| {
        let key = peer(&e.topic, msg_caller());
        let last = s.joined.get(&key).expect("not subscribed");
        if e.seq <= last {
            return;
        }
        s.joined.insert(key, e.seq);
        let n = s.events.last_key_value().map_or(1, |(n, _)| n + 1);
        s.events.insert(n, Encode!(&e).unwrap());
        if n > KEPT_EVENTS {
            s.events.remove(&(n - KEPT_EVENTS));
        }
    });
}

#[query]
fn events() -> Vec<Event> {
    STATE.with_borrow(|s| s.events.values().map(|b| Decode!(&b, Event).unwrap()).collect())
}
