//! A rider's screen shows what changes, and follows him where he goes.

use axum::body::Body;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::http::Caller;
use baedal_kit::http::caller::CALLER;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::world::{LONG, World, new_order, new_rider, spot};

struct Screen {
    body: Body,
    unread: String,
}

impl Screen {
    async fn open(world: &World, rider: AccountId, last_event_id: &str) -> Self {
        let request = Request::get("/api/deliveries/live")
            .header(CALLER, Caller { account_id: rider, role: Role::Rider }.to_header())
            .header("last-event-id", last_event_id)
            .body(Body::empty())
            .expect("a request");
        let response = world.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        Self { body: response.into_body(), unread: String::new() }
    }

    /// The next event: its id and what it shows.
    async fn next(&mut self) -> (String, Value) {
        let event = tokio::time::timeout(LONG, async {
            loop {
                if let Some((event, rest)) = self.unread.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.unread = rest;
                    return event;
                }
                let frame = self.body.frame().await.expect("the stream goes on").expect("a frame");
                self.unread.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
            }
        })
        .await
        .expect("an event in time");
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        (field("id:").to_owned(), serde_json::from_str(field("data:")).unwrap_or(Value::Null))
    }

    /// The next screen that is as wished.
    async fn until(&mut self, wished: impl Fn(&Value) -> bool) -> (String, Value) {
        loop {
            let (id, screen) = self.next().await;
            if wished(&screen) {
                return (id, screen);
            }
        }
    }
}

fn count(screen: &Value, list: &str) -> usize {
    screen[list].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn the_screen_follows_the_deliveries_and_the_rider() {
    let world = World::start().await;
    let rider = new_rider();
    let mut screen = Screen::open(&world, rider, "").await;
    assert_eq!(screen.next().await.1, json!({"on_duty": false, "nearby": [], "mine": []}));

    // He comes on duty, then food waits near him, then he takes it.
    world.on_duty(rider, spot(0.0, 0.0)).await;
    screen.until(|screen| screen["on_duty"] == true).await;
    let order_id = world.cook_one().await;
    let (_, shown) = screen.until(|screen| count(screen, "nearby") == 1).await;
    assert_eq!(shown["nearby"][0]["order_id"], json!(order_id));
    world.step(rider, order_id, "claim").await;
    let (_, shown) = screen.until(|screen| count(screen, "mine") == 1).await;
    assert_eq!((count(&shown, "nearby"), &shown["mine"][0]["status"]), (0, &json!("claimed")));
    for (step, status) in [("pickup", "picked_up"), ("deliver", "delivered")] {
        world.step(rider, order_id, step).await;
        screen.until(|screen| screen["mine"][0]["status"] == status).await;
    }

    // He goes elsewhere; what waits there shows, and what waits where he was no longer.
    world.on_duty(rider, spot(20_000.0, 0.0)).await;
    world.cook_one().await;
    let there = new_order();
    world.cook(there, spot(20_100.0, 0.0), spot(20_200.0, 0.0)).await;
    let (id, shown) = screen.until(|screen| count(screen, "nearby") == 1).await;
    assert_eq!(shown["nearby"][0]["order_id"], json!(there));

    // Another rider takes it: it goes from the screen.
    let other = world.rider_at(spot(20_000.0, 0.0)).await;
    let mut again = Screen::open(&world, rider, &id).await;
    world.step(other, there, "claim").await;
    screen.until(|screen| count(screen, "nearby") == 0).await;
    let (_, first) = again.next().await;
    assert_eq!(count(&first, "nearby"), 0, "a screen that was still right is not sent again");
}

#[tokio::test]
async fn a_stream_that_ends_leaves_nobody_looking() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let mut screen = Screen::open(&world, rider, "").await;
    screen.next().await;
    assert!(world.service.database().feeds().watched() > 0);
    drop(screen);
    assert_eq!(world.service.database().feeds().watched(), 0);
}
