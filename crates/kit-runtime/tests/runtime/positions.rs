//! Reading what one wrote, by the header `Baedal-Position`, and positions that nobody has ever written.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use baedal_kit_http::Module;
use baedal_kit_http::{AsOf, Problem};
use baedal_kit_runtime::Service;
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::world::*;

const FIRST: Uuid = Uuid::from_u128(1);

/// The pantry, which answers whether it shows the first jar, as of a position.
async fn read_first(State(pantry): State<Service>, as_of: AsOf) -> Result<String, Problem> {
    as_of.wait(&pantry, "jars").await?;
    Ok(shown(&pantry, FIRST).await.map_or(0, |shown| shown.cookies).to_string())
}

async fn serve(pantry: &Service) -> Router {
    let routes = Router::new().route("/jars", get(read_first)).with_state(pantry.clone());
    let projections: Vec<Arc<dyn baedal_kit_runtime::Projection>> = vec![Arc::new(Jars::default())];
    let module = Module { service: pantry.clone(), routes, policies: vec![], projections, jobs: vec![] };
    module.start().await.unwrap_or_else(|failure| panic!("{}", failure.report()))
}

async fn read(router: &Router, position: &str) -> (StatusCode, String) {
    let request = Request::get("/jars").header("baedal-position", position).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_read_sees_what_was_written_up_to_its_position() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let router = serve(&pantry).await;
    for number in 1..=20 {
        let filled = fill(&kitchen, FIRST, 1).await;
        let seen = read(&router, &format!("kitchen:{}", filled.position)).await;
        assert_eq!(seen, (StatusCode::OK, number.to_string()));
    }
}

#[tokio::test]
async fn a_position_that_its_source_has_never_reached_is_refused_and_says_what_to_do() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let router = serve(&pantry).await;
    let head = fill(&kitchen, FIRST, 1).await.position;
    let beyond = [head + 1, head + 1_000_000, u64::MAX].map(|position| format!("kitchen:{position}"));
    let among_others = format!("kitchen:{}, elsewhere:1", head + 1);
    for position in beyond.into_iter().chain([among_others]) {
        let (status, body) = read(&router, &position).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{position}: {body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["type"], "/problems/position_ahead");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("has written up to {head}")), "{detail}");
    }
    // As many digits as a position may have, and more than there can be.
    assert_eq!(read(&router, "kitchen:18446744073709551616").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(read(&router, &format!("kitchen:{head}")).await, (StatusCode::OK, "1".to_owned()));
    // Once it is reached it is a position like any other.
    let next = fill(&kitchen, FIRST, 1).await.position;
    assert_eq!(next, head + 1);
    assert_eq!(read(&router, &format!("kitchen:{next}")).await, (StatusCode::OK, "2".to_owned()));
}

#[tokio::test]
async fn what_is_no_position_is_malformed() {
    let world = World::default();
    let (_, pantry) = world.wake();
    let router = serve(&pantry).await;
    for strange in ["kitchen", "kitchen:", "kitchen:-1", "kitchen:1.5", "kitchen:999999999999999999999", "1", ","] {
        let (status, body) = read(&router, strange).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{strange}: {body}");
        assert!(body.contains("/problems/malformed"), "{strange}: {body}");
    }
}
