//! The kitchen's board, over HTTP.

use baedal_contracts::identity::Role;
use baedal_contracts::store;
use http::StatusCode;
use serde_json::{Value, json};

use super::events::{CUSTOMER, OTHER_RIDER, OWNER, Of, RIDER, STORE, location, order_id, profile};
use super::stories;
use super::world::{Stream, World, caller};

async fn kitchen() -> World {
    let world = World::new().await;
    let profile = profile(location(37.55, 126.915), 3_000);
    world.tell_store(&store::Event::StoreRegistered { store_id: STORE, owner_id: OWNER, profile });
    world
}

fn path(rest: &str) -> String {
    format!("/api/stores/{STORE}/tickets{rest}")
}

fn statuses(board: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let items = board["items"].as_array().expect("items");
    items.iter().map(|ticket| (text(&ticket["order_id"]), text(&ticket["status"]))).collect()
}

#[tokio::test]
async fn a_board_shows_what_is_to_do_oldest_first() {
    let world = kitchen().await;
    let story = stories::delivered(Of(order_id(1)));
    for (n, length) in [(1, 4), (2, 5), (3, 6), (4, 8), (5, 10), (6, 13)] {
        stories::delivered(Of(order_id(n)))[..length].iter().for_each(|heard| world.tell(heard));
    }
    stories::canceled_in_time(Of(order_id(7))).iter().for_each(|heard| world.tell(heard));
    assert_eq!(story.len(), 13);
    let owner = Some(caller(Role::Owner, OWNER));
    let row = |n, status: &str| (order_id(n).to_string(), status.to_owned());
    let board = world.ok(&path(""), owner).await;
    assert_eq!(statuses(&board), [row(1, "open"), row(2, "accepted"), row(3, "cooking"), row(4, "cooked")]);
    assert_eq!(board["items"][0]["note"], "문 앞에 두세요");
    let cooking = world.ok(&path("?status=cooking"), owner).await;
    assert_eq!(statuses(&cooking), [row(3, "cooking")]);
    let canceled = world.ok(&path("?status=canceled"), owner).await;
    assert_eq!(statuses(&canceled), [row(7, "canceled")]);
    let first = world.ok(&path("?limit=3"), owner).await;
    assert_eq!(statuses(&first).len(), 3);
    let next = first["next"].as_str().expect("a next page");
    assert_eq!(statuses(&world.ok(&path(&format!("?after={next}")), owner).await), [row(4, "cooked")]);
    assert_eq!(world.get(&path("?status=burnt"), owner).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_order_that_was_paid_late_waits_its_turn() {
    let world = kitchen().await;
    let owner = Some(caller(Role::Owner, OWNER));
    (1..=4).for_each(|n| world.tell(&Of(order_id(n)).placed()));
    [3, 1, 4, 2].into_iter().for_each(|n| world.tell(&Of(order_id(n)).ticket_opened()));
    let turns = [3, 1, 4, 2].map(|n| (order_id(n).to_string(), "open".to_owned()));
    assert_eq!(statuses(&world.ok(&path(""), owner).await), turns);
    let mut live = Stream::of(world.open(&path("/live"), owner, &[]).await);
    assert_eq!(statuses(&live.shown().await.1), turns);
    for query in ["?limit=1", "?limit=3", "?status=open&limit=2"] {
        let mut seen = Vec::new();
        let mut page = world.ok(&path(query), owner).await;
        loop {
            seen.extend(statuses(&page));
            let Some(next) = page["next"].as_str() else { break };
            page = world.ok(&path(&format!("{query}&after={next}")), owner).await;
        }
        assert_eq!(seen, turns, "{query}");
    }
    let first = world.ok(&path("?limit=1"), owner).await;
    let next = first["next"].as_str().expect("a next page");
    world.tell(&Of(order_id(3)).ticket_accepted());
    let accepted = world.ok(&path("?status=accepted"), owner).await;
    assert_eq!(statuses(&accepted), [(order_id(3).to_string(), "accepted".to_owned())]);
    let rest = world.ok(&path(&format!("?after={next}")), owner).await;
    assert_eq!(statuses(&rest), turns[1..], "whatever became of the ticket before");
    let strange = path(&format!("?after={}", order_id(1)));
    assert_eq!(world.get(&strange, owner).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_ended_is_there_page_by_page() {
    let world = kitchen().await;
    let owner = Some(caller(Role::Owner, OWNER));
    for n in 1..=3 {
        stories::canceled_in_time(Of(order_id(n))).iter().for_each(|heard| world.tell(heard));
    }
    let row = |n| (order_id(n).to_string(), "canceled".to_owned());
    let first = world.ok(&path("?status=canceled&limit=2"), owner).await;
    assert_eq!(statuses(&first), [row(1), row(2)]);
    let next = first["next"].as_str().expect("a next page");
    let second = world.ok(&path(&format!("?status=canceled&limit=2&after={next}")), owner).await;
    assert_eq!((statuses(&second), &second["next"]), (vec![row(3)], &Value::Null));
}

#[tokio::test]
async fn a_board_is_its_owners_alone() {
    let world = kitchen().await;
    for (role, account) in
        [(Role::Owner, CUSTOMER), (Role::Customer, OWNER), (Role::Rider, RIDER), (Role::Operator, OTHER_RIDER)]
    {
        for path in [path(""), path("/live")] {
            assert_eq!(world.get(&path, Some(caller(role, account))).await.0, StatusCode::NOT_FOUND);
        }
    }
    let elsewhere = format!("/api/stores/{}/tickets", order_id(1));
    assert_eq!(world.get(&elsewhere, Some(caller(Role::Owner, OWNER))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&path(""), None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_live_board_shows_tickets_come_change_and_go() {
    let world = kitchen().await;
    let mut live = Stream::of(world.open(&path("/live"), Some(caller(Role::Owner, OWNER)), &[]).await);
    assert_eq!(live.shown().await.1, json!({ "items": [], "next": null }));
    let of = Of(order_id(1));
    [of.placed(), of.ticket_opened()].iter().for_each(|heard| world.tell(heard));
    assert_eq!(live.shown().await.1["items"][0]["status"], "open");
    world.tell(&of.cancel_requested());
    assert_eq!(live.shown().await.1["items"][0]["pending"], "cancel");
    world.tell(&of.ticket_canceled());
    let (id, board) = live.shown().await;
    assert_eq!(board["items"], json!([]));
    drop(live);
    let headers = [("last-event-id", id.as_str())];
    let mut again = Stream::of(world.open(&path("/live"), Some(caller(Role::Owner, OWNER)), &headers).await);
    let other = Of(order_id(2));
    [other.placed(), other.ticket_opened()].iter().for_each(|heard| world.tell(heard));
    let seen = again.shown().await.1;
    assert_eq!(seen["items"][0]["order_id"], json!(order_id(2)), "what was seen is not shown again");
}
