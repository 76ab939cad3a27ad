//! The built-in provider: moves no real money, and fails in the ways that real ones do, by the token of
//! the payment.
//!
//! | token | what it does |
//! |---|---|
//! | `sim_decline` | declines, `insufficient_funds` |
//! | `sim_slow` | approves, after ten seconds |
//! | `sim_fail` | answers with an error, and takes nothing |
//! | `sim_silence` | takes the money and never answers; asked later, it says so |
//! | `sim_refund_fails_once` | approves; each refund fails the first time |
//! | `sim_decline_extra` | approves the order, declines the extra of a change |
//! | `sim_approve`, any other | approves |
//!
//! Its book is committed before it answers, so that it is honest after a crash, ours or its own.

mod book;

use std::sync::Arc;

use axum::extract::State;
use axum::{Json, Router};
use baedal_contracts::payment::Booked;
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::database::{Direction, Document, Query, Select};
use baedal_kit::{Failure, Origin};
use baedal_kit_http::{Path, Problem};
use baedal_kit_runtime::Service;
use jiff::{SignedDuration, Timestamp};

pub use self::book::BookView;

use self::book::{Book, BookedCharge, BookedRefund};
use crate::provider::{Charge, ChargeOutcome, LookUp, Provider, ProviderError, Refund};

/// The view that its books are kept in, one for each order, tagged with the keys of its charges.
const BOOKS: &str = "simulated_provider";
/// How long `sim_slow` takes.
const SLOW: SignedDuration = SignedDuration::from_secs(10);

/// A provider that moves no real money. It keeps its books in payment's database.
#[derive(Clone)]
pub struct SimulatedProvider {
    service: Service,
}

impl SimulatedProvider {
    /// With its books in the database of `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service }
    }

    /// What it has taken and given back for an order, as it sees it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn view(&self, order_id: OrderId) -> Result<BookView, Failure> {
        let book: Option<Book> = self.service.work(Origin::none()).document(BOOKS, &order_id.to_string()).await?;
        Ok(book.unwrap_or_default().view(self.service.clock().now()))
    }

    /// Changes an order's book, and commits it.
    async fn write<T: Send>(
        &self,
        order_id: OrderId,
        change: impl Fn(&mut Book, Timestamp) -> T + Send + Sync + 'static,
    ) -> Result<T, ProviderError> {
        let (origin, change) = (Origin::none(), Arc::new(change));
        let written = self.service.execute(&origin, |work| {
            let (id, change) = (order_id.to_string(), Arc::clone(&change));
            Box::pin(async move {
                let before: Book = work.document(BOOKS, &id).await?.unwrap_or_default();
                let mut book = before.clone();
                let value = change(&mut book, work.at());
                if book != before {
                    let tags: Vec<_> = book.charges.keys().map(|key| tag(*key)).collect();
                    work.put(BOOKS, &id, &book, tags)?;
                }
                Ok::<_, Failure>(value)
            })
        });
        written.await.map(|(value, _)| value).map_err(|failure| out_of_reach(&failure))
    }
}

#[async_trait::async_trait]
impl Provider for SimulatedProvider {
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError> {
        let Charge { key, order_id, amount_krw, means } = charge.clone();
        if means.token == "sim_fail" {
            return Err(ProviderError::Answered("out of order".to_owned()));
        }
        let booked = self.write(order_id, move |book, now| {
            let is_extra = book.has_taken(now);
            let known = book.charges.entry(key).or_insert_with(|| {
                let outcome = match means.token.as_str() {
                    "sim_decline" => no_funds(),
                    "sim_decline_extra" if is_extra => no_funds(),
                    _ => ChargeOutcome::Approved,
                };
                let decided_at = if means.token == "sim_slow" { now + SLOW } else { now };
                BookedCharge { amount_krw, token: means.token.clone(), decided_at, outcome }
            });
            known.clone()
        });
        let booked = booked.await?;
        if booked.token == "sim_silence" {
            std::future::pending::<()>().await;
        }
        let clock = self.service.clock();
        clock.sleep_until_instant(clock.monotonic() + booked.left(clock.now())).await;
        Ok(booked.outcome)
    }

    async fn look_up(&self, key: AttemptId) -> Result<LookUp, ProviderError> {
        let query = Query { select: Select::Tag(tag(key)), direction: Direction::Ascending, after: None, limit: 1 };
        let found = self.service.database().list(BOOKS, query).await.map_err(|failure| out_of_reach(&failure))?;
        let Some(document) = found.first() else { return Ok(LookUp::Unknown) };
        let book: Book = serde_json::from_slice(&document.body)
            .map_err(|error| ProviderError::Answered(format!("the book cannot be read: {error}")))?;
        Ok(match book.charges.get(&key) {
            None => LookUp::Unknown,
            Some(booked) if !booked.left(self.service.clock().now()).is_zero() => LookUp::InProgress,
            Some(booked) => LookUp::Decided(booked.outcome.clone()),
        })
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        let Refund { key, order_id, amount_krw } = *refund;
        let refunded = self.write(order_id, move |book, now| {
            let left = book.left_krw(now);
            let fails_once = book.charges.values().any(|charge| charge.token == "sim_refund_fails_once");
            let new = BookedRefund { amount_krw, tries: 0, done: false };
            let booked = book.refunds.entry(key).or_insert(new);
            if booked.done {
                return Ok(());
            }
            booked.tries += 1;
            if fails_once && booked.tries == 1 {
                return Err("refused the first time");
            }
            if amount_krw > left {
                return Err("more than was taken");
            }
            booked.done = true;
            Ok(())
        });
        refunded.await?.map_err(|error| ProviderError::Answered(error.to_owned()))
    }

    async fn booked(&self, order_id: OrderId) -> Result<Booked, ProviderError> {
        let view = self.view(order_id).await.map_err(|failure| out_of_reach(&failure))?;
        Ok(view.booked())
    }

    async fn book(&self, after: Option<OrderId>, limit: usize) -> Result<Vec<(OrderId, Booked)>, ProviderError> {
        let (select, after) = (Select::Prefix(String::new()), after.map(|order_id| order_id.to_string()));
        let query = Query { select, direction: Direction::Ascending, after, limit };
        let found = self.service.database().list(BOOKS, query).await.map_err(|failure| out_of_reach(&failure))?;
        let now = self.service.clock().now();
        let read = |document: &Document| -> Result<(OrderId, Booked), ProviderError> {
            let unreadable = |error: String| ProviderError::Answered(format!("the book cannot be read: {error}"));
            let order_id = document.id.parse().map_err(|error: uuid::Error| unreadable(error.to_string()))?;
            let book: Book = serde_json::from_slice(&document.body).map_err(|error| unreadable(error.to_string()))?;
            Ok((order_id, book.view(now).booked()))
        };
        found.iter().map(read).collect()
    }

    fn routes(&self) -> Router {
        let route = axum::routing::get(show_book);
        Router::new().route("/internal/simulated-provider/{order_id}", route).with_state(self.clone())
    }
}

/// `GET /internal/simulated-provider/{order_id}`: its book of an order.
async fn show_book(
    State(provider): State<SimulatedProvider>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<BookView>, Problem> {
    Ok(Json(provider.view(order_id).await?))
}

fn tag(key: AttemptId) -> String {
    format!("charge:{key}")
}

fn no_funds() -> ChargeOutcome {
    ChargeOutcome::Declined { reason: "insufficient_funds".to_owned() }
}

fn out_of_reach(failure: &Failure) -> ProviderError {
    ProviderError::NoAnswer(failure.report())
}
