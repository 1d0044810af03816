//! A certified map: what a query answers comes with a witness that leads to certified data.

use candid::CandidType;
use ic_cdk::api::{certified_data_set, data_certificate};
use ic_cdk::{init, query, update};
use ic_certified_map::{labeled, labeled_hash, AsHashTree, HashTree, RbTree};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::cell::RefCell;

thread_local! {
    static VALUES: RefCell<RbTree<String, Vec<u8>>> = const { RefCell::new(RbTree::new()) };
}

#[derive(CandidType)]
struct Answer {
    value: Option<ByteBuf>,
    witness: ByteBuf,
    certificate: Option<ByteBuf>,
}

#[init]
fn certify() {
    VALUES.with_borrow(|v| certified_data_set(labeled_hash(b"values", &v.root_hash())));
}

#[update]
fn set(name: String, value: ByteBuf) {
    VALUES.with_borrow_mut(|v| v.insert(name, value.into_vec()));
    certify();
}

#[query]
fn get(name: String) -> Answer {
    VALUES.with_borrow(|v| {
        let witness: HashTree = labeled(b"values", v.witness(name.as_bytes()));
        Answer {
            value: v.get(name.as_bytes()).map(|b| ByteBuf::from(b.clone())),
            witness: ByteBuf::from(cbor(&witness)),
            certificate: data_certificate().map(ByteBuf::from),
        }
    })
}

fn cbor(tree: &HashTree) -> Vec<u8> {
    let mut out = serde_cbor::Serializer::new(vec![]);
    out.self_describe().expect("a tag");
    tree.serialize(&mut out).expect("a tree");
    out.into_inner()
}
