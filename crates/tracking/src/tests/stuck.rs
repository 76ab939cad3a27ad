//! What an operator should look at.

use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{Of, RIDER, order_id};
use super::stories;
use super::world::{World, caller};

async fn stuck(world: &World) -> Value {
    world.ok("/api/operations/stuck", Some(caller(Role::Operator, AccountId(Uuid::from_u128(1))))).await
}

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|order| order["order_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn nothing_is_stuck_while_all_goes_well() {
    let world = World::new().await;
    stories::delivered(Of(order_id(1))).iter().for_each(|heard| world.tell(heard));
    world.clock.advance(SignedDuration::from_hours(10));
    let lists = ["past_deadline", "refunds_owed", "escalated", "pickup_overdue", "carried_too_long", "abandoned"];
    let next: Value = lists.into_iter().map(|list| (list.to_owned(), Value::Null)).collect();
    assert_eq!(
        stuck(&world).await,
        json!({
            "past_deadline": [],
            "refunds_owed": [],
            "escalated": [],
            "pickup_overdue": [],
            "carried_too_long": [],
            "abandoned": [],
            "open_attempts": [],
            "differences": [],
            "unreachable": [],
            "next": next,
        })
    );
}

#[tokio::test]
async fn orders_past_a_deadline_are_shown_longest_first() {
    let world = World::new().await;
    let story = |n, length: usize| {
        stories::delivered(Of(order_id(n)))[..length].iter().for_each(|heard| world.tell(heard));
    };
    story(1, 1);
    story(2, 4);
    story(3, 6);
    story(4, 11);
    world.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(stuck(&world).await["past_deadline"], json!([]));
    world.clock.advance(SignedDuration::from_mins(6));
    let late = stuck(&world).await;
    assert_eq!(ids(&late["past_deadline"]), [order_id(2).to_string(), order_id(1).to_string()]);
    assert_eq!(late["past_deadline"][0]["waits_for"], "kitchen");
    assert_eq!(late["past_deadline"][1]["waits_for"], "payment");
    assert_eq!(late["past_deadline"][1]["status"], "awaiting_payment");
    world.clock.advance(SignedDuration::from_hours(4));
    let late = stuck(&world).await;
    let waits: Vec<_> = late["past_deadline"].as_array().expect("a list").iter().map(|o| &o["waits_for"]).collect();
    assert_eq!(waits, ["kitchen", "payment", "completion", "delivery"]);
}

#[tokio::test]
async fn refunds_escalations_and_what_was_given_up_are_shown() {
    let world = World::new().await;
    stories::refund_under_way(Of(order_id(1))).iter().for_each(|heard| world.tell(heard));
    let of = Of(order_id(2));
    [of.placed(), of.paid(), of.delivery_requested(), of.escalated()].iter().for_each(|heard| world.tell(heard));
    stories::abandoned(Of(order_id(3))).iter().for_each(|heard| world.tell(heard));
    let seen = stuck(&world).await;
    assert_eq!(ids(&seen["refunds_owed"]), [order_id(1).to_string()]);
    assert_eq!(seen["refunds_owed"][0]["refund_due_krw"], 21_000);
    assert_eq!(ids(&seen["escalated"]), [order_id(2).to_string()]);
    assert_eq!(ids(&seen["abandoned"]), [order_id(3).to_string()]);
    world.tell(&Of(order_id(1)).refunded(21_000, 21_000));
    world.tell(&of.claimed(RIDER));
    let seen = stuck(&world).await;
    assert_eq!((&seen["refunds_owed"], &seen["escalated"]), (&json!([]), &json!([])));
    assert_eq!(seen["abandoned"][0]["fault"], "store");
}

#[tokio::test]
async fn what_no_rider_has_had_for_long_stays_so_however_often_it_is_claimed_and_given_back() {
    let world = World::new().await;
    let of = Of(order_id(1));
    for (heard, shown) in [
        (of.placed(), false),
        (of.paid(), false),
        (of.delivery_requested(), false),
        (of.escalated(), true),
        (of.claimed(RIDER), false),
        (of.released(RIDER), true),
        (of.claimed(RIDER), false),
        (of.picked_up(RIDER), false),
    ] {
        world.tell(&heard);
        assert_eq!(!ids(&stuck(&world).await["escalated"]).is_empty(), shown, "{heard:?}");
    }
}

#[tokio::test]
async fn what_a_rider_does_not_fetch_or_does_not_bring_is_shown_with_the_rider() {
    let world = World::new().await;
    let of = Of(order_id(1));
    let told = [of.placed(), of.paid(), of.delivery_requested(), of.claimed(RIDER)];
    told.iter().for_each(|heard| world.tell(heard));
    for (heard, not_fetched, not_brought) in [
        (of.pickup_overdue(RIDER), true, false),
        (of.released(RIDER), false, false),
        (of.claimed(RIDER), false, false),
        (of.pickup_overdue(RIDER), true, false),
        (of.picked_up(RIDER), false, false),
        (of.overdue(), false, true),
        (of.delivered(RIDER), false, false),
    ] {
        world.tell(&heard);
        let seen = stuck(&world).await;
        let lists = [("pickup_overdue", not_fetched), ("carried_too_long", not_brought)];
        for (list, shown) in lists {
            assert_eq!(!ids(&seen[list]).is_empty(), shown, "{list} after {heard:?}");
            if shown {
                assert_eq!(seen[list][0]["rider_id"], json!(RIDER));
                assert_eq!(seen[list][0]["abandon_at"].is_null(), list == "pickup_overdue");
            }
        }
    }
}

