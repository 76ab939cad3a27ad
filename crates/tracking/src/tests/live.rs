//! An order, live.

use baedal_contracts::identity::Role;
use serde_json::json;

use super::events::{CUSTOMER, Of, RIDER, order_id};
use super::stories;
use super::world::{Stream, World, caller, order_path};
use crate::views::orders::ORDERS;

fn path() -> String {
    format!("{}/live", order_path(order_id(1)))
}

#[tokio::test]
async fn a_live_order_shows_all_of_it_at_once_and_at_every_change() {
    let world = World::new().await;
    let story = stories::delivered(Of(order_id(1)));
    world.tell(&story[0]);
    let customer = Some(caller(Role::Customer, CUSTOMER));
    let mut live = Stream::of(world.open(&path(), customer, &[]).await);
    let (mut id, shown) = live.shown().await;
    assert_eq!(shown["status"], "awaiting_payment");
    for heard in &story[1..] {
        world.tell(heard);
        let (next, shown) = live.shown().await;
        assert_ne!(next, id);
        let whole = world.ok(&order_path(order_id(1)), customer).await;
        assert_eq!(shown, whole, "it is what a read answers");
        id = next;
        if whole["status"] == "cooked" {
            break;
        }
    }
}

#[tokio::test]
async fn who_comes_back_sees_what_was_missed_and_nothing_twice() {
    let world = World::new().await;
    let of = Of(order_id(1));
    world.tell(&of.placed());
    let customer = Some(caller(Role::Customer, CUSTOMER));
    let (id, _) = Stream::of(world.open(&path(), customer, &[]).await).shown().await;
    let headers = [("last-event-id", id.as_str())];

    let mut nothing_missed = Stream::of(world.open(&path(), customer, &headers).await);
    world.tell(&of.paid());
    assert_eq!(nothing_missed.shown().await.1["status"], "paid");

    let mut something_missed = Stream::of(world.open(&path(), customer, &headers).await);
    assert_eq!(something_missed.shown().await.1["status"], "paid");
}

#[tokio::test]
async fn a_live_order_outlives_a_rebuild() {
    let world = World::new().await;
    let of = Of(order_id(1));
    [of.placed(), of.declined(), of.approved(21_000), of.paid()].iter().for_each(|heard| world.tell(heard));
    let customer = Some(caller(Role::Customer, CUSTOMER));
    let mut live = Stream::of(world.open(&path(), customer, &[]).await);
    let (_, before) = live.shown().await;
    world.rebuild(ORDERS).await;
    world.tell(&of.ticket_accepted());
    let (_, after) = live.shown().await;
    assert_eq!((&before["status"], &after["status"]), (&json!("paid"), &json!("accepted")));
}

#[tokio::test]
async fn a_rider_who_gives_the_order_back_sees_it_no_longer() {
    let world = World::new().await;
    let of = Of(order_id(1));
    [of.placed(), of.claimed(RIDER)].iter().for_each(|heard| world.tell(heard));
    let mut live = Stream::of(world.open(&path(), Some(caller(Role::Rider, RIDER)), &[]).await);
    assert_eq!(live.shown().await.1["status"], "rider_assigned");
    world.tell(&of.released(RIDER));
    assert_eq!(live.next().await.expect("a goodbye").0, "reconnect");
    assert_eq!(live.next().await, None);
}

#[tokio::test]
async fn a_live_order_ends_when_the_process_drains() {
    let world = World::new().await;
    world.tell(&Of(order_id(1)).placed());
    let mut live = Stream::of(world.open(&path(), Some(caller(Role::Customer, CUSTOMER)), &[]).await);
    live.shown().await;
    world.service.lifecycle().drain();
    assert_eq!(live.next().await.expect("a goodbye").0, "reconnect");
    assert_eq!(live.next().await, None);
}
