//! Every process is replaced while people order, and nobody notices.

use std::thread;
use std::time::Instant;

use baedal_servers::{Composition, Replica};

use crate::checks::all_is_well;
use crate::traffic::Traffic;
use crate::world::World;

const PARTIES: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_no_request_and_no_event() {
    let mut world = World::start().await;
    let mut traffic = Traffic::begin(&mut world, PARTIES, false).await;
    traffic.goes_on_and_tells("before", 2).await;
    let begun = Instant::now();
    world.meanwhile(replace_all).await;
    println!("replaced in {:?}", begun.elapsed());
    let notes = traffic.goes_on_and_tells("meanwhile and afterwards", 2).await;
    assert!(notes.failed.is_empty(), "every request is answered as it would be without: {notes:#?}");

    let lived = traffic.end().await;
    all_is_well(&mut world, &lived).await;
}

/// In every context one process after the other ends, as a service manager ends it, and starts; all contexts do so at
/// the same time, as in a rollout of a new version.
fn replace_all(composition: &mut Composition) -> Result<(), String> {
    let replace = |replicas: &mut [Replica]| {
        replicas.iter_mut().try_for_each(|replica| {
            replica.terminate()?;
            replica.start_again()
        })
    };
    thread::scope(|scope| {
        let replacing: Vec<_> =
            composition.contexts().map(|(_, replicas)| scope.spawn(move || replace(replicas))).collect();
        replacing.into_iter().try_for_each(|replacing| replacing.join().expect("a thread"))
    })
}
