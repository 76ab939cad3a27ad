//! A rider's screen shows what changes, and follows him where he goes.

use axum::body::Body;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit_http::Caller;
use baedal_kit_http::caller::CALLER;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::world::{LONG, World, new_order, new_rider, spot};

/// Events as they arrive: id and what it shows.
type Events = mpsc::UnboundedReceiver<(String, Value)>;

pub(crate) struct Screen {
    events: Events,
    reader: JoinHandle<()>,
}

impl Screen {
    pub(crate) async fn open(world: &World, rider: AccountId, last_event_id: &str) -> Self {
        let request = Request::get("/api/deliveries/live")
            .header(CALLER, Caller { account_id: rider, role: Role::Rider }.to_header())
            .header("last-event-id", last_event_id)
            .body(Body::empty())
            .expect("a request");
        let response = world.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let (arrived, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read(response.into_body(), arrived));
        let screen = Self { events, reader };
        screen.rest().await;
        screen
    }

    /// What it shows next.
    pub(crate) async fn shown(&mut self) -> Value {
        self.next().await.1
    }

    /// The rider puts the phone away.
    pub(crate) async fn close(self) {
        self.reader.abort();
        assert!(self.reader.await.is_err_and(|error| error.is_cancelled()));
    }

    /// Lets the stream show all it has and wait for a change, so that only a change can wake it.
    async fn rest(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// The next event.
    async fn next(&mut self) -> (String, Value) {
        let event = tokio::time::timeout(LONG, self.events.recv()).await.expect("an event in time");
        self.rest().await;
        event.expect("the stream goes on")
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

async fn read(mut body: Body, arrived: mpsc::UnboundedSender<(String, Value)>) {
    let mut unread = String::new();
    while let Some(Ok(frame)) = body.frame().await {
        unread.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        while let Some((event, rest)) = unread.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
            let _ =
                arrived.send((field("id:").to_owned(), serde_json::from_str(field("data:")).unwrap_or(Value::Null)));
            unread = rest.to_owned();
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
    screen.close().await;
    assert_eq!(world.service.database().feeds().watched(), 0);
}
