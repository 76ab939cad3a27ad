//! The way in: every route of orders.

mod answer;
mod breakers;
mod cancel;
mod change;
mod confirm;
mod idempotency_key;
mod pay;
mod place;
pub(crate) mod problems;
mod refund;
pub(crate) mod refused;
mod wish;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use baedal_contracts::OrderId;
use baedal_kit::Origin;
use baedal_kit_http::Caller;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::service::Done;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::refused::Refused;
use crate::domain::{Command, Order, Placed};
use crate::payment_client::Payments;
use crate::{Settings, limits};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) settings: Arc<Settings>,
    pub(crate) payments: Arc<dyn Payments>,
}

/// The routes over what they need, those for ourselves among them.
pub(crate) fn routes(app: App) -> Router {
    let public = Router::from(table());
    public.route("/internal/breakers", get(breakers::list_breakers)).with_state(app)
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(place::place_order))
        .routes(routes!(pay::pay_for_order))
        .routes(routes!(change::change_order))
        .routes(routes!(cancel::cancel_order))
        .routes(routes!(refund::refund_order))
        .routes(routes!(confirm::confirm_order))
}

impl App {
    /// The journal's last position.
    pub(crate) fn position(&self) -> u64 {
        *self.service.database().head().borrow()
    }

    /// Asks a command of an order that is the caller's to command. A refusal that may only mean that we
    /// have not heard yet what others told is judged again once we have.
    async fn ask(
        &self,
        origin: &Origin,
        caller: Caller,
        order_id: OrderId,
        command: Command,
    ) -> Result<Done<Order>, Refused> {
        let ask = || self.ask_once(origin, caller, order_id, &command);
        self.service.retry_after_catch_up(Refused::may_be_lag, ask).await
    }

    async fn ask_once(
        &self,
        origin: &Origin,
        caller: Caller,
        order_id: OrderId,
        command: &Command,
    ) -> Result<Done<Order>, Refused> {
        let ((state, events), position) = self
            .service
            .execute(origin, |work| {
                let (command, settings) = (command.clone(), Arc::clone(&self.settings));
                Box::pin(async move {
                    let order = work.load::<Order>(&order_id).await?;
                    let customer_id = own(&order, caller)?.customer_id;
                    drop(order);
                    let events = work.decide::<Order>(&order_id, command).await?.map_err(Refused::Order)?;
                    limits::count_attempts(work, &settings, customer_id, &events).await?;
                    Ok::<_, Refused>((work.load::<Order>(&order_id).await?, events))
                })
            })
            .await?;
        Ok(Done { state, events, position })
    }
}

/// The order, if it is the caller's to command: its customer's, or any for an operator.
fn own(order: &Order, caller: Caller) -> Result<&Placed, Refused> {
    use baedal_contracts::identity::Role;
    let placed = order.placed().ok_or(Refused::NoSuchOrder)?;
    let is_own = match caller.role {
        Role::Operator => true,
        Role::Customer => placed.customer_id == caller.account_id,
        Role::Owner | Role::Rider => false,
    };
    if is_own { Ok(placed) } else { Err(Refused::NoSuchOrder) }
}
