//! The kitchen of an order.

use std::time::Duration;

use baedal_client::types::Rejection;
use baedal_contracts::store::RejectReason;

use super::script::Kitchen;
use super::table::{Seen, Table};

/// Does with the ticket what the script says.
pub(super) async fn cook(table: Table) {
    match table.script.kitchen {
        Kitchen::Cooks { accept, start, finish } => {
            accepts(&table, accept).await;
            starts(&table, start).await;
            finishes(&table, finish).await;
        }
        Kitchen::Rejects { after } => rejects(&table, after).await,
        Kitchen::Sleeps => {}
        Kitchen::ForgetsToStart { accept } => accepts(&table, accept).await,
        Kitchen::ForgetsToFinish { accept, start } => {
            accepts(&table, accept).await;
            starts(&table, start).await;
        }
    }
}

async fn accepts(table: &Table, after: Duration) {
    let order = table.order;
    let owner = std::slice::from_ref(&table.store().owner);
    table.at(Seen::Paid, after, || 0, owner, |owner| async move { owner.accept(order, 15).await.map(drop) }).await;
}

async fn rejects(table: &Table, after: Duration) {
    let order = table.order;
    let owner = std::slice::from_ref(&table.store().owner);
    let reject = |owner: baedal_client::Session| async move {
        let rejection = Rejection { reason: RejectReason::TooBusy, text: "주문이 밀렸어요".to_owned() };
        owner.reject(order, &rejection).await.map(drop)
    };
    table.at(Seen::Paid, after, || 0, owner, reject).await;
}

async fn starts(table: &Table, after: Duration) {
    let order = table.order;
    let owner = std::slice::from_ref(&table.store().owner);
    table.at(Seen::Accepted, after, || 0, owner, |owner| async move { owner.start(order).await.map(drop) }).await;
}

async fn finishes(table: &Table, after: Duration) {
    let order = table.order;
    let owner = std::slice::from_ref(&table.store().owner);
    table.at(Seen::Cooking, after, || 0, owner, |owner| async move { owner.finish(order).await.map(drop) }).await;
}
