//! Where exactly a delivery goes, and what the customer said, is a rider's only from his claim to ten minutes after the
//! end, or until he gives it back: by every route and stream that he can ask, in every phase.

use std::collections::BTreeSet;

use baedal_contracts::order::{self, CancelReason};
use baedal_contracts::{AccountId, OrderId, Won};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::live::Screen;
use super::world::{World, spot};

/// Ten minutes, and a moment.
const LATER: SignedDuration = SignedDuration::from_secs(601);
/// Almost ten minutes.
const SOON: SignedDuration = SignedDuration::from_secs(599);

/// How far it is between a delivery and the rider who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::VariantArray)]
enum Phase {
    /// It waits, and he has never had it.
    Waiting,
    /// Another has claimed it.
    AnothersClaim,
    Claimed,
    PickedUp,
    JustDelivered,
    LongDelivered,
    /// He has given it back, and it waits.
    Released,
    /// He has given it back, and another carries it.
    ReleasedAndCarried,
    /// He has given it back, and another has brought it.
    ReleasedAndBrought,
    /// An operator took it back from him.
    TakenBack,
    /// The order ended while he had it.
    JustCanceled,
    LongCanceled,
}

/// Every route of this context that a rider can ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::VariantArray)]
enum Route {
    PutMe,
    Nearby,
    Mine,
    Live,
    Claim,
    Release,
    PickUp,
    Deliver,
}

impl Route {
    fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::PutMe => ("put", "/api/riders/me"),
            Self::Nearby => ("get", "/api/deliveries/nearby"),
            Self::Mine => ("get", "/api/deliveries/mine"),
            Self::Live => ("get", "/api/deliveries/live"),
            Self::Claim => ("post", "/api/deliveries/{order_id}/claim"),
            Self::Release => ("post", "/api/deliveries/{order_id}/release"),
            Self::PickUp => ("post", "/api/deliveries/{order_id}/pickup"),
            Self::Deliver => ("post", "/api/deliveries/{order_id}/deliver"),
        }
    }
}

/// Where it is shown. To claim shows it, as it is his then; to give back does not.
fn is_shown(phase: Phase, route: Route) -> bool {
    match phase {
        Phase::Waiting | Phase::Released | Phase::TakenBack => matches!(route, Route::Claim),
        Phase::Claimed => matches!(route, Route::Mine | Route::Live | Route::Claim | Route::PickUp),
        Phase::PickedUp | Phase::JustDelivered => {
            matches!(route, Route::Mine | Route::Live | Route::Claim | Route::PickUp | Route::Deliver)
        }
        Phase::JustCanceled => matches!(route, Route::Mine | Route::Live),
        Phase::AnothersClaim
        | Phase::LongDelivered
        | Phase::ReleasedAndCarried
        | Phase::ReleasedAndBrought
        | Phase::LongCanceled => false,
    }
}

/// A delivery in a phase, and the rider who asks.
async fn given(world: &World, phase: Phase) -> (OrderId, AccountId) {
    let (rider, other) = (world.rider_at(spot(0.0, 0.0)).await, world.rider_at(spot(0.0, 0.0)).await);
    let order_id = world.cook_one().await;
    let took = async |rider: AccountId, steps: &[&str]| {
        for step in steps {
            assert_eq!(world.step(rider, order_id, step).await.0, StatusCode::OK, "{phase:?}: {step}");
        }
    };
    let carried = ["claim", "pickup", "deliver"];
    match phase {
        Phase::Waiting => {}
        Phase::AnothersClaim => took(other, &carried[..1]).await,
        Phase::Claimed => took(rider, &carried[..1]).await,
        Phase::PickedUp => took(rider, &carried[..2]).await,
        Phase::JustDelivered | Phase::LongDelivered => {
            took(rider, &carried).await;
            world.clock.advance(if phase == Phase::JustDelivered { SOON } else { LATER });
        }
        Phase::Released => took(rider, &["claim", "release"]).await,
        Phase::ReleasedAndCarried => {
            took(rider, &["claim", "release"]).await;
            took(other, &carried[..2]).await;
        }
        Phase::ReleasedAndBrought => {
            took(rider, &["claim", "release"]).await;
            took(other, &carried).await;
        }
        Phase::TakenBack => {
            took(rider, &carried[..1]).await;
            let (status, body) = world.take_back(order_id, json!({"rider_id": rider, "reason": "연락이 안 됨"})).await;
            assert_eq!(status, StatusCode::OK);
            assert!(tells(&body), "an operator may know: {body}");
        }
        Phase::JustCanceled | Phase::LongCanceled => {
            took(rider, &carried[..1]).await;
            world.end_order(canceled(order_id)).await;
            world.clock.advance(if phase == Phase::JustCanceled { SOON } else { LATER });
        }
    }
    (order_id, rider)
}

fn canceled(order_id: OrderId) -> order::Event {
    order::Event::OrderCanceled {
        order_id,
        reason: CancelReason::Operator,
        text: String::new(),
        owed_krw: Won(0),
        fault: None,
        paid: true,
        bill: None,
        version: 3,
    }
}

