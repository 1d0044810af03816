//! Notes in stable memory: a map, a log and a counter that upgrades leave where they are,
//! and a heap that they empty.

use candid::CandidType;
use ic_cdk::{init, inspect_message, post_upgrade, pre_upgrade, query, update};
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{Cell, DefaultMemoryImpl, StableBTreeMap, StableLog};
use std::cell::RefCell;

type Memory = VirtualMemory<DefaultMemoryImpl>;

thread_local! {
    static MANAGER: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static NOTES: RefCell<StableBTreeMap<String, String, Memory>> = RefCell::new(StableBTreeMap::init(memory(0)));
    static LOG: RefCell<StableLog<String, Memory, Memory>> = RefCell::new(StableLog::init(memory(1), memory(2)));
    static UPGRADES: RefCell<Cell<u64, Memory>> = RefCell::new(Cell::init(memory(3), 0));
    static HEAP: RefCell<Vec<String>> = RefCell::default();
}

fn memory(id: u8) -> Memory {
    MANAGER.with_borrow(|m| m.get(MemoryId::new(id)))
}

#[derive(CandidType)]
struct Totals {
    notes: u64,
    log: u64,
    upgrades: u64,
    heap: u64,
}

#[init]
fn start(first: String) {
    put("first".into(), first);
}

#[pre_upgrade]
fn before() {
    log("pre_upgrade");
}

#[post_upgrade]
fn after() {
    UPGRADES.with_borrow_mut(|n| n.set(n.get() + 1));
    log("post_upgrade");
}

fn log(line: &str) {
    LOG.with_borrow(|l| l.append(&line.to_string()).expect("room in the log"));
}

/// Only short calls come in from outside.
#[inspect_message]
fn inspect() {
    if ic_cdk::api::msg_arg_data().len() < 10_000 {
        ic_cdk::api::accept_message();
    }
}

#[update]
fn put(name: String, text: String) -> Option<String> {
    HEAP.with_borrow_mut(|h| h.push(name.clone()));
    log(&name);
    NOTES.with_borrow_mut(|n| n.insert(name, text))
}

/// Writes everywhere, then panics.
#[update]
fn put_and_panic(name: String, text: String) {
    put(name.clone(), text);
    panic!("no note named {name}, please");
}

/// Writes many notes, so that the tree has inner nodes.
#[update]
fn fill(n: u64) {
    for i in 0..n {
        NOTES.with_borrow_mut(|all| all.insert(format!("note {i:06}"), format!("{i}").repeat(10)));
    }
}

#[query]
fn get(name: String) -> Option<String> {
    NOTES.with_borrow(|n| n.get(&name))
}

#[query]
fn range(from: String, n: u32) -> Vec<String> {
    NOTES.with_borrow(|all| all.range(from..).take(n as usize).map(|e| e.key().clone()).collect())
}

#[query]
fn last() -> Option<String> {
    LOG.with_borrow(|l| l.get(l.len() - 1))
}

#[query]
fn totals() -> Totals {
    Totals {
        notes: NOTES.with_borrow(|n| n.len()),
        log: LOG.with_borrow(|l| l.len()),
        upgrades: UPGRADES.with_borrow(|n| *n.get()),
        heap: HEAP.with_borrow(|h| h.len() as u64),
    }
}
