//! `GET /api/operations/stuck`: what an operator should look at.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{AccountId, OrderId, OrderNo, StoreId, Won};
use baedal_kit::database::{self, Direction, Select};
use baedal_kit::http::{AsOf, Problem, ProblemBody};
use jiff::Timestamp;
use serde::Serialize;
use strum::VariantArray;
use utoipa::ToSchema;

use super::App;
use super::stuck_money::StuckMoney;
use crate::views;
use crate::views::orders::ORDERS;
use crate::views::orders::document::OrderDocument;
use crate::views::orders::status::OrderStatus;
use crate::views::orders::tags::{self, WaitsFor};

/// The most orders in each list.
const SHOWN: usize = 100;
/// How many orders are looked at for each deadline: the oldest, among which the late ones are.
const LOOKED_AT: usize = 500;

/// What an operator should look at; at the most 100 of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stuck {
    /// Orders past a deadline, those past it longest first.
    past_deadline: Vec<LateOrder>,
    /// Orders of which money is still to go back, oldest first.
    refunds_owed: Vec<StuckOrder>,
    /// Orders that no rider has taken for long, oldest first.
    escalated: Vec<StuckOrder>,
    /// Orders that were canceled by themselves because nobody delivered them, newest first.
    abandoned: Vec<StuckOrder>,
    /// What payment knows of.
    #[serde(flatten)]
    money: StuckMoney,
}

/// An order past a deadline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LateOrder {
    /// What it waits for.
    waits_for: WaitsFor,
    /// When that should have happened.
    deadline: Timestamp,
    /// The order.
    #[serde(flatten)]
    order: StuckOrder,
}

/// An order that an operator should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StuckOrder {
    /// Which.
    order_id: OrderId,
    /// What people call it.
    order_no: OrderNo,
    /// How far it is.
    status: OrderStatus,
    /// Who ordered.
    customer_id: AccountId,
    /// From which store.
    store_id: StoreId,
    /// What that is called.
    store_name: String,
    /// What is still to go back.
    refund_due_krw: Won,
    /// When it was placed.
    placed_at: Timestamp,
}

/// What is stuck
///
/// Orders past a deadline that somebody should have kept, refunds that are owed, deliveries that nobody
/// takes, orders that were given up, and money of which it is not known, or not agreed, where it is.
#[utoipa::path(
    get,
    path = "/api/operations/stuck",
    tag = "operations",
    responses(
        (status = 200, description = "All of it.", body = Stuck),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stuck(State(app): State<App>, as_of: AsOf) -> Result<Json<Stuck>, Problem> {
    as_of.wait(&app.service, ORDERS).await;
    let shown = |found: Vec<OrderDocument>| found.into_iter().filter_map(stuck_order).collect();
    let oldest = |tag: &str| list(&app, tag.to_owned(), Direction::Ascending, SHOWN);
    Ok(Json(Stuck {
        past_deadline: past_deadline(&app).await?,
        refunds_owed: shown(oldest(tags::REFUND_DUE).await?),
        escalated: shown(oldest(tags::ESCALATED).await?),
        money: StuckMoney::default(),
        abandoned: shown(list(&app, tags::ABANDONED.to_owned(), Direction::Descending, SHOWN).await?),
    }))
}

async fn past_deadline(app: &App) -> Result<Vec<LateOrder>, Problem> {
    let now = app.service.clock().now();
    let mut late = Vec::new();
    for what in WaitsFor::VARIANTS {
        let waiting = list(app, tags::waits_for(*what), Direction::Ascending, LOOKED_AT).await?;
        late.extend(waiting.into_iter().filter_map(|document| {
            let (waits_for, deadline) = document.overdue(now, &app.settings)?;
            Some(LateOrder { waits_for, deadline, order: stuck_order(document)? })
        }));
    }
    late.sort_by_key(|late| (late.deadline, late.order.order_id));
    late.truncate(SHOWN);
    Ok(late)
}

async fn list(app: &App, tag: String, direction: Direction, limit: usize) -> Result<Vec<OrderDocument>, Problem> {
    let query = database::Query { select: Select::Tag(tag), direction, after: None, limit };
    Ok(views::list(&app.service, ORDERS, query).await?)
}

fn stuck_order(document: OrderDocument) -> Option<StuckOrder> {
    let order = document.order.as_ref()?;
    Some(StuckOrder {
        order_id: document.order_id,
        order_no: OrderNo::of(document.order_id),
        status: document.status(order),
        customer_id: order.customer_id,
        store_id: order.store.store_id,
        store_name: order.store.name.clone(),
        refund_due_krw: document.refund_due(order),
        placed_at: order.placed_at,
    })
}
