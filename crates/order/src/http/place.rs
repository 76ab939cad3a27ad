//! `POST /api/orders`: places an order, and pays for it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{AccountId, AttemptId, OrderId, OrderNo, Price, StoreId, Won};
use baedal_kit::{Failure, Job, Origin};
use baedal_kit_http::{Body, Caller, Position, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::UnitOfWork;
use baedal_text::Note;
use garde::Validate;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::App;
use super::answer::OrderAnswer;
use super::idempotency_key::IdempotencyKey;
use super::refused::Refused;
use super::wish::{DeliverTo, OrderLine, as_expected, wish};
use crate::domain::{Command, Order, Placed, Rules};
use crate::jobs::FORGET_KEY;
use crate::paying::{Attempted, Attempting, RETRY_AFTER, attempt};
use crate::views::{IDEMPOTENCY, SeenKey, known_store};
use crate::{Settings, limits};

/// Places an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceOrder {
    /// From which store.
    #[garde(skip)]
    store_id: StoreId,
    /// The items, 1 to 50.
    #[garde(length(min = 1, max = 50), dive)]
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<OrderLine>,
    /// Where it goes.
    #[garde(skip)]
    deliver_to: DeliverTo,
    /// To the store and the rider.
    #[garde(skip)]
    #[serde(default)]
    note: Note,
    /// How it is paid for.
    #[garde(dive)]
    payment: PaymentMeans,
    /// What the customer was shown that it costs, delivery included. Where it costs something else, nothing happens,
    /// and 409 says what it costs.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_total_krw: Option<Price>,
}

/// Place an order and pay for it
///
/// Prices come from the store's menu. The order is placed and payment is asked at once; where payment
/// declines, the order waits until `pay_by` for another attempt, and where it does not answer, the order
/// is kept just so and 202 says when to pay or to look again.
///
/// The same `Idempotency-Key` with the same body answers the same order again, as it is then; it is
/// never paid for twice.
///
/// With `expected_total_krw` it is placed at that total or not at all: 409 `total_changed` carries the new total in
/// `total_krw`, and the same key may be sent again with it.
#[utoipa::path(
    post,
    path = "/api/orders",
    tag = "orders",
    params(IdempotencyKey),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order, paid; or declined, and waiting for another payment", body = OrderAnswer),
        (status = 202, description = "The order, to be paid a little later, or whose payment is being verified", body = OrderAnswer,
            headers(("Retry-After" = u64, description = "In how many seconds to pay, or to look, again"))),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn place_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<PlaceOrder>,
) -> Result<Response, Problem> {
    let wished = Arc::new(Wished {
        customer_id: caller.account_id,
        key_id: SeenKey::id(caller.account_id, &key),
        body_hash: hash(&body)?,
        body,
        settings: Arc::clone(&app.settings),
    });
    let placement = app.service.retry_after_catch_up(Refused::may_be_lag, || place(&app, &origin, &wished)).await?;
    let (order_id, attempted) = match placement {
        Placement::New { order_id, attempt_id, amount_krw } => {
            metrics::counter!("baedal_orders_placed_total").increment(1);
            tracing::info!(%order_id, "an order was placed");
            let (customer_id, means) = (caller.account_id, wished.body.payment.clone());
            let version = Placed::FIRST_VERSION;
            let attempting = Attempting { order_id, attempt_id, customer_id, amount_krw, means, version };
            (order_id, attempt(&app, &origin, attempting).await?)
        }
        Placement::Before(seen) => (seen.order_id, first_attempt(&app, &seen).await?),
    };
    let placed = attempted.order.placed().ok_or_else(|| Failure::broken(format!("order {order_id} is gone")))?;
    let position = Position::of(&app.service, attempted.position);
    Ok(OrderAnswer::of(order_id, placed).after_paying(StatusCode::CREATED, position, attempted.retry_after))
}

/// Everything that placing needs, shared by the tries of one request.
struct Wished {
    customer_id: AccountId,
    key_id: String,
    body_hash: String,
    body: PlaceOrder,
    settings: Arc<Settings>,
}

/// What came of a request to place.
enum Placement {
    /// An order was placed, and its first attempt to pay is to be made.
    New { order_id: OrderId, attempt_id: AttemptId, amount_krw: Won },
    /// The same was asked before.
    Before(SeenKey),
}

async fn place(app: &App, origin: &Origin, wished: &Arc<Wished>) -> Result<Placement, Refused> {
    let (placement, _) = app
        .service
        .execute(origin, |work| {
            let wished = Arc::clone(wished);
            Box::pin(async move { wished.place(work).await })
        })
        .await?;
    Ok(placement)
}

impl Wished {
    async fn place(&self, work: &mut UnitOfWork) -> Result<Placement, Refused> {
        if let Some(seen) = work.document::<SeenKey>(IDEMPOTENCY, &self.key_id).await? {
            let is_same = seen.body_hash == self.body_hash;
            return if is_same { Ok(Placement::Before(seen)) } else { Err(Refused::KeyReused) };
        }
        let known = known_store(work, self.body.store_id).await?;
        let (store, scarce) = known.ok_or(Refused::NoSuchStore)?;
        let rules = Rules { store: &store, scarce: &scarce, max_total_krw: self.settings.max_total_krw };
        let wish = wish(&self.body.items, &self.body.deliver_to, &self.body.note);
        let basket = wish.place(rules).map_err(Refused::Wish)?;
        as_expected(&basket, self.body.expected_total_krw)?;

        let order_id = OrderId(work.service().new_id_heard_here());
        let attempt_id = AttemptId(work.new_id());
        let amount_krw = basket.total_krw;
        let command = Command::Place {
            order_no: OrderNo::of(order_id),
            customer_id: self.customer_id,
            store: store.in_order(),
            basket,
            payment_window: self.settings.payment_window,
            attempt_id,
        };
        work.decide::<Order>(&order_id, command).await?.map_err(Refused::Order)?;
        limits::count_order(work, &self.settings, self.customer_id, order_id, attempt_id).await?;
        let seen = SeenKey { order_id, body_hash: self.body_hash.clone(), at: work.at() };
        work.put(IDEMPOTENCY, &self.key_id, &seen, [])?;
        work.schedule(Job::new(FORGET_KEY, &self.key_id, work.at() + self.settings.remember_keys_for));
        Ok(Placement::New { order_id, attempt_id, amount_krw })
    }
}

/// The order that the same request placed before. Its first attempt to pay is waited for while it may
/// still be under way, and never made again.
async fn first_attempt(app: &App, seen: &SeenKey) -> Result<Attempted, Failure> {
    let since = app.service.clock().now().duration_since(seen.at);
    // Another replica may have seen it first, by a clock of its own: nobody waits longer than an attempt may take.
    let limit = app.settings.payment_time_limit;
    let left = (limit - since).clamp(SignedDuration::ZERO, limit.max(SignedDuration::ZERO)).unsigned_abs();
    let is_over = |order: &Order| order.placed().is_some_and(|placed| placed.open_attempt().is_none());
    let order = app.service.look_until::<Order>(&seen.order_id, left, is_over).await?;
    Ok(Attempted { order, position: app.position(), retry_after: RETRY_AFTER })
}

/// SHA-256 of a body in canonical form: read, and written again without what does not matter.
fn hash(body: &PlaceOrder) -> Result<String, Failure> {
    let canonical = serde_json::to_vec(body).map_err(|error| Failure::broken_by("an order's body", error))?;
    Ok(Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect())
}
