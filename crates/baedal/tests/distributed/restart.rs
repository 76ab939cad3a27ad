//! All of it stops and starts again, and what was there is there.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_still_there_after_a_restart() {
    let mut world = World::start().await;
    let people = world.people().await;
    let order = people.order().await;
    people.complete(order).await;
    let before = people.see(order, "completed").await;

    world.restart().await;
    let people = world.signed_in_again(people).await;
    // The kitchen's thanks may have come since then.
    let now = people.see(order, "completed").await;
    assert!(before.timeline.iter().all(|moment| now.timeline.contains(moment)), "{now:?} and before {before:?}");
    let another = people.order().await;
    people.complete(another).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_cannot_start_says_why() {
    let folder = World::folder();
    let mut plan = World::plan(&folder);
    plan.variables.push(("BAEDAL_ORDER__PAYMENT_WINDOW".to_owned(), "soon".to_owned()));
    let error = World::try_start(plan).await.expect_err("no composition");
    assert!(error.contains("`order.payment_window` (in the environment)"), "{error}");
}
