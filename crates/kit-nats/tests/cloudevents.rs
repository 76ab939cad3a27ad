//! What travels comes out as it went in, whatever it says.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use baedal_kit::epochs::Epoch;
use baedal_kit::{Cause, CauseKind, Envelope, Origin};
use baedal_kit_nats::cloudevents::{Place, Unreadable, decode, encode, encode_elsewhere, headers, place};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn cause_kind() -> impl Strategy<Value = CauseKind> {
    prop_oneof![Just(CauseKind::Request), Just(CauseKind::Event), Just(CauseKind::Job)]
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn origin() -> impl Strategy<Value = Origin> {
    (cause_kind(), id(), ".*", proptest::option::of(id()), proptest::option::of(".*"))
        .prop_map(|(kind, id, name, actor, traceparent)| Origin { cause: Cause { kind, id, name }, actor, traceparent })
}

fn at() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second();
    (seconds, 0..1_000_000_000).prop_map(|(second, nanos)| Timestamp::new(second, nanos).expect("a time"))
}

prop_compose! {
    fn envelope()(
        id in id(), source in "[a-z]{1,12}", position in 1..u64::MAX, stream in ".*", kind in ".*", at in at(),
        correlation in proptest::option::of(id()), command in ".*", origin in origin(), text in ".*",
    ) -> Envelope {
        let data = serde_json::value::to_raw_value(&serde_json::json!({ kind.clone(): { "text": text } }));
        Envelope {
            id, source, position, stream, kind, at, correlation, command,
            origin: Arc::new(origin),
            data: data.expect("JSON"),
        }
    }
}

proptest! {
    #[test]
    fn an_envelope_comes_out_as_it_went_in(envelope in envelope(), behind in 1_u64..1000) {
        let prev = envelope.position.saturating_sub(behind);
        let epoch = Epoch::new();
        let body = encode(&envelope, prev, epoch).expect("a message");
        let position = envelope.position;
        prop_assert_eq!(place(&body).expect("a place"), Place { prev, position, epoch: Some(epoch) });
        let carried = decode(&body).expect("an envelope");
        prop_assert_eq!((carried.prev, carried.epoch), (prev, Some(epoch)));
        prop_assert_eq!(
            serde_json::to_value(&carried.envelope).expect("JSON"),
            serde_json::to_value(&envelope).expect("JSON")
        );
        prop_assert_eq!(carried.envelope.data.get(), envelope.data.get());
        prop_assert!(matches!(decode(&encode_elsewhere(&envelope, prev, epoch, 16).expect("a message")), Err(Unreadable::Elsewhere)));
    }

    #[test]
    fn anything_else_is_refused_and_does_no_harm(mut body in any::<Vec<u8>>(), envelope in envelope(), at in any::<usize>()) {
        prop_assert!(decode(&body).is_err());
        // Cut off anywhere.
        body = encode(&envelope, 0, Epoch::NONE).expect("a message").to_vec();
        body.truncate(at % body.len());
        prop_assert!(decode(&body).is_err());
        prop_assert!(place(&body).is_err());
    }
}

const EPOCH: Epoch = Epoch(Uuid::from_u128(0x0198_c1f2_7c1e_7000_8000_0000_0000_00ee));

fn example() -> Envelope {
    Envelope {
        id: Uuid::nil(),
        source: "order".to_owned(),
        position: 7,
        stream: "order/1".to_owned(),
        kind: "OrderPaid".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        correlation: None,
        command: "Approve".to_owned(),
        origin: Arc::new(Origin::none()),
        data: serde_json::value::to_raw_value(&json!({ "OrderPaid": {} })).expect("JSON"),
    }
}

/// By the JSON event format of CloudEvents, and the NATS binding.
#[test]
fn a_message_is_a_cloudevent() {
    let body = encode(&example(), 3, EPOCH).expect("a message");
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    let expected = json!({
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000000",
        "source": "urn:baedal:order",
        "type": "baedal.order.OrderPaid",
        "time": "1970-01-01T00:00:00Z",
        "subject": "order/1",
        "datacontenttype": "application/json",
        "position": "7",
        "prev": "3",
        "epoch": "0198c1f2-7c1e-7000-8000-0000000000ee",
        "command": "Approve",
        "causekind": "job",
        "causeid": "00000000-0000-0000-0000-000000000000",
        "data": { "OrderPaid": {} },
    });
    assert_eq!(told, expected);
    let names = told.as_object().expect("an object").keys();
    assert!(names.into_iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())));
    let content = headers().get("Content-Type").expect("a header").as_str().to_owned();
    assert_eq!(content, "application/cloudevents+json");
}

#[test]
fn a_message_that_is_not_what_it_should_be_is_refused() {
    let body = encode(&example(), 3, EPOCH).expect("a message");
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    let wrong = [
        ("specversion", json!("0.3")),
        ("prev", json!("7")),
        ("position", json!(7)),
        ("source", json!("urn:other:order")),
        ("type", json!("baedal.payment.OrderPaid")),
        ("time", json!("yesterday")),
        ("data", Value::Null),
    ];
    for (attribute, value) in wrong {
        let mut told = told.clone();
        told[attribute] = value;
        let decoded = decode(told.to_string().as_bytes());
        assert!(matches!(decoded, Err(Unreadable::Body(_) | Unreadable::Wrong(_))), "{attribute}: {decoded:?}");
    }
    assert!(decode(told.to_string().as_bytes()).is_ok());
}
