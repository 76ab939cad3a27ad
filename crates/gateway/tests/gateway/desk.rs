//! What the gateway answers itself: health, the operator's questions to all contexts, documentation.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, Request};
use axum::routing::{get, post};
use axum::{Json, Router};
use baedal_contracts::identity::Role;
use baedal_contracts::source::{ORDER, PAYMENT, STORE, TRACKING};
use baedal_kit_http::breaker::BreakerSettings;
use baedal_kit_http::operations::{DeadLetterView, LettersQuery};
use baedal_kit_http::upstream::Upstream;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::world::World;

#[tokio::test]
async fn ready_is_when_everything_needed_is() {
    let whole = World::new();
    let answer = whole.get_as_the_machine("/health/ready").await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("ready")), "{}", answer.text);
    let order = json!({"ready": true, "needed": true, "database": "ok", "position": 7, "behind": {"somebody": 3}});
    assert_eq!(answer.body["dependencies"]["order"], order);
    assert_eq!(answer.body["dependencies"].as_object().map(serde_json::Map::len), Some(8));
    assert_eq!(answer.body["dependencies"]["limits"], json!({"ready": true, "needed": false}));
    whole.lifecycle.drain();
    let answer = whole.get_as_the_machine("/health/ready").await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("draining")));
    assert_eq!(whole.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_away_is_told_and_counts_where_it_is_needed() {
    for (needed, status) in [(vec!["store".to_owned()], 503), (vec!["identity".to_owned()], 200)] {
        let world = World::with(
            |settings| settings.needed = needed,
            |contexts| {
                let sick = get(async || {
                    let health = json!({"context": "store", "database": "the disk is full", "behind": {}});
                    (StatusCode::SERVICE_UNAVAILABLE, Json(health))
                });
                contexts.insert(STORE, Upstream::local(Router::new().route("/internal/health", sick)));
                contexts.insert(ORDER, Upstream::local(Router::new()));
            },
        );
        let answer = world.get_as_the_machine("/health/ready").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body["dependencies"]["store"]["ready"], false);
        assert_eq!(answer.body["dependencies"]["store"]["database"], "the disk is full");
        assert_eq!(answer.body["dependencies"]["order"]["ready"], false);
        assert_eq!(answer.body["dependencies"]["identity"]["ready"], true);
    }
}

#[tokio::test]
async fn metrics_are_those_of_the_process() {
    let answer = World::new().get_as_the_machine("/metrics").await;
    assert_eq!(answer.text, "baedal_up 1\n");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
}

#[tokio::test]
async fn everybody_is_told_a_status_and_nothing_more() {
    let world = World::new();
    let told = world.get("/health/ready").await;
    assert_eq!((told.status, &told.body), (StatusCode::OK, &json!({"status": "ready"})));
    assert_eq!(world.get("/metrics").await.status, StatusCode::NOT_FOUND);
    world.lifecycle.drain();
    let told = world.get("/health/ready").await;
    assert_eq!((told.status, &told.body), (StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "draining"})));
}

fn letter(context: &str, key: &str, second: u32) -> Value {
    json!({
        "id": format!("{context}~hear_again~{key}"), "context": context, "kind": "hear_again", "order_id": null,
        "attempts": 8, "error": "broken", "failed_at": format!("2026-11-22T03:00:{second:02}Z"), "payload": null,
    })
}

fn letters(letters: Vec<Value>) -> Upstream {
    Upstream::local(Router::new().route("/internal/dead-letters", get(async move || Json(letters))))
}

#[tokio::test]
async fn dead_letters_of_all_contexts_are_one_list() {
    let world = World::with(
        |_| {},
        |contexts| {
            contexts.insert(ORDER, letters(vec![letter("order", "a", 5), letter("order", "b", 1)]));
            contexts.insert(STORE, letters(vec![letter("store", "c", 3)]));
            contexts.insert(TRACKING, Upstream::local(Router::new()));
        },
    );
    let all = world.get_as(Role::Operator, "/api/operations/dead-letters").await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    assert_eq!(ids(&all.body), ["order~hear_again~a", "store~hear_again~c", "order~hear_again~b"]);
    assert_eq!(all.body["next"], Value::Null);
    assert_eq!(all.body["unreachable"], json!(["tracking"]));
    let page = async |query: &str| world.get_as(Role::Operator, &format!("/api/operations/dead-letters?{query}")).await;
    let first = page("limit=2").await.body;
    assert_eq!(ids(&first), ["order~hear_again~a", "store~hear_again~c"]);
    let next = first["next"].as_str().expect("a next page");
    assert_eq!(ids(&page(&format!("limit=2&after={next}")).await.body), ["order~hear_again~b"]);
    let nowhere = page("after=order~hear_again~a").await;
    assert_eq!((nowhere.status, nowhere.kind()), (StatusCode::BAD_REQUEST, "malformed"));
    assert_eq!(page("limit=0").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.get_as(Role::Customer, "/api/operations/dead-letters").await.status, StatusCode::FORBIDDEN);
}

