//! Which tokens are good, and what becomes of those that are not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use baedal_contracts::identity::Role;
use baedal_contracts::source::IDENTITY;
use baedal_kit_http::upstream::Upstream;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::world::{Key, World, claims, request};

/// The parts of a token, as JWT writes them.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn without(claim: &str) -> Value {
    let mut claims = claims(Role::Customer);
    claims.as_object_mut().expect("an object").remove(claim);
    claims
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims(Role::Customer);
    claims[claim] = value;
    claims
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let world = World::new();
    let key = &world.key;
    let stranger = Key::new("first");
    let unknown = Key::new("unknown");
    let good = key.token(Role::Customer);
    let mut parts = good.split('.');
    let (head, body, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let none = base64url(br#"{"alg":"none","typ":"JWT","kid":"first"}"#);
    // The public key taken for a shared secret.
    let confused = |secret: &[u8]| {
        let header = Header { kid: Some("first".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(Role::Operator), &EncodingKey::from_secret(secret)).unwrap()
    };
    let nameless = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(Role::Customer), &key.signing).unwrap();
    let promoted = base64url(String::from_utf8_lossy(&serde_json::to_vec(&claims(Role::Operator)).unwrap()).as_bytes());
    let now = baedal_kit::scenario::NOON.as_second();
    let critical = |names: Vec<String>| {
        let header = Header { kid: Some("first".to_owned()), crit: Some(names), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims(Role::Customer), &key.signing).unwrap()
    };
    let device = format!("device1.{}.{}.{now}.{}", "0".repeat(32), "0".repeat(32), "0".repeat(64));
    for (what, token) in [
        ("empty", String::new()),
        ("garbage", "garbage".to_owned()),
        ("three parts of garbage", "a.b.c".to_owned()),
        ("longer than any of ours", "x".repeat(5000)),
        ("signed by a stranger under our key's name", stranger.token(Role::Customer)),
        ("signed with a key that is not published", unknown.token(Role::Customer)),
        ("algorithm none, no signature", format!("{none}.{body}.")),
        ("algorithm none, our signature", format!("{none}.{body}.{signature}")),
        ("HS256 with the public key", confused(&key.public)),
        ("HS256 with the public key as JWK", confused(serde_json::to_string(&key.jwk).unwrap().as_bytes())),
        ("no key named", nameless),
        ("claims changed", format!("{head}.{promoted}.{signature}")),
        ("signature cut off", format!("{head}.{body}.")),
        ("expired", key.sign(&with("exp", json!(now)))),
        ("another issuer", key.sign(&with("iss", json!("somebody")))),
        ("for somebody else", key.sign(&with("aud", json!("another-api")))),
        ("an unknown role", key.sign(&with("role", json!("king")))),
        ("no account", key.sign(&with("sub", json!("me")))),
        ("not valid before a second from now", key.sign(&with("nbf", json!(now + 1)))),
        ("not valid before something else than a time", key.sign(&with("nbf", json!("noon")))),
        ("an extension that must be understood", critical(vec!["b64".to_owned()])),
        ("extensions that must be understood, none named", critical(Vec::new())),
        ("a device token", device),
        ("without exp", key.sign(&without("exp"))),
        ("without iss", key.sign(&without("iss"))),
        ("without aud", key.sign(&without("aud"))),
        ("without sub", key.sign(&without("sub"))),
    ] {
        for path in ["/api/orders", "/api/stores"] {
            let answer = world.call(Method::GET, path, Some(&token)).await;
            assert_eq!((answer.status, answer.kind()), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{what}: {path}");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"baedal\", error=\"invalid_token\"");
        }
        // Whoever refreshes an expired token often sends it along.
        let refreshed = world.call(Method::POST, "/api/token/refresh", Some(&token)).await;
        assert_eq!(refreshed.status, StatusCode::OK, "{what}");
    }
    assert_eq!(world.call(Method::GET, "/api/orders", Some(&good)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_valid_from_the_second_that_it_names() {
    let world = World::new();
    let now = baedal_kit::scenario::NOON.as_second();
    let token = world.key.sign(&with("nbf", json!(now + 60)));
    let status = async || world.call(Method::GET, "/api/orders", Some(&token)).await.status;
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(status().await, StatusCode::OK);
}

#[tokio::test]
async fn while_keys_are_rotated_what_either_has_signed_is_good_until_the_old_one_is_removed() {
    let world = World::new();
    let old = world.key.token(Role::Customer);
    let status = async |token: &str| world.call(Method::GET, "/api/orders", Some(token)).await.status;
    assert_eq!(status(&old).await, StatusCode::OK);
    let second = Key::new("second");
    let new = second.token(Role::Customer);
    world.published.lock().unwrap().keys = vec![second.jwk.clone(), world.key.jwk.clone()];
    world.clock.advance(SignedDuration::from_secs(2));
    for _ in 0..3 {
        assert_eq!((status(&new).await, status(&old).await), (StatusCode::OK, StatusCode::OK));
    }
    assert_eq!(world.fetched(), 2, "once for the key that was not known");
}

#[tokio::test]
async fn a_token_has_to_be_sent_as_one() {
    let world = World::new();
    let missing = world.get("/api/orders").await;
    assert_eq!((missing.status, missing.kind()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    assert_eq!(missing.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"baedal\"");
    let token = world.key.token(Role::Customer);
    for (value, status) in [
        (format!("bearer {token}"), StatusCode::OK),
        (format!("Basic {token}"), StatusCode::UNAUTHORIZED),
        (token.clone(), StatusCode::UNAUTHORIZED),
    ] {
        let asked = Request::get("/api/orders").header(header::AUTHORIZATION, value).body(Body::empty()).unwrap();
        assert_eq!(world.send(asked).await.status, status);
    }
    let mut twice = request(Method::GET, "/api/orders", Some(&token));
    twice.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_static("Bearer other"));
    assert_eq!(world.send(twice).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_was_found_valid_still_expires() {
    let world = World::new();
    let token = world.key.token(Role::Customer);
    for _ in 0..3 {
        assert_eq!(world.call(Method::GET, "/api/orders", Some(&token)).await.status, StatusCode::OK);
    }
    world.clock.advance(SignedDuration::from_secs(899));
    assert_eq!(world.call(Method::GET, "/api/orders", Some(&token)).await.status, StatusCode::OK);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.call(Method::GET, "/api/orders", Some(&token)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_named_and_the_old_one_given_up() {
    let world = World::new();
    let old = world.key.token(Role::Customer);
    let status = async |token: &str| world.call(Method::GET, "/api/orders", Some(token)).await.status;
    assert_eq!(status(&old).await, StatusCode::OK);
    assert_eq!(world.fetched(), 1);

    let second = Key::new("second");
    world.published.lock().unwrap().keys = vec![second.jwk.clone()];
    world.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(status(&second.token(Role::Customer)).await, StatusCode::OK);
    assert_eq!(world.fetched(), 2);
    assert_eq!(status(&old).await, StatusCode::UNAUTHORIZED, "even though it was found valid before");
}

#[tokio::test]
async fn made_up_keys_are_no_flood_of_fetches() {
    let world = World::new();
    for number in 0..50 {
        let unknown = Key::new(&format!("unknown {number}")).token(Role::Customer);
        assert_eq!(world.call(Method::GET, "/api/orders", Some(&unknown)).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.fetched(), 1);
    assert_eq!(world.get_as(Role::Customer, "/api/orders").await.status, StatusCode::OK);
}

#[tokio::test]
async fn while_identity_is_away_known_keys_still_serve_and_unknown_ones_wait() {
    let away = Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE);
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(IDENTITY, Upstream::local(away))));
    for _ in 0..2 {
        let answer = world.get_as(Role::Customer, "/api/orders").await;
        assert_eq!((answer.status, answer.kind()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
    }
    assert_eq!(world.get("/api/stores").await.status, StatusCode::OK, "what is public needs no keys");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_has_the_keys_goes_on_without_identity_for_as_long_as_they_are_kept() {
    let kept_for = SignedDuration::from_hours(3);
    let world = World::with(
        |settings| {
            settings.needed = vec![IDENTITY.to_owned()];
            settings.keys_kept_for = kept_for;
        },
        |_| {},
    );
    let ready = async || world.get_as_the_machine("/health/ready").await;
    let order = async || world.get_as(Role::Customer, "/api/orders").await.status;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(world.fetched(), 1, "they are fetched before anybody asks");
    world.identity_is_away.store(true, Ordering::SeqCst);
    let remembered = world.key.token(Role::Customer);
    for hours in 1..=2 {
        tokio::time::sleep(Duration::from_secs(3400)).await;
        assert_eq!(order().await, StatusCode::OK, "after {hours} hours");
        assert_eq!(world.call(Method::GET, "/api/orders", Some(&remembered)).await.status, StatusCode::OK);
        let answer = ready().await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.body["dependencies"]["identity"]["ready"], json!(false), "it is told all the same");
        assert_eq!(answer.body["dependencies"]["identity"]["needed"], json!(false));
    }
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(ready().await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(order().await, StatusCode::SERVICE_UNAVAILABLE);
    let answer = world.call(Method::GET, "/api/orders", Some(&remembered)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "although its token was found valid before");
    // It comes back, and nobody need ask for a key.
    world.identity_is_away.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((ready().await.status, order().await), (StatusCode::OK, StatusCode::OK));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_never_had_the_keys_is_not_ready_without_identity() {
    let world = World::with(|settings| settings.needed = vec![IDENTITY.to_owned()], |_| {});
    world.identity_is_away.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    world.identity_is_away.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.get("/health/ready").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_withdrawn_is_given_up_although_nobody_names_another() {
    let world = World::new();
    let old = world.key.token(Role::Customer);
    let status = async || world.call(Method::GET, "/api/orders", Some(&old)).await.status;
    assert_eq!(status().await, StatusCode::OK);
    world.published.lock().unwrap().keys = vec![Key::new("second").jwk];
    tokio::time::sleep(Duration::from_secs(61)).await;
    world.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(status().await, StatusCode::UNAUTHORIZED, "even though it was found valid before");
}
