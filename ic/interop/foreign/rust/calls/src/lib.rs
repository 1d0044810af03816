//! Calls as futures: one after another, at once, with and without a time limit, one way,
//! failing in every way, trapping with a guard held; cycles sent and accepted.

use candid::{CandidType, Principal};
use futures::future::join_all;
use ic_cdk::api::{
    canister_cycle_balance, canister_self, msg_caller, msg_cycles_accept, msg_cycles_available, msg_cycles_refunded, msg_deadline, msg_reject,
};
use ic_cdk::call::{Call, CallFailed, Error};
use ic_cdk::{query, update};
use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<u32> = const { Cell::new(0) };
    static CLEANED: Cell<u32> = const { Cell::new(0) };
}

fn step(n: u64) {
    STEPS.set(STEPS.get() + n);
}

#[update]
fn double(n: u64) -> u64 {
    step(1);
    2 * n
}

#[update]
fn fail(text: String) {
    panic!("{text}");
}

#[update(manual_reply = true)]
fn refuse(text: String) {
    msg_reject(text);
}

/// Whether a call came with a time limit.
#[update]
fn limited() -> bool {
    msg_deadline().is_some()
}

#[query]
fn steps() -> u64 {
    STEPS.get()
}

#[update]
async fn in_turn(to: Principal, n: u64) -> u64 {
    let mut sum = 0;
    for i in 0..n {
        sum += Call::unbounded_wait(to, "double").with_arg(i).await.unwrap().candid::<u64>().unwrap();
    }
    sum
}

#[update]
async fn at_once(to: Principal, n: u64) -> u64 {
    let calls = (0..n).map(|i| async move { Call::bounded_wait(to, "double").with_arg(i).await.unwrap().candid::<u64>().unwrap() });
    join_all(calls).await.iter().sum()
}

#[update]
async fn limits(to: Principal) -> (bool, bool) {
    let bounded = Call::bounded_wait(to, "limited").change_timeout(10).await.unwrap().candid().unwrap();
    let unbounded = Call::unbounded_wait(to, "limited").await.unwrap().candid().unwrap();
    (bounded, unbounded)
}

#[derive(CandidType)]
struct Seen {
    kind: String,
    code: u32,
    text: String,
}

#[update]
async fn seen(to: Principal, method: String, arg: String) -> Seen {
    match Call::unbounded_wait(to, &method).with_arg(arg).await.map_err(Error::from) {
        Ok(_) => Seen { kind: "reply".into(), code: 0, text: String::new() },
        Err(Error::CallRejected(r)) => Seen { kind: "reject".into(), code: r.raw_reject_code(), text: r.reject_message().into() },
        Err(e) => Seen { kind: "no call".into(), code: 0, text: e.to_string() },
    }
}

/// Sends without waiting.
#[update]
fn tell(to: Principal, n: u64) {
    Call::bounded_wait(to, "double").with_arg(n).oneway().unwrap();
}

/// A lock that is given back when the handler ends, however it ends.
struct Guard;

impl Guard {
    fn take() -> Guard {
        HELD.set(HELD.get() + 1);
        Guard
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
        if ic_cdk::futures::is_recovering_from_trap() {
            CLEANED.set(CLEANED.get() + 1);
        }
    }
}

/// Traps after a call, with a guard held.
#[update]
async fn trap_after_call(to: Principal) {
    let _guard = Guard::take();
    step(10);
    Call::unbounded_wait(to, "double").with_arg(1u64).await.unwrap();
    step(100);
    panic!("after the call");
}

#[query]
fn guards() -> (u32, u32) {
    (HELD.get(), CLEANED.get())
}

#[update]
fn accept(at_most: u128) -> u128 {
    msg_cycles_accept(at_most)
}

#[update]
fn accept_and_fail() {
    msg_cycles_accept(msg_cycles_available());
    panic!("it was all accepted");
}

#[derive(CandidType)]
struct Paid {
    accepted: u128,
    refunded: u128,
}

#[update]
async fn pay(to: Principal, amount: u128, at_most: u128) -> Paid {
    let reply = Call::unbounded_wait(to, "accept").with_arg(at_most).with_cycles(amount).await.unwrap();
    Paid { accepted: reply.candid().unwrap(), refunded: msg_cycles_refunded() }
}

#[update]
async fn pay_a_failure(to: Principal, amount: u128) -> u128 {
    Call::unbounded_wait(to, "accept_and_fail").with_cycles(amount).await.unwrap_err();
    msg_cycles_refunded()
}

/// More than there is: the call is not made.
#[update]
async fn pay_too_much(to: Principal) -> String {
    match Call::unbounded_wait(to, "accept").with_arg(1u128).with_cycles(canister_cycle_balance()).await {
        Err(CallFailed::InsufficientLiquidCycleBalance(e)) => format!("{} of {}", e.required > e.available, "liquid cycles"),
        other => format!("{other:?}"),
    }
}

#[query(composite = true)]
async fn sum_of_steps(others: Vec<Principal>) -> u64 {
    let mut sum = STEPS.get();
    for other in others {
        sum += Call::bounded_wait(other, "steps").await.unwrap().candid::<u64>().unwrap();
    }
    sum
}

#[query]
fn whoami() -> (Principal, Principal) {
    (canister_self(), msg_caller())
}
