//! What must be true of every order, whatever happened to the processes meanwhile: it happened once, all of it.

use std::collections::HashSet;
use std::time::Duration;

use baedal_client::Session;
use baedal_contracts::OrderId;
use baedal_servers::{CONTEXTS, Composition, testing};
use serde_json::Value;

use crate::traffic::Lived;
use crate::world::{PATIENCE, World};

/// What a customer is told of an order that goes well, each once.
const TOLD: [&str; 9] = [
    "cook_finished",
    "cook_started",
    "delivered",
    "delivery_claimed",
    "order_completed",
    "order_paid",
    "picked_up",
    "thanks_sent",
    "ticket_accepted",
];

/// What each order comes to in each context, once.
const STEPS: [(&str, &str, &[&str]); 4] = [
    ("order", "order", &["OrderPlaced", "OrderPaid", "OrderCompleted"]),
    ("payment", "payment", &["OrderEnded"]),
    ("store", "ticket", &["Opened", "Accepted", "CookStarted", "CookFinished", "Thanked"]),
    ("delivery", "delivery", &["Requested", "Claimed", "PickedUp", "Delivered"]),
];
/// The orders of which not all the money that came in went on to the store.
const UNBALANCED: &str = "
    SELECT split_part(id, '/', 1), moved.account, sum(moved.amount) FROM baedal.documents,
        LATERAL (VALUES (body::json ->> 'debit', (body::json ->> 'amount_krw')::bigint),
                        (body::json ->> 'credit', -(body::json ->> 'amount_krw')::bigint)) AS moved (account, amount)
    WHERE view = 'ledger' GROUP BY 1, 2
    HAVING sum(moved.amount) <>
        CASE moved.account WHEN 'provider_clearing' THEN 18000 WHEN 'store_payable' THEN -18000 ELSE 0 END";
/// The orders for which the provider has not kept exactly what they cost.
const MISTAKEN: &str = "
    SELECT id, body FROM baedal.documents WHERE view = 'simulated_provider' AND 18000 <>
        (SELECT coalesce(sum((value ->> 'amount_krw')::bigint), 0) FROM json_each(body::json -> 'charges')
            WHERE value -> 'outcome' ->> 'outcome' = 'approved')
        - (SELECT coalesce(sum((value ->> 'amount_krw')::bigint), 0) FROM json_each(body::json -> 'refunds')
            WHERE (value ->> 'done')::boolean)";

/// Every order is there and completed, and no other; each once in every context, with its money and its notices.
pub(crate) async fn all_is_well(world: &mut World, lived: &[Lived]) {
    let all: HashSet<OrderId> = lived.iter().flat_map(|lived| &lived.orders).copied().collect();
    assert!(!all.is_empty());
    for Lived { people, orders } in lived {
        let found = until("every order is completed", async || {
            let found = pages(&people.customer, "/api/orders").await;
            found.iter().all(|order| order["status"] == "completed").then_some(found)
        })
        .await;
        let ids: HashSet<OrderId> = found.iter().map(id).collect();
        assert_eq!(&ids, orders, "every order that was begun is there, and no other");
        found.iter().for_each(check);
        until("every notice is there", async || {
            let notices = pages(&people.customer, "/api/notices").await;
            let told: HashSet<(OrderId, String)> = notices
                .iter()
                .map(|notice| (id(notice), notice["template"].as_str().unwrap_or_default().to_owned()))
                .collect();
            assert_eq!(told.len(), notices.len(), "something was told twice: {notices:#?}");
            orders
                .iter()
                .all(|order| TOLD.iter().all(|told_of| told.contains(&(*order, (*told_of).to_owned()))))
                .then_some(())
        })
        .await;
    }
    in_the_databases(world.composition(), all.len()).await;
}

/// The money is right, and what happens once happened once.
fn check(order: &Value) {
    let krw = |name: &str| order["payment"][name].as_u64().unwrap_or(0);
    assert_eq!(krw("captured_krw") - krw("refunded_krw"), order["total_krw"].as_u64().expect("a total"), "{order:#}");
    let mut seen = HashSet::new();
    for entry in order["timeline"].as_array().expect("a timeline") {
        let what = entry["what"].as_str().expect("what happened");
        assert!(seen.insert(what), "{what} happened twice: {order:#}");
    }
}

/// What nobody shows, as the contexts have written it down.
async fn in_the_databases(composition: &Composition, orders: usize) {
    for (context, category, kinds) in STEPS {
        for kind in kinds {
            let counted = format!(
                "SELECT count(*), count(DISTINCT stream) FROM baedal.journal
                 WHERE kind = '{kind}' AND stream LIKE '{category}/%'"
            );
            comes_to(composition, context, &counted, &[&format!("{orders}|{orders}")]).await;
        }
    }
    comes_to(composition, "payment", UNBALANCED, &[]).await;
    comes_to(composition, "payment", MISTAKEN, &[]).await;
    for context in CONTEXTS {
        comes_to(composition, context, "SELECT kind, key, error FROM baedal.jobs WHERE due IS NULL", &[]).await;
    }
}

/// Asks a database until it says this: what follows an order's end may take a moment.
async fn comes_to(composition: &Composition, context: &str, sql: &str, rows: &[&str]) {
    let mut said = String::new();
    let came = tokio::time::timeout(PATIENCE, async {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        loop {
            pace.tick().await;
            let asked = testing::programs().psql(&composition.database_url(context), sql);
            said = asked.unwrap_or_else(|error| panic!("{context}: {error}"));
            if said.lines().eq(rows.iter().copied()) {
                return;
            }
        }
    });
    assert!(came.await.is_ok(), "{context} says {said:?} and not {rows:?} to {sql}");
}

fn id(of: &Value) -> OrderId {
    of["order_id"].as_str().expect("an id").parse().expect("an id")
}

async fn pages(reader: &Session, path: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = reader.get(&format!("{path}?limit=100{after}")).await.expect("a page");
        all.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next"].as_str() else { return all };
        after = format!("&after={next}");
    }
}

/// Asks until it is so.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = tokio::time::timeout(PATIENCE, async {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    });
    asked.await.unwrap_or_else(|_| panic!("in vain: {what}"))
}
