//! Keys and delegations.

use crate::world::{check, decode, equal, key, turned_away, Outcome, World};
use candid::Principal;
use ic_agent::identity::{
    AnonymousIdentity, BasicIdentity, DelegatedIdentity, Delegation, DelegationError, DelegationPermissions, InfoAwareIdentity, Prime256v1Identity,
    Secp256k1Identity, SignedDelegation,
};
use ic_agent::Identity;
use std::time::{Duration, SystemTime};

pub async fn run(w: &World) {
    check("caller_ed25519", seen_as(w, key(2), &key(2))).await;
    check("caller_secp256k1", seen_as(w, secp256k1(), &secp256k1())).await;
    check("caller_p256", seen_as(w, p256(), &p256())).await;
    check("anonymous", anonymous(w)).await;
    check("delegation", delegation(w)).await;
    check("canister_signature", canister_signature(w)).await;
    check("sender_info", sender_info(w)).await;
    check("delegation_targets", targets(w)).await;
    check("delegation_expired", expired(w)).await;
    check("delegation_by_another", by_another(w)).await;
    check("delegation_queries_only", queries_only(w)).await;
}

fn secp256k1() -> Secp256k1Identity {
    Secp256k1Identity::from_private_key(k256::SecretKey::from_slice(&[3; 32]).expect("a key"))
}

fn p256() -> Prime256v1Identity {
    Prime256v1Identity::from_private_key(p256::SecretKey::from_slice(&[3; 32]).expect("a key"))
}

/// Holds who the canister takes the identity for.
async fn seen_as(w: &World, identity: impl Identity + 'static, expected: &dyn Identity) -> Outcome {
    let agent = w.agent_as(identity);
    let expected = expected.sender()?;
    equal(decode::<Principal>(&w.update(&agent, "caller").await?)?, expected)?;
    equal(decode::<Principal>(&w.query(&agent, "caller").await?)?, expected)
}

async fn anonymous(w: &World) -> Outcome {
    let agent = w.agent_as(AnonymousIdentity);
    equal(decode::<String>(&w.update(&agent, "hello").await?)?, "hello".into())?;
    equal(decode::<String>(&w.query(&agent, "hello").await?)?, "hello".into())
}

/// A delegation for an hour.
fn to(taker: &dyn Identity) -> Delegation {
    let expiration = SystemTime::now() + Duration::from_secs(3600);
    let expiration = expiration.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970").as_nanos() as u64;
    Delegation { pubkey: taker.public_key().expect("a public key"), expiration, targets: None, permissions: None }
}

fn link(giver: &dyn Identity, delegation: Delegation) -> SignedDelegation {
    let signature = giver.sign_delegation(&delegation).expect("a signature").signature.expect("bytes");
    SignedDelegation { delegation, signature }
}

fn delegated(delegation: Delegation) -> DelegatedIdentity {
    let from = key(4);
    DelegatedIdentity::new_unchecked(from.public_key().expect("a public key"), Box::new(p256()), vec![link(&from, delegation)])
}

async fn delegation(w: &World) -> Outcome {
    let (from, middle) = (key(4), secp256k1());
    let chain = vec![link(&from, to(&middle)), link(&middle, to(&p256()))];
    let identity = DelegatedIdentity::new(from.public_key().ok_or("no key")?, Box::new(p256()), chain)?;
    seen_as(w, identity, &from).await
}

/// A user of an identity provider: a canister signed the delegation to the session's key.
/// The library checks that signature too, down to the root key.
fn issued(w: &World, session: BasicIdentity) -> Result<DelegatedIdentity, DelegationError> {
    let delegation = Delegation { pubkey: w.issued("session_key"), expiration: w.expiration(), targets: None, permissions: None };
    let chain = vec![SignedDelegation { delegation, signature: w.issued("signature") }];
    DelegatedIdentity::new_with_root_key(w.issued("public_key"), Box::new(session), chain, &w.root_key())
}

async fn canister_signature(w: &World) -> Outcome {
    let user = issued(w, key(7))?;
    seen_as(w, user, &issued(w, key(7))?).await
}

async fn sender_info(w: &World) -> Outcome {
    let identity = InfoAwareIdentity::new_with_root_key(issued(w, key(7))?, w.issued("info"), w.issued("info_signature"), &w.root_key())?;
    let agent = w.agent_as(identity);
    equal(decode::<Vec<u8>>(&w.update(&agent, "info").await?)?, w.issued("info"))?;
    equal(decode::<Vec<u8>>(&w.query(&agent, "info").await?)?, w.issued("info"))?;
    let another = [w.issued("info"), b"!".to_vec()].concat();
    let identity = InfoAwareIdentity::new_unchecked(issued(w, key(7))?, another, w.issued("info_signature"))?;
    turned_away(w.update(&w.agent_as(identity), "info").await, 400)?;
    Ok(())
}

async fn targets(w: &World) -> Outcome {
    let only = |targets| delegated(Delegation { targets: Some(targets), ..to(&p256()) });
    seen_as(w, only(vec![w.id("other"), w.id("canister")]), &key(4)).await?;
    refused(w, only(vec![w.id("other")])).await
}

async fn expired(w: &World) -> Outcome {
    let fresh = to(&p256());
    refused(w, delegated(Delegation { expiration: fresh.expiration - 2 * 3_600_000_000_000, ..fresh })).await
}

async fn by_another(w: &World) -> Outcome {
    let chain = vec![link(&key(5), to(&p256()))];
    refused(w, DelegatedIdentity::new_unchecked(key(4).public_key().ok_or("no key")?, Box::new(p256()), chain)).await
}

async fn queries_only(w: &World) -> Outcome {
    let agent = w.agent_as(delegated(Delegation { permissions: Some(DelegationPermissions::Queries), ..to(&p256()) }));
    equal(decode::<Principal>(&w.query(&agent, "caller").await?)?, key(4).sender()?)?;
    turned_away(w.update(&agent, "hello").await, 400)?;
    Ok(())
}

async fn refused(w: &World, identity: DelegatedIdentity) -> Outcome {
    let agent = w.agent_as(identity);
    turned_away(w.update(&agent, "hello").await, 400)?;
    turned_away(w.query(&agent, "hello").await, 400)?;
    Ok(())
}