/// A context's dead letters, which come and go; it answers as every context does.
fn changing_letters(letters: Arc<Mutex<Vec<DeadLetterView>>>) -> Upstream {
    let answer = async move |Query(asked): Query<LettersQuery>| {
        let key = |letter: &DeadLetterView| letter.id.splitn(3, '~').nth(2).map(str::to_owned);
        let mut found = letters.lock().expect("letters").clone();
        if let Some(failed_at) = asked.failed_at {
            found.retain(|letter| {
                letter.failed_at < failed_at
                    || letter.failed_at == failed_at
                        && asked.kind.is_some()
                        && (Some(&letter.kind), key(letter).as_ref()) > (asked.kind.as_ref(), asked.key.as_ref())
            });
        }
        found.sort_by_key(|letter| (Reverse(letter.failed_at), letter.kind.clone(), key(letter)));
        found.truncate(asked.limit.expect("a limit"));
        Json(found)
    };
    Upstream::local(Router::new().route("/internal/dead-letters", get(answer)))
}

#[tokio::test]
async fn pages_of_dead_letters_show_each_once_while_others_come_and_go() {
    let contexts = [ORDER, STORE, TRACKING];
    // Of a hundred and thirty in each context many failed at the same second.
    let letters = contexts.map(|context| {
        let letters = (0..130).map(|number| {
            let letter = letter(context, &format!("{:03}~한 {number}", number * 7 % 130), number % 4);
            serde_json::from_value(letter).expect("a letter")
        });
        Arc::new(Mutex::new(letters.collect::<Vec<DeadLetterView>>()))
    });
    let world = World::with(
        |_| {},
        |upstreams| {
            for (context, letters) in contexts.into_iter().zip(&letters) {
                upstreams.insert(context, changing_letters(Arc::clone(letters)));
            }
        },
    );
    let (mut shown, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/api/operations/dead-letters?limit=100{after}");
        let page = world.get_as(Role::Operator, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let items: Vec<DeadLetterView> = serde_json::from_value(page.body["items"].clone()).expect("letters");
        // The last of the page is tried again, and another one fails.
        let last = items.last().expect("a letter").id.clone();
        for (context, letters) in contexts.iter().zip(&letters) {
            let mut letters = letters.lock().expect("letters");
            letters.retain(|letter| letter.id != last);
            let new = letter(context, &format!("new {pages}"), 59);
            letters.push(serde_json::from_value(new).expect("a letter"));
        }
        shown.extend(items);
        pages += 1;
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={}", next.replace(' ', "%20").replace('한', "%ED%95%9C")),
            None => break,
        }
    }
    assert_eq!((shown.len(), pages), (3 * 130, 4));
    assert!(shown.is_sorted_by_key(|letter| Reverse(letter.failed_at)), "the latest first");
    let each: HashSet<_> = shown.iter().map(|letter| &letter.id).collect();
    assert_eq!(each.len(), shown.len(), "each once");
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_where_it_lies() {
    let router = Router::new().route(
        "/internal/dead-letters/{kind}/{key}/redrive",
        post(async |Path((kind, key)): Path<(String, String)>| match (kind.as_str(), key.as_str()) {
            ("hear_again", "orders:1/2~3") => StatusCode::ACCEPTED,
            _ => StatusCode::NOT_FOUND,
        }),
    );
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(ORDER, Upstream::local(router))));
    for (id, status) in [
        ("order~hear_again~orders:1%2F2~3", StatusCode::ACCEPTED),
        ("order~hear_again~other", StatusCode::NOT_FOUND),
        ("nowhere~hear_again~1", StatusCode::NOT_FOUND),
        ("order", StatusCode::NOT_FOUND),
    ] {
        let path = format!("/api/operations/dead-letters/{id}/redrive");
        assert_eq!(world.post_as(Role::Operator, &path).await.status, status, "{id}");
    }
}

