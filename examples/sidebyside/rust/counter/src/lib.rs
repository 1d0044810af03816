//! A number in stable memory; the interface is examples/counter/counter.did.

use ic_cdk::{query, update};
use ic_stable_structures::{Cell, DefaultMemoryImpl};
use std::cell::RefCell;

thread_local! {
    static COUNT: RefCell<Cell<u64, DefaultMemoryImpl>> =
        RefCell::new(Cell::init(DefaultMemoryImpl::default(), 0));
}

#[update]
fn increment() -> u64 {
    add(1)
}

#[update]
fn add(n: u64) -> u64 {
    COUNT.with_borrow_mut(|count| {
        let sum = count.get().checked_add(n).expect("the counter would overflow");
        count.set(sum);
        sum
    })
}

#[query]
fn get() -> u64 {
    COUNT.with_borrow(|count| *count.get())
}
