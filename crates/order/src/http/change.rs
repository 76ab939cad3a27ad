//! `PUT /api/orders/{order_id}`: makes an order another one, until cooking starts.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use baedal_contracts::{ChangeId, OrderId, Price};
use baedal_kit::Origin;
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::service::Done;
use baedal_text::Note;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::OrderAnswer;
use super::refused::Refused;
use super::wish::{DeliverTo, OrderLine, as_expected, wish};
use super::{App, own};
use crate::domain::{Command, Event, Order, Refusal, Rules};
use crate::limits;
use crate::paying::RETRY_AFTER;
use crate::payment_client::PutOff;
use crate::views::known_store;

/// How long a customer waits for the kitchen's answer before it is told later.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Changes an order.
#[derive(Clone, PartialEq, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOrder {
    /// The items, 1 to 50: all of them, not only those that change.
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
    /// What the customer was shown that it would cost, delivery included. Where it would cost something else, nothing
    /// happens, and 409 says what it would cost.
    #[garde(skip)]
    #[serde(default)]
    expected_total_krw: Option<Price>,
}

/// Change an order
///
/// What the order holds keeps its price, whatever the menu says now, and the delivery its fee unless it goes to another
/// location. More of an item costs today's price for what is added; less takes away what was added last.
///
/// Until cooking starts. While the order is not paid it changes at once; afterwards the kitchen decides,
/// and the difference is charged by the same means, or goes back. 202 where the kitchen has not answered
/// within a second: the outcome then shows in the order and is sent to the customer. Asking for what costs more is
/// an attempt to pay, and counts as one unless nobody could answer it. 202 with nothing
/// pending and `payment.outcome` `put_off` where it costs more and payment cannot be asked now: nothing has
/// happened; change it a little later.
#[utoipa::path(
    put,
    path = "/api/orders/{order_id}",
    tag = "orders",
    params(("order_id" = OrderId, Path, description = "Which order")),
    request_body = ChangeOrder,
    responses(
        (status = 200, description = "The order, changed", body = OrderAnswer),
        (status = 202, description = "The order; the kitchen has not answered yet, or payment cannot be asked now", body = OrderAnswer,
            headers(("Retry-After" = u64, description = "In how many seconds to look, or to ask, again"))),
        (status = 409, description = "Refused: the order goes on as it was", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(body): Body<ChangeOrder>,
) -> Result<Response, Problem> {
    let body = Arc::new(body);
    let ask = async |payment_is_there| {
        let once = || ask(&app, &origin, caller, order_id, &body, payment_is_there);
        app.service.retry_after_catch_up(Refused::may_be_lag, once).await
    };
    let asked = match ask(false).await {
        Err(Refused::AsksForMoney) => match app.payments.is_there(order_id, &origin).await {
            Ok(()) => ask(true).await?,
            Err(put_off) => return later(&app, caller, order_id, put_off).await,
        },
        asked => asked?,
    };
    let Some(change_id) = pending_change(&asked.state) else {
        let order = own(&asked.state, caller)?;
        return Ok(OrderAnswer::of(order_id, order).after_asking(Position::of(&app.service, asked.position)));
    };
    let is_answered = |order: &Order| pending_change(order) != Some(change_id);
    let order = app.service.look_until::<Order>(&order_id, PATIENCE, is_answered).await?;
    let placed = own(&order, caller)?;
    match placed.refused_change {
        Some((refused, reason)) if refused == change_id => return Err(Refused::Change(reason).into()),
        _ if placed.status().is_final() => {
            return Err(Refused::Order(Refusal::AlreadyFinal(placed.status())).into());
        }
        _ => {}
    }
    Ok(OrderAnswer::of(order_id, placed).after_asking(Position::of(&app.service, app.position())))
}

fn pending_change(order: &Order) -> Option<ChangeId> {
    use crate::domain::Pending;
    match order.placed()?.pending()? {
        Pending::Change { change_id, .. } | Pending::Seal { change_id, .. } => Some(*change_id),
        Pending::Cancel { .. } => None,
    }
}

/// Whether the kitchen would hold still for payment.
fn asks_for_money(event: &Event) -> bool {
    matches!(event, Event::OrderChangeRequested { extra_krw, .. } if !extra_krw.is_zero())
}

/// The order as it is, to be changed a little later: the kitchen is not asked to hold still for a payment that
/// nobody takes.
async fn later(app: &App, caller: Caller, order_id: OrderId, put_off: PutOff) -> Result<Response, Problem> {
    let retry_after = match put_off {
        PutOff::NotAsked { retry_after } => retry_after.max(Duration::from_secs(1)),
        PutOff::NoAnswer => RETRY_AFTER,
    };
    let order = app.service.look::<Order>(&order_id).await?;
    let answer = OrderAnswer::of(order_id, own(&order, caller)?).put_off();
    Ok(answer.after_paying(StatusCode::OK, Position::of(&app.service, app.position()), retry_after))
}

async fn ask(
    app: &App,
    origin: &Origin,
    caller: Caller,
    order_id: OrderId,
    body: &Arc<ChangeOrder>,
    payment_is_there: bool,
) -> Result<Done<Order>, Refused> {
    let ((state, events), position) = app
        .service
        .execute(origin, |work| {
            let (body, settings) = (Arc::clone(body), Arc::clone(&app.settings));
            Box::pin(async move {
                let order = work.load::<Order>(&order_id).await?;
                let placed = own(&order, caller)?;
                let (store, scarce) = known_store(work, placed.store.store_id).await?.ok_or(Refused::NoSuchStore)?;
                let rules = Rules { store: &store, scarce: &scarce, max_total_krw: settings.max_total_krw };
                let wish = wish(&body.items, &body.deliver_to, &body.note);
                let basket = placed.wished(wish, rules).map_err(Refused::Wish)?;
                let expected = as_expected(&basket, body.expected_total_krw);
                let customer_id = placed.customer_id;
                drop(order);
                let change_id = ChangeId(work.new_id());
                let command = Command::Change { change_id, basket, at_most: settings.attempts_per_order };
                let events = work.decide::<Order>(&order_id, command).await?.map_err(Refused::Order)?;
                // That it cannot change at all is the more important answer.
                expected?;
                limits::count_attempts(work, &settings, customer_id, &events).await?;
                if !payment_is_there && events.iter().any(asks_for_money) {
                    return Err(Refused::AsksForMoney);
                }
                Ok::<_, Refused>((work.load::<Order>(&order_id).await?, events))
            })
        })
        .await?;
    Ok(Done { state, events, position })
}
