//! Timers of ic-cdk-timers, and what the system tells a canister of itself.

use candid::{CandidType, Principal};
use ic_cdk::api::{
    call_context_instruction_counter, canister_liquid_cycle_balance, canister_version, cost_call, cost_create_canister, env_var_count,
    env_var_name_exists, env_var_value, in_replicated_execution, instruction_counter, is_controller, msg_caller, subnet_self, time,
};
use ic_cdk::call::Call;
use ic_cdk::{post_upgrade, query, update};
use ic_cdk_timers::{clear_timer, set_timer, set_timer_interval, TimerId};
use std::cell::{Cell, RefCell};
use std::time::Duration;

thread_local! {
    static EVENTS: RefCell<Vec<String>> = RefCell::default();
    static TICKING: Cell<Option<TimerId>> = Cell::default();
}

fn note(event: impl Into<String>) {
    EVENTS.with_borrow_mut(|e| e.push(event.into()));
}

#[post_upgrade]
fn resume() {
    set_timer(Duration::from_secs(1), async { note("set by post_upgrade") });
}

#[update]
fn once(seconds: u64, name: String) {
    set_timer(Duration::from_secs(seconds), async move { note(name) });
}

#[update]
fn every(seconds: u64, name: String) {
    let id = set_timer_interval(Duration::from_secs(seconds), move || {
        let name = name.clone();
        async move { note(name) }
    });
    TICKING.set(Some(id));
}

#[update]
fn stop() {
    if let Some(id) = TICKING.take() {
        clear_timer(id);
    }
}

/// A timer that calls: it awaits, then notes the reply.
#[update]
fn ask_later(seconds: u64, to: Principal) {
    set_timer(Duration::from_secs(seconds), async move {
        let n: u64 = Call::bounded_wait(to, "version").await.unwrap().candid().unwrap();
        note(format!("version {n}"));
    });
}

/// A timer that panics leaves nothing and does not stop the others.
#[update]
fn fail_later(seconds: u64) {
    set_timer(Duration::from_secs(seconds), async {
        note("never seen");
        panic!("in a timer");
    });
}

#[query]
fn events() -> Vec<String> {
    EVENTS.with_borrow(|e| e.clone())
}

#[query]
fn version() -> u64 {
    canister_version()
}

#[derive(CandidType)]
struct About {
    replicated: bool,
    controller: bool,
    time: u64,
    subnet: Principal,
    color: Option<String>,
    variables: u64,
    call_costs: bool,
    create_costs: u128,
    liquid: u128,
}

fn about_self() -> About {
    About {
        replicated: in_replicated_execution(),
        controller: is_controller(&msg_caller()),
        time: time(),
        subnet: subnet_self(),
        color: env_var_name_exists("COLOR").then(|| env_var_value("COLOR")),
        variables: env_var_count() as u64,
        call_costs: cost_call(4, 1000) > cost_call(4, 0),
        create_costs: cost_create_canister(),
        liquid: canister_liquid_cycle_balance(),
    }
}

#[query]
fn about() -> About {
    about_self()
}

#[update]
fn about_update() -> About {
    about_self()
}

/// Instructions of this message and of the whole call before and after an await: the first
/// starts again, the second goes on.
#[update]
async fn counters(to: Principal) -> (u64, u64, u64, u64) {
    let work = (0..10_000u64).fold(0, |a, b| std::hint::black_box(a ^ b));
    std::hint::black_box(work);
    let before = (instruction_counter(), call_context_instruction_counter());
    Call::bounded_wait(to, "version").await.unwrap();
    (before.0, before.1, instruction_counter(), call_context_instruction_counter())
}
