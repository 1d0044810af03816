//! Balances and transfers of ICRC-1; the interface is examples/sidebyside/ledger/ledger.did.

use candid::{CandidType, Decode, Encode, Nat, Principal};
use ic_cdk::api::msg_caller;
use ic_cdk::{init, query, update};
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{Cell, DefaultMemoryImpl, StableBTreeMap};
use serde::Deserialize;
use std::cell::RefCell;

type Subaccount = [u8; 32];

#[derive(CandidType, Deserialize, Clone)]
struct Account {
    owner: Principal,
    subaccount: Option<Subaccount>,
}

#[derive(CandidType, Deserialize)]
struct TransferArgs {
    from_subaccount: Option<Subaccount>,
    to: Account,
    amount: Nat,
    fee: Option<Nat>,
    memo: Option<Vec<u8>>,
    created_at_time: Option<u64>,
}

#[derive(CandidType)]
enum TransferError {
    BadFee { expected_fee: Nat },
    InsufficientFunds { balance: Nat },
    GenericError { error_code: Nat, message: String },
}

#[derive(CandidType, Deserialize)]
struct Holding {
    account: Account,
    amount: Nat,
}

#[derive(CandidType, Deserialize)]
struct Init {
    fee: Nat,
    minting_account: Account,
    initial_balances: Vec<Holding>,
}

#[derive(CandidType, Deserialize, Default)]
struct Head {
    fee: u128,
    minting: Option<Account>,
    supply: u128,
    transactions: u64,
}

type Memory = VirtualMemory<DefaultMemoryImpl>;
type Key = (Principal, Subaccount);

struct Ledger {
    head: Cell<Vec<u8>, Memory>,
    balances: StableBTreeMap<Key, u128, Memory>,
}

thread_local! {
    static LEDGER: RefCell<Ledger> = {
        let memory = MemoryManager::init(DefaultMemoryImpl::default());
        RefCell::new(Ledger {
            head: Cell::init(memory.get(MemoryId::new(0)), Encode!(&Head::default()).unwrap()),
            balances: StableBTreeMap::init(memory.get(MemoryId::new(1))),
        })
    };
}

fn key(a: &Account) -> Key {
    (a.owner, a.subaccount.unwrap_or_default())
}

fn small(n: &Nat) -> Option<u128> {
    u128::try_from(n.0.clone()).ok()
}

fn generic<T>(message: &str) -> Result<T, TransferError> {
    Err(TransferError::GenericError { error_code: Nat::from(1u8), message: message.into() })
}

impl Ledger {
    fn head(&self) -> Head {
        Decode!(self.head.get(), Head).unwrap()
    }

    fn balance(&self, k: &Key) -> u128 {
        self.balances.get(k).unwrap_or(0)
    }

    fn set_balance(&mut self, k: Key, n: u128) {
        if n == 0 {
            self.balances.remove(&k);
        } else {
            self.balances.insert(k, n);
        }
    }

    fn transfer(&mut self, from: Key, t: TransferArgs) -> Result<u64, TransferError> {
        let mut head = self.head();
        let (to, minting) = (key(&t.to), head.minting.as_ref().map(key));
        let (mints, burns) = (Some(from) == minting, Some(to) == minting);
        if mints && burns {
            return generic("the minting account cannot pay itself");
        }
        let fee = if mints || burns { 0 } else { head.fee };
        if t.fee.is_some_and(|f| f != Nat::from(fee)) {
            return Err(TransferError::BadFee { expected_fee: Nat::from(fee) });
        }
        let balance = self.balance(&from);
        let cost = small(&t.amount).and_then(|n| Some((n, n.checked_add(fee)?)));
        if mints {
            let Some(supply) = cost.and_then(|(n, _)| head.supply.checked_add(n)) else {
                return generic("the supply would exceed 128 bits");
            };
            head.supply = supply;
            self.set_balance(to, self.balance(&to) + cost.unwrap().0);
        } else {
            let Some((amount, cost)) = cost.filter(|(_, cost)| *cost <= balance) else {
                return Err(TransferError::InsufficientFunds { balance: Nat::from(balance) });
            };
            self.set_balance(from, balance - cost);
            head.supply -= fee;
            if burns {
                head.supply -= amount;
            } else {
                self.set_balance(to, self.balance(&to) + amount);
            }
        }
        head.transactions += 1;
        self.head.set(Encode!(&head).unwrap());
        Ok(head.transactions - 1)
    }
}

#[init]
fn initialise(arg: Init) {
    LEDGER.with_borrow_mut(|l| {
        let mut head = Head { fee: small(&arg.fee).unwrap(), minting: Some(arg.minting_account), ..Head::default() };
        for h in &arg.initial_balances {
            let n = small(&h.amount).unwrap();
            head.supply = head.supply.checked_add(n).unwrap();
            head.transactions += 1;
            l.set_balance(key(&h.account), l.balance(&key(&h.account)) + n);
        }
        l.head.set(Encode!(&head).unwrap());
    });
}

#[query]
fn icrc1_fee() -> Nat {
    LEDGER.with_borrow(|l| Nat::from(l.head().fee))
}

#[query]
fn icrc1_total_supply() -> Nat {
    LEDGER.with_borrow(|l| Nat::from(l.head().supply))
}

#[query]
fn icrc1_balance_of(a: Account) -> Nat {
    LEDGER.with_borrow(|l| Nat::from(l.balance(&key(&a))))
}

#[update]
fn icrc1_transfer(t: TransferArgs) -> Result<Nat, TransferError> {
    let from = (msg_caller(), t.from_subaccount.unwrap_or_default());
    LEDGER.with_borrow_mut(|l| l.transfer(from, t)).map(Nat::from)
}