#[tokio::test]
async fn more_time_to_pay_or_to_answer_is_more_time_until_it_is_late() {
    let world = World::new().await;
    let (unpaid, unanswered) = (Of(order_id(1)), Of(order_id(2)));
    let extended = [unpaid.placed(), unpaid.window_extended(20)];
    extended.iter().for_each(|heard| world.tell(heard));
    let extended = [unanswered.placed(), unanswered.paid(), unanswered.ticket_opened(), unanswered.answer_extended(20)];
    extended.iter().for_each(|heard| world.tell(heard));
    world.clock.advance(SignedDuration::from_mins(15));
    assert_eq!(stuck(&world).await["past_deadline"], json!([]));
    world.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(ids(&stuck(&world).await["past_deadline"]), [order_id(1).to_string(), order_id(2).to_string()]);
}

/// A page of a list of what is stuck.
async fn page(world: &World, list: &str, query: &str) -> Value {
    let operator = caller(Role::Operator, AccountId(Uuid::from_u128(1)));
    world.ok(&format!("/api/operations/stuck/{list}?{query}"), Some(operator)).await
}

#[tokio::test]
async fn however_many_older_orders_are_well_the_late_one_is_shown() {
    let world = World::new().await;
    // They are paid, and nobody has opened a ticket: their time is four hours.
    for n in 1..=600 {
        stories::delivered(Of(order_id(n)))[..3].iter().for_each(|heard| world.tell(heard));
    }
    // It is the youngest, and the kitchen does not answer.
    stories::delivered(Of(order_id(601)))[..4].iter().for_each(|heard| world.tell(heard));
    world.clock.advance(SignedDuration::from_mins(10));
    let seen = stuck(&world).await;
    assert_eq!(ids(&seen["past_deadline"]), [order_id(601).to_string()]);

    world.clock.advance(SignedDuration::from_hours(5));
    let seen = stuck(&world).await;
    assert_eq!(seen["past_deadline"].as_array().map(Vec::len), Some(100));
    let mut all = ids(&seen["past_deadline"]);
    let mut next = seen["next"]["past_deadline"].as_str().expect("more").to_owned();
    loop {
        let behind = page(&world, "past_deadline", &format!("limit=77&after={next}")).await;
        all.extend(ids(&behind["items"]));
        match behind["next"].as_str() {
            Some(more) => more.clone_into(&mut next),
            None => break,
        }
    }
    let expected: Vec<_> = std::iter::once(601).chain(1..=600).map(|n| order_id(n).to_string()).collect();
    assert_eq!(all, expected, "those past it longest first, each once");
}

#[tokio::test]
async fn every_list_has_pages_that_go_on_where_something_is_stuck_no_more() {
    let world = World::new().await;
    for n in 1..=5 {
        stories::delivered(Of(order_id(n)))[..4].iter().for_each(|heard| world.tell(heard));
        stories::refund_under_way(Of(order_id(10 + n))).iter().for_each(|heard| world.tell(heard));
        let of = Of(order_id(20 + n));
        [of.placed(), of.paid(), of.delivery_requested(), of.escalated()].iter().for_each(|heard| world.tell(heard));
        stories::abandoned(Of(order_id(30 + n))).iter().for_each(|heard| world.tell(heard));
    }
    world.clock.advance(SignedDuration::from_mins(20));
    let of_list = |list: &str| match list {
        "past_deadline" => [1, 2, 3, 4, 5],
        "refunds_owed" => [11, 12, 13, 14, 15],
        "escalated" => [21, 22, 23, 24, 25],
        _ => [35, 34, 33, 32, 31],
    };
    let end = |n| match n {
        2 => Of(order_id(n)).ticket_accepted(),
        12 => Of(order_id(n)).refunded(21_000, 21_000),
        _ => Of(order_id(n)).claimed(RIDER),
    };
    for list in ["past_deadline", "refunds_owed", "escalated", "abandoned"] {
        let expected = of_list(list).map(|n| order_id(n).to_string());
        let first = page(&world, list, "limit=2").await;
        assert_eq!(ids(&first["items"]), expected[..2], "{list}");
        if list != "abandoned" {
            world.tell(&end(of_list(list)[1]));
        }
        let next = first["next"].as_str().expect("a next page");
        let rest = page(&world, list, &format!("after={next}")).await;
        assert_eq!((ids(&rest["items"]).as_slice(), &rest["next"]), (&expected[2..], &Value::Null), "{list}");
        let operator = Some(caller(Role::Operator, AccountId(Uuid::from_u128(1))));
        let (status, _) = world.get(&format!("/api/operations/stuck/{list}?after=nowhere"), operator).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(page(&world, "past_deadline", "limit=1").await["items"][0]["waits_for"], "kitchen");
    let (status, _) = world.get("/api/operations/stuck/dreams", None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
