//! Checks a network with ic-agent: clientchecks WORLD.json. A line of JSON per check.

mod calls;
mod identities;
mod management;
mod state;
mod tampered;
mod world;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), world::Failure> {
    let path = std::env::args().nth(1).ok_or("usage: clientchecks WORLD.json")?;
    let w = world::World::read(&path)?;
    calls::run(&w).await;
    identities::run(&w).await;
    state::run(&w).await;
    management::run(&w).await;
    tampered::run(&w).await;
    Ok(())
}