#[tokio::test]
async fn a_view_is_rebuilt_by_whoever_has_it() {
    let has = |view: &'static str| {
        let route = post(
            async move |Path(name): Path<String>| {
                if name == view { StatusCode::ACCEPTED } else { StatusCode::NOT_FOUND }
            },
        );
        Upstream::local(Router::new().route("/internal/views/{name}/rebuild", route))
    };
    let world = World::with(
        |_| {},
        |contexts| {
            contexts.insert(ORDER, has("menus"));
            contexts.insert(TRACKING, has("orders"));
        },
    );
    let rebuild =
        async |view: &str| world.post_as(Role::Operator, &format!("/api/operations/views/{view}/rebuild")).await;
    assert_eq!(rebuild("orders").await.status, StatusCode::ACCEPTED);
    let unknown = rebuild("dreams").await;
    assert_eq!((unknown.status, unknown.kind()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn that_nobody_has_a_view_is_said_only_when_everybody_was_asked() {
    let away = Upstream::local(Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE));
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(TRACKING, away)));
    let answer = world.post_as(Role::Operator, "/api/operations/views/dreams/rebuild").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn breakers_are_orders() {
    let breakers = json!([{
        "name": "payment", "state": "closed", "open_until": null, "settings": BreakerSettings::default(), "calls": 3,
        "failures": 1, "slow": 0, "failure_rate": 0.25, "slow_rate": 0.0, "not_permitted": 0, "transitions": [],
    }]);
    let expected = breakers.clone();
    let router = Router::new().route("/internal/breakers", get(async move || Json(breakers)));
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(ORDER, Upstream::local(router))));
    let answer = world.get_as(Role::Operator, "/api/operations/breakers").await;
    assert_eq!(answer.body, json!({"items": expected, "next": null}), "{}", answer.text);
}

#[tokio::test]
async fn problems_are_explained_to_people_and_to_machines() {
    let world = World::new();
    let page = world.get("/problems/too_many_streams").await;
    assert!(page.headers[header::CONTENT_TYPE].to_str().expect("ASCII").starts_with("text/html"));
    assert!(page.text.contains("<h2>Too many live streams</h2>"), "{}", page.text);
    assert!(page.headers.contains_key(header::CONTENT_SECURITY_POLICY));
    let asked = |path: &str| {
        Request::get(path).header(header::ACCEPT, "application/json").body(Body::empty()).expect("a request")
    };
    let one = world.send(asked("/problems/timed_out")).await.body;
    assert_eq!((&one["type"], &one["status"]), (&json!("/problems/timed_out"), &json!(504)));
    let all = world.send(asked("/problems")).await.body;
    assert!(all.as_array().expect("a list").iter().any(|problem| problem["type"] == "/problems/not_found"));
    assert!(world.get("/problems").await.text.contains("/problems/unauthenticated"));
    assert_eq!(world.get("/problems/%3Cscript%3E").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_front_door_leads_to_the_documentation() {
    let world = World::new();
    let front = world.get("/").await;
    assert_eq!(
        (front.status, &front.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/api/docs".parse().expect("a value"))
    );
    let docs = world.get("/api/docs").await;
    assert!(docs.text.contains("/api/openapi.json"));
    for elsewhere in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!docs.text.contains(elsewhere), "the page needs nobody but us");
    }
}

/// Tracking, which says what it was asked, and by whom.
fn tracking() -> Upstream {
    let stuck = async |OriginalUri(uri): OriginalUri, headers: HeaderMap| {
        let caller = headers["baedal-caller"].to_str().unwrap_or_default().to_owned();
        Json(json!({ "past_deadline": [uri.to_string()], "refunds_owed": [caller] }))
    };
    Upstream::local(Router::new().route("/api/operations/stuck", get(stuck)))
}

fn payment() -> Upstream {
    let page = |item: &'static str| get(async move || Json(json!({ "items": [item], "next": null })));
    Upstream::local(
        Router::new()
            .route("/internal/unsettled/attempts", page("an attempt"))
            .route("/internal/unsettled/differences", page("a difference")),
    )
}

#[tokio::test]
async fn what_is_stuck_is_what_tracking_and_payment_say() {
    let world = World::with(
        |_| {},
        |contexts| {
            contexts.insert(TRACKING, tracking());
            contexts.insert(PAYMENT, payment());
        },
    );
    let stuck = world.get_as(Role::Operator, "/api/operations/stuck?limit=7").await.body;
    assert_eq!(stuck["past_deadline"], json!(["/api/operations/stuck?limit=7"]));
    assert!(stuck["refunds_owed"][0].as_str().is_some_and(|caller| caller.starts_with("operator:")), "{stuck}");
    assert_eq!((&stuck["open_attempts"], &stuck["differences"]), (&json!(["an attempt"]), &json!(["a difference"])));
    assert_eq!(stuck["unreachable"], json!([]));
    assert_eq!(world.get_as(Role::Customer, "/api/operations/stuck").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_payment_what_tracking_knows_is_shown_and_without_tracking_nothing() {
    let world = World::with(
        |_| {},
        |contexts| {
            contexts.insert(TRACKING, tracking());
            contexts.insert(PAYMENT, Upstream::local(Router::new()));
        },
    );
    let stuck = world.get_as(Role::Operator, "/api/operations/stuck").await.body;
    assert_eq!((&stuck["open_attempts"], &stuck["unreachable"]), (&json!([]), &json!(["payment"])));
    assert_eq!(stuck["past_deadline"], json!(["/api/operations/stuck"]));
    let away = Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE);
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(TRACKING, Upstream::local(away))));
    assert_eq!(world.get_as(Role::Operator, "/api/operations/stuck").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
