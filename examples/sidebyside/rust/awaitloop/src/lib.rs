//! A loop that awaits; the interface is examples/awaitloop/awaitloop.did.

use candid::{CandidType, Decode, Encode, Principal};
use ic_cdk::call::{Call, CallFailed, Error, RejectCode};
use ic_cdk::{post_upgrade, query, update};
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{Cell, DefaultMemoryImpl};
use serde::Deserialize;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::Duration;

const MAX_STEPS: u32 = 1000;
const MAX_ATTEMPTS: u32 = 5;
const WAIT_SECONDS: u32 = 30;

#[derive(CandidType, Deserialize, Clone)]
enum State {
    #[serde(rename = "running")]
    Running,
    #[serde(rename = "finished")]
    Finished,
    #[serde(rename = "failed")]
    Failed(String),
}

#[derive(CandidType, Deserialize, Clone)]
struct Progress {
    target: Principal,
    steps: u32,
    done: u32,
    attempts: u32,
    sum: u64,
    state: State,
}

#[derive(CandidType, Deserialize)]
enum RunResult {
    #[serde(rename = "ok")]
    Ok(Progress),
    #[serde(rename = "err")]
    Err(String),
}

type Memory = VirtualMemory<DefaultMemoryImpl>;

thread_local! {
    static MEMORY: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static PROGRESS: RefCell<Cell<Vec<u8>, Memory>> =
        RefCell::new(Cell::init(MEMORY.with_borrow(|m| m.get(MemoryId::new(0))), vec![]));
    static FAILURES: RefCell<Cell<u32, Memory>> =
        RefCell::new(Cell::init(MEMORY.with_borrow(|m| m.get(MemoryId::new(1))), 0));
}

#[query]
fn progress() -> Option<Progress> {
    PROGRESS.with_borrow(|p| match p.get().as_slice() {
        [] => None,
        record => Some(Decode!(record, Progress).unwrap()),
    })
}

fn save(p: &Progress) {
    PROGRESS.with_borrow_mut(|cell| cell.set(Encode!(p).unwrap()));
}

/// An upgrade with calls open must stop the canister first: their callbacks would point
/// into memory that is gone. A stop that gave up leaves a loop to resume.
#[post_upgrade]
fn resume() {
    if let Some(p @ Progress { state: State::Running, .. }) = progress() {
        ic_cdk_timers::set_timer(Duration::ZERO, async move {
            run_loop(p).await;
        });
    }
}

#[update]
async fn run(target: Principal, steps: u32) -> RunResult {
    if steps > MAX_STEPS {
        return RunResult::Err(format!("{steps} steps, at most {MAX_STEPS} are allowed"));
    }
    if let Some(Progress { state: State::Running, done, steps, .. }) = progress() {
        return RunResult::Err(format!("a loop is running: {done} of {steps} steps are done"));
    }
    let p = Progress { target, steps, done: 0, attempts: 0, sum: 0, state: State::Running };
    save(&p);
    RunResult::Ok(run_loop(p).await)
}

async fn run_loop(mut p: Progress) -> Progress {
    while p.done < p.steps {
        match step(&mut p).await {
            Ok(square) => p.sum += square,
            Err(text) => {
                p.state = State::Failed(format!("step {}: {text}", p.done));
                save(&p);
                return p;
            }
        }
        p.done += 1;
        save(&p);
    }
    p.state = State::Finished;
    save(&p);
    p
}

/// Asks until there is an answer, a few times at most.
async fn step(p: &mut Progress) -> Result<u64, String> {
    let mut last = String::new();
    for _ in 0..MAX_ATTEMPTS {
        p.attempts += 1;
        let call = Call::bounded_wait(p.target, "work").change_timeout(WAIT_SECONDS).with_arg(p.done);
        let error = match call.await {
            Ok(reply) => match reply.candid() {
                Ok(square) => return Ok(square),
                Err(e) => Error::from(e),
            },
            Err(e) => Error::from(e),
        };
        last = error.to_string();
        if let Error::CallRejected(r) = &error {
            if r.reject_code() == Ok(RejectCode::DestinationInvalid) {
                break;
            }
        }
    }
    Err(last)
}

#[update(manual_reply = true)]
fn work(n: u32) -> PhantomData<u64> {
    let left = FAILURES.with_borrow(|f| *f.get());
    if left > 0 {
        FAILURES.with_borrow_mut(|f| f.set(left - 1));
        ic_cdk::api::msg_reject(format!("told to fail, {} times more", left - 1));
    } else {
        ic_cdk::api::msg_reply(Encode!(&(n as u64 * n as u64)).unwrap());
    }
    PhantomData
}

#[update]
fn fail_next(n: u32) {
    FAILURES.with_borrow_mut(|f| f.set(n));
}
