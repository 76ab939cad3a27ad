//! What is not settled, for the operator: attempts whose outcome nobody knows, written with the events that open
//! and settle them; and orders of which the provider's book says something else than ours.

use std::collections::BTreeSet;

use baedal_contracts::OrderId;
use baedal_contracts::payment::{Difference, OpenAttempt};
use baedal_kit::Failure;
use baedal_kit::database::{Direction, Document, Query, Select};
use baedal_kit_runtime::{Service, UnitOfWork};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::domain::{Event, Payment, Purpose};

/// The view of the open attempts, one document for each order that has one.
const OPEN_ATTEMPTS: &str = "open_attempts";
/// The view of the differences, one document for each order, written by the job that compares.
pub(crate) const DIFFERENCES: &str = "differences";
/// How many documents are read at once.
const PAGE: usize = 500;

/// Keeps the view of open attempts, as these events leave the payment.
pub(crate) fn keep(
    work: &mut UnitOfWork,
    order_id: OrderId,
    payment: &Payment,
    events: &[Event],
) -> Result<(), Failure> {
    let concerns = events.iter().any(|event| match event {
        Event::AttemptBegun { .. }
        | Event::PaymentApproved { .. }
        | Event::PaymentDeclined { .. }
        | Event::PaymentFailed { .. }
        | Event::PaymentAdjusted { .. }
        | Event::PaymentAdjustmentDeclined { .. } => true,
        Event::OrderEnded { .. } => payment.open_attempt().is_some(),
        Event::AttemptGivenUp { .. }
        | Event::OwedChanged { .. }
        | Event::RefundGranted { .. }
        | Event::DepositDivided(_)
        | Event::RefundDue { .. }
        | Event::Refunded { .. } => false,
    });
    if !concerns {
        return Ok(());
    }
    let id = order_id.to_string();
    match payment.open_attempt() {
        Some((attempt_id, attempt)) => {
            let open = OpenAttempt {
                order_id,
                attempt_id,
                amount_krw: attempt.amount_krw,
                for_change: attempt.purpose != Purpose::Order,
                begun_at: attempt.begun_at,
                order_ended: payment.is_closed(),
            };
            work.put(OPEN_ATTEMPTS, &id, &open, [])
        }
        None => {
            work.delete(OPEN_ATTEMPTS, &id);
            Ok(())
        }
    }
}

/// The open attempts that an operator should look at, by order, behind `after`: one more than `limit` where there are
/// more.
pub(crate) async fn stuck_attempts(
    service: &Service,
    after: Option<OrderId>,
    limit: usize,
    begun_before: Timestamp,
) -> Result<Vec<OpenAttempt>, Failure> {
    let mut after = after.map(|order_id| order_id.to_string());
    let mut stuck = Vec::new();
    loop {
        let page = list(service, OPEN_ATTEMPTS, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.id.clone());
        for document in &page {
            let open: OpenAttempt = read(document)?;
            if open.order_ended || open.begun_at <= begun_before {
                stuck.push(open);
            }
        }
        if is_last || stuck.len() > limit {
            stuck.truncate(limit + 1);
            return Ok(stuck);
        }
    }
}

/// The differences by order, behind `after`: one more than `limit` where there are more.
pub(crate) async fn page_of_differences(
    service: &Service,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Vec<Difference>, Failure> {
    list(service, DIFFERENCES, after.map(|order_id| order_id.to_string()), limit + 1).await?.iter().map(read).collect()
}

/// The orders that are known to differ, behind `after` and not behind `until`.
pub(crate) async fn differences(
    service: &Service,
    after: Option<OrderId>,
    until: Option<OrderId>,
) -> Result<BTreeSet<OrderId>, Failure> {
    let mut after = after.map(|order_id| order_id.to_string());
    let mut found = BTreeSet::new();
    loop {
        let page = list(service, DIFFERENCES, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.id.clone());
        for document in &page {
            let Difference { order_id, .. } = read(document)?;
            if until.is_some_and(|until| order_id > until) {
                return Ok(found);
            }
            found.insert(order_id);
        }
        if is_last {
            return Ok(found);
        }
    }
}

async fn list(service: &Service, view: &str, after: Option<String>, limit: usize) -> Result<Vec<Document>, Failure> {
    let query = Query { select: Select::Prefix(String::new()), direction: Direction::Ascending, after, limit };
    service.database().list(view, query).await
}

fn read<T: DeserializeOwned>(document: &Document) -> Result<T, Failure> {
    serde_json::from_slice(&document.body)
        .map_err(|error| Failure::broken_by(format!("document {} cannot be read", document.id), error))
}
