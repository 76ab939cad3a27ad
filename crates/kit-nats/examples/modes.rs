//! What the two content modes of CloudEvents cost: `cargo run --release -p baedal-kit-nats --example modes`.
//!
//! The event is an `OrderPaid` with two items. "Write" and "read" are from an envelope to the bytes on the wire
//! and back. The client keeps headers in a map of strings; what that costs is told on its own.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::header::{HeaderMap, HeaderName};
use baedal_contracts::order::{Basket, Choice, Event, Line, OrderStore};
use baedal_contracts::{AccountId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won};
use baedal_kit::epochs::Epoch;
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Cause, CauseKind, Envelope, Origin};
use baedal_kit_nats::cloudevents::{decode, encode, place};
use bytes::Bytes;
use uuid::Uuid;

type Error = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: u32 = 200_000;

fn main() -> Result<(), Error> {
    let envelope = order_paid()?;
    let structured = encode(&envelope, 41, Epoch::NONE)?;
    let (headers, body) = binary(&envelope, 41);
    let lines: usize = headers.iter().map(|(name, value)| name.to_string().len() + value[0].as_str().len() + 4).sum();
    println!("the event itself: {} bytes", envelope.data.get().len());
    println!("structured: {:>5} bytes", structured.len());
    println!("binary:     {:>5} bytes", lines + body.len());
    report("write structured", || drop(black_box(encode(black_box(&envelope), 41, Epoch::NONE))));
    report("write binary", || drop(black_box(binary(black_box(&envelope), 41))));
    report("read structured", || drop(black_box(decode(black_box(&structured)))));
    report("read its place only", || drop(black_box(place(black_box(&structured)))));
    let lines: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value[0].as_str().to_owned())).collect();
    let parse = || {
        // What the client does with the lines that arrive.
        let parsed = lines.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
        parsed.collect::<HeaderMap>()
    };
    report("parse the headers of binary", || drop(black_box(parse())));
    report("and read it", || drop(black_box(from_binary(black_box(&headers), &body))));
    Ok(())
}

fn report(what: &str, mut work: impl FnMut()) {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    let each: Duration = began.elapsed() / ROUNDS;
    println!("{what:>28}: {:>6.2} µs", each.as_secs_f64() * 1e6);
}

/// The same message in binary mode; nothing in it needs to be percent-encoded.
fn binary(envelope: &Envelope, prev: u64) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let texts = [
        ("ce-specversion", "1.0"),
        ("ce-datacontenttype", "application/json"),
        ("ce-subject", &envelope.stream),
        ("ce-command", &envelope.command),
        ("ce-causename", &envelope.origin.cause.name),
        ("ce-traceparent", envelope.origin.traceparent.as_deref().unwrap_or_default()),
    ];
    for (name, text) in texts {
        headers.insert(HeaderName::from_static(name), text);
    }
    let made = [
        ("ce-id", envelope.id.to_string()),
        ("ce-source", format!("urn:baedal:{}", envelope.source)),
        ("ce-type", format!("baedal.{}.{}", envelope.source, envelope.kind)),
        ("ce-time", envelope.at.to_string()),
        ("ce-position", envelope.position.to_string()),
        ("ce-prev", prev.to_string()),
        ("ce-correlation", envelope.correlation.unwrap_or_default().to_string()),
        ("ce-causekind", envelope.origin.cause.kind.to_string()),
        ("ce-causeid", envelope.origin.cause.id.to_string()),
        ("ce-actor", envelope.origin.actor.unwrap_or_default().to_string()),
    ];
    for (name, text) in made {
        headers.insert(HeaderName::from_static(name), text);
    }
    (headers, Bytes::copy_from_slice(envelope.data.get().as_bytes()))
}

/// The envelope of a message in binary mode.
fn from_binary(headers: &HeaderMap, body: &[u8]) -> Option<Envelope> {
    let text = |name| headers.get(HeaderName::from_static(name)).map(async_nats::HeaderValue::as_str);
    let source = text("ce-source")?.strip_prefix("urn:baedal:")?;
    let cause = Cause {
        kind: if text("ce-causekind")? == "request" { CauseKind::Request } else { CauseKind::Event },
        id: text("ce-causeid")?.parse().ok()?,
        name: text("ce-causename")?.to_owned(),
    };
    let actor = text("ce-actor").and_then(|actor| actor.parse().ok());
    Some(Envelope {
        id: text("ce-id")?.parse().ok()?,
        source: source.to_owned(),
        position: text("ce-position")?.parse().ok().filter(|_| text("ce-prev").is_some())?,
        stream: text("ce-subject")?.to_owned(),
        kind: text("ce-type")?.strip_prefix(&format!("baedal.{source}."))?.to_owned(),
        at: text("ce-time")?.parse().ok()?,
        correlation: text("ce-correlation")?.parse().ok(),
        command: text("ce-command")?.to_owned(),
        origin: Arc::new(Origin { cause, actor, traceparent: text("ce-traceparent").map(str::to_owned) }),
        data: serde_json::from_slice(body).ok()?,
    })
}

fn order_paid() -> Result<Envelope, Error> {
    let id = Uuid::now_v7();
    let line = |name: &str| Line {
        item_id: ItemId(Uuid::now_v7()),
        name: name.to_owned(),
        quantity: 2,
        unit_price_krw: Won(18_000),
        options: vec![Choice { name: "맛 선택".to_owned(), choice: "매운맛".to_owned(), price_krw: Won(1_000) }],
    };
    let event = Event::OrderPaid {
        order_id: OrderId(id),
        order_no: OrderNo::of(OrderId(id)),
        customer_id: AccountId(Uuid::now_v7()),
        store: OrderStore {
            store_id: StoreId(Uuid::now_v7()),
            owner_id: AccountId(Uuid::now_v7()),
            name: "배달치킨 본점".to_owned(),
            address: "서울 중구 세종대로 110".to_owned(),
            location: Location::new(37.5663, 126.9779)?,
        },
        basket: Basket {
            items: vec![line("후라이드 치킨"), line("콜라")],
            deliver_to: Place {
                address: "서울 마포구 양화로 160".to_owned(),
                location: Location::new(37.5572, 126.9254)?,
            },
            note: "문 앞에 놓아 주세요".to_owned(),
            delivery_fee_krw: Won(3_000),
            total_krw: Won(41_000),
        },
    };
    let cause = Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() };
    let traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    Ok(Envelope {
        id: Uuid::now_v7(),
        source: "order".to_owned(),
        position: 42,
        stream: format!("order/{id}"),
        kind: "OrderPaid".to_owned(),
        at: SystemClock.now(),
        correlation: Some(id),
        command: "Approve".to_owned(),
        origin: Arc::new(Origin { cause, actor: Some(Uuid::now_v7()), traceparent }),
        data: serde_json::value::to_raw_value(&event)?,
    })
}