/// Whether an answer tells where it goes, or what the customer said.
fn tells(answer: &Value) -> bool {
    let text = answer.to_string();
    let place = spot(800.0, 600.0);
    let secrets = ["301호".to_owned(), "문 앞에".to_owned(), place.lat().to_string(), place.lng().to_string()];
    secrets.iter().any(|secret| text.contains(secret))
}

async fn ask(world: &World, rider: AccountId, order_id: OrderId, route: Route) -> Value {
    let (method, path) = route.method_and_path();
    let path = path.replace("{order_id}", &order_id.to_string());
    match route {
        Route::PutMe => world.on_duty(rider, spot(1.0, 1.0)).await.1,
        Route::Live => {
            let mut screen = Screen::open(world, rider, "").await;
            let shown = screen.shown().await;
            screen.close().await;
            shown
        }
        Route::Nearby | Route::Mine | Route::Claim | Route::Release | Route::PickUp | Route::Deliver => {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            world.ask(rider, method, &path, None).await.1
        }
    }
}

#[tokio::test]
async fn an_address_is_a_riders_while_he_carries_it_and_no_longer_by_whatever_he_asks() {
    use strum::VariantArray;
    for phase in Phase::VARIANTS {
        for route in Route::VARIANTS {
            let world = World::start().await;
            let (order_id, rider) = given(&world, *phase).await;
            let answer = ask(&world, rider, order_id, *route).await;
            assert_eq!(tells(&answer), is_shown(*phase, *route), "{phase:?} {route:?}: {answer:#}");
            // Once more, whatever became of it by asking.
            let again = ask(&world, rider, order_id, *route).await;
            assert_eq!(tells(&again), is_shown(*phase, *route), "again, {phase:?} {route:?}: {again:#}");
        }
    }
}

#[test]
fn every_route_is_asked() {
    use strum::VariantArray;
    let document = serde_json::to_value(crate::http::table().into_openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let routes: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().expect("methods").keys().map(move |method| (&**method, &**path)))
        .collect();
    let asked: BTreeSet<_> = Route::VARIANTS.iter().map(|route| route.method_and_path()).collect();
    assert_eq!(routes, asked, "say in `Route` and `is_shown` what a rider is shown there");
}

#[tokio::test]
async fn an_open_screen_hides_the_address_when_its_time_is_over() {
    let world = World::start().await;
    let (_, rider) = given(&world, Phase::JustDelivered).await;
    let mut screen = Screen::open(&world, rider, "").await;
    let shown = screen.shown().await;
    assert!(tells(&shown) && shown["mine"][0]["address_is_exact"] == true, "{shown}");
    world.clock.advance(SignedDuration::from_secs(2));
    let shown = screen.shown().await;
    assert!(!tells(&shown), "{shown}");
    let over = &shown["mine"][0];
    assert_eq!((&over["address_is_exact"], &over["note"]), (&json!(false), &json!("")));
    assert_eq!(over["deliver_to"]["address"], "서울 강남구 역삼로");
}

#[tokio::test]
async fn who_moves_about_does_not_learn_where_it_goes_from_when_he_sees_it() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    // Two customers of one neighbourhood, far from the store: whatever a rider says of where he is, he sees both or
    // neither.
    let (store, one, other) = (spot(0.0, 0.0), spot(9_000.0, 9_000.0), spot(9_100.0, 9_080.0));
    assert_eq!(one.roughly(), other.roughly(), "neighbours");
    for place in [one, other] {
        world.cook(super::world::new_order(), store, place).await;
    }
    for step in 0..60 {
        world.on_duty(rider, spot(9_000.0, 5_900.0 + 10.0 * f64::from(step))).await;
        let (_, nearby) = world.get(rider, "/api/deliveries/nearby").await;
        let seen = nearby["items"].as_array().expect("items").len();
        assert!(seen == 0 || seen == 2, "{step}: {nearby}");
    }
}

#[tokio::test]
async fn five_releases_within_an_hour_pause_claiming_and_nothing_else() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let carried = world.cook_one().await;
    world.step(rider, carried, "claim").await;
    // What an operator takes from him does not count.
    let taken = world.cook_one().await;
    world.step(rider, taken, "claim").await;
    world.take_back(taken, json!({"rider_id": rider, "reason": "연락이 안 됨"})).await;
    for _ in 0..5 {
        let order_id = world.cook_one().await;
        assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
        assert_eq!(world.step(rider, order_id, "release").await.0, StatusCode::OK);
        // Nor does saying so again.
        assert_eq!(world.step(rider, order_id, "release").await.0, StatusCode::OK);
        world.clock.advance(SignedDuration::from_mins(1));
    }
    let next = world.cook_one().await;
    let (status, paused) = world.step(rider, next, "claim").await;
    assert_eq!((status, &paused["type"]), (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/released_too_often")));
    assert_eq!(world.retry_after(rider, next, "claim").await, Some(55 * 60));
    for step in ["claim", "pickup", "deliver"] {
        assert_eq!(world.step(rider, carried, step).await.0, StatusCode::OK, "what he carries stays his: {step}");
    }
    world.clock.advance(SignedDuration::from_mins(55));
    assert_eq!(world.step(rider, next, "claim").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_operator_who_says_nothing_is_told_what_to_say() {
    let world = World::start().await;
    let (order_id, _) = given(&world, Phase::Claimed).await;
    let answer = world.operator_releases_without_a_body(order_id).await;
    assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
}
