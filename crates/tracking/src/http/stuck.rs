//! `GET /api/operations/stuck`: what an operator should look at; `GET /api/operations/stuck/{list}`: all of one list.
//!
//! Nothing is read but what is shown: the orders past a deadline are found by tags in the order of time, so that
//! neither many orders that are well nor many pages that are open cost anything.

use std::fmt;

use axum::Json;
use axum::extract::State;
use baedal_contracts::order::Fault;
use baedal_contracts::{AccountId, ID_FORM, OrderId, OrderNo, StoreId, Won};
use baedal_kit::database::{self, Direction, Select, TagRange};
use baedal_kit_http::{AsOf, Cursor, Page, PageQuery, Path, Problem, ProblemBody, Query};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use utoipa::ToSchema;

use super::stuck_money::StuckMoney;
use super::{App, strange_cursor};
use crate::views;
use crate::views::orders::ORDERS;
use crate::views::orders::board::{self, TIME_DIGITS};
use crate::views::orders::document::OrderDocument;
use crate::views::orders::order_slot::End;
use crate::views::orders::status::OrderStatus;
use crate::views::orders::tags::{self, Since, WaitsFor};

/// The most orders in each list.
const SHOWN: usize = 100;

/// What an operator should look at; at the most 100 of each. Where there are more, `next` says how to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stuck {
    /// Orders past a deadline, those past it longest first.
    past_deadline: Vec<LateOrder>,
    /// Orders of which money is still to go back, oldest first.
    refunds_owed: Vec<StuckOrder>,
    /// Orders that no rider has taken for long, oldest first.
    escalated: Vec<StuckOrder>,
    /// Orders that their riders claimed and do not fetch, oldest first.
    pickup_overdue: Vec<StuckOrder>,
    /// Orders that their riders fetched and have not brought long after they were paid, oldest first.
    carried_too_long: Vec<StuckOrder>,
    /// Orders that were canceled by themselves because nobody delivered them, newest first.
    abandoned: Vec<StuckOrder>,
    /// What payment knows of.
    #[serde(flatten)]
    money: StuckMoney,
    /// What `after` is in `GET /api/operations/stuck/{list}` for what is behind these, list by list.
    next: NextOfEach,
}

/// What `after` is for what is behind the first of each list; nothing where that is all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NextOfEach {
    #[schema(required)]
    past_deadline: Option<String>,
    #[schema(required)]
    refunds_owed: Option<String>,
    #[schema(required)]
    escalated: Option<String>,
    #[schema(required)]
    pickup_overdue: Option<String>,
    #[schema(required)]
    carried_too_long: Option<String>,
    #[schema(required)]
    abandoned: Option<String>,
}

/// One of the lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StuckList {
    /// Orders past a deadline, those past it longest first.
    PastDeadline,
    /// Orders of which money is still to go back, oldest first.
    RefundsOwed,
    /// Orders that no rider has taken for long, oldest first.
    Escalated,
    /// Orders that their riders claimed and do not fetch, oldest first.
    PickupOverdue,
    /// Orders that their riders fetched and have not brought long after they were paid, oldest first.
    CarriedTooLong,
    /// Orders that were canceled by themselves because nobody delivered them, newest first.
    Abandoned,
}

/// An order of one of the lists.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ListedOrder {
    /// One past a deadline.
    Late(LateOrder),
    /// Another.
    Stuck(StuckOrder),
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
    /// Who has claimed it, or carries it.
    rider_id: Option<AccountId>,
    /// When it is canceled unless it is delivered, where a rider has carried it too long.
    abandon_at: Option<Timestamp>,
    /// Whose fault it is that it was canceled.
    fault: Option<Fault>,
}

/// What is stuck
///
/// Orders past a deadline that somebody should have kept, refunds that are owed, deliveries that nobody
/// takes, fetches or brings, orders that were given up, and money of which it is not known, or not agreed, where it
/// is.
#[utoipa::path(
    get,
    path = "/api/operations/stuck",
    tag = "operations",
    params(AsOf),
    responses(
        (status = 200, description = "All of it, or the first of each.", body = Stuck),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stuck(State(app): State<App>, as_of: AsOf) -> Result<Json<Stuck>, Problem> {
    as_of.wait(&app.service, ORDERS).await?;
    let past_deadline = past_deadline(&app, None, SHOWN).await?;
    let refunds_owed = list(&app, tags::REFUND_DUE, Direction::Ascending, None, SHOWN).await?;
    let escalated = list(&app, tags::ESCALATED, Direction::Ascending, None, SHOWN).await?;
    let pickup_overdue = list(&app, tags::PICKUP_OVERDUE, Direction::Ascending, None, SHOWN).await?;
    let carried_too_long = list(&app, tags::CARRIED_TOO_LONG, Direction::Ascending, None, SHOWN).await?;
    let abandoned = list(&app, tags::ABANDONED, Direction::Descending, None, SHOWN).await?;
    Ok(Json(Stuck {
        money: StuckMoney::default(),
        next: NextOfEach {
            past_deadline: past_deadline.next,
            refunds_owed: refunds_owed.next,
            escalated: escalated.next,
            pickup_overdue: pickup_overdue.next,
            carried_too_long: carried_too_long.next,
            abandoned: abandoned.next,
        },
        past_deadline: past_deadline.items,
        refunds_owed: refunds_owed.items,
        escalated: escalated.items,
        pickup_overdue: pickup_overdue.items,
        carried_too_long: carried_too_long.items,
        abandoned: abandoned.items,
    }))
}

/// One list of what is stuck
///
/// In the order that the list has in `GET /api/operations/stuck`. Pages go on where the one before ended, also where
/// what stood there is stuck no more.
#[utoipa::path(
    get,
    path = "/api/operations/stuck/{list}",
    tag = "operations",
    params(("list" = inline(StuckList), Path, description = "Which list."), PageQuery<StuckPlace>, AsOf),
    responses(
        (status = 200, description = "A page of it.", body = Page<ListedOrder>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stuck_list(
    State(app): State<App>,
    as_of: AsOf,
    Path(which): Path<StuckList>,
    Query(asked): Query<PageQuery<StuckPlace>>,
) -> Result<Json<Page<ListedOrder>>, Problem> {
    let (limit, after) = (asked.limit(), asked.after());
    as_of.wait(&app.service, ORDERS).await?;
    let (tag, direction) = match which {
        StuckList::PastDeadline => {
            let after = match after {
                None => None,
                Some(StuckPlace::Late(late)) => Some(late),
                Some(StuckPlace::Order(_)) => return Err(strange_cursor()),
            };
            return Ok(Json(past_deadline(&app, after, limit).await?.map(ListedOrder::Late)));
        }
        StuckList::RefundsOwed => (tags::REFUND_DUE, Direction::Ascending),
        StuckList::Escalated => (tags::ESCALATED, Direction::Ascending),
        StuckList::PickupOverdue => (tags::PICKUP_OVERDUE, Direction::Ascending),
        StuckList::CarriedTooLong => (tags::CARRIED_TOO_LONG, Direction::Ascending),
        StuckList::Abandoned => (tags::ABANDONED, Direction::Descending),
    };
    let after = match after {
        None => None,
        Some(StuckPlace::Order(order_id)) => Some(order_id),
        Some(StuckPlace::Late(_)) => return Err(strange_cursor()),
    };
    Ok(Json(list(&app, tag, direction, after, limit).await?.map(ListedOrder::Stuck)))
}

/// Where an order stands among those past a deadline, whether or not it is still there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Late {
    deadline: Timestamp,
    order_id: OrderId,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.deadline.as_nanosecond(), self.order_id)
    }
}

/// Where a page of a list ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StuckPlace {
    /// Of those past a deadline.
    Late(Late),
    /// Of another list.
    Order(OrderId),
}

impl Cursor for StuckPlace {
    fn pattern() -> String {
        format!("^(?:[0-9]{{1,{TIME_DIGITS}}}~)?{ID_FORM}$")
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once('~') {
            None => text.parse().ok().map(Self::Order),
            Some((deadline, order_id)) => {
                Some(Self::Late(Late { deadline: board::time(deadline)?, order_id: order_id.parse().ok()? }))
            }
        }
    }
}

/// The first orders past a deadline behind a place: those first that are past it longest.
async fn past_deadline(app: &App, after: Option<Late>, limit: usize) -> Result<Page<LateOrder>, Problem> {
    let now = app.service.clock().now();
    let mut late = Vec::new();
    for since in Since::VARIANTS {
        late.extend(late_since(app, *since, now, after, limit + 1).await?);
    }
    late.sort_by_key(LateOrder::place);
    // One that is late for two things at the same instant was found by both.
    late.dedup_by_key(|late| late.place());
    Ok(Page::of(late, limit, |late| late.place().to_string()))
}

/// The first of those whose deadline is reckoned from this moment.
async fn late_since(
    app: &App,
    since: Since,
    now: Timestamp,
    after: Option<Late>,
    limit: usize,
) -> Result<Vec<LateOrder>, Problem> {
    let allowed = since.allows(&app.settings);
    let moment_of = |deadline: Timestamp| deadline.saturating_sub(allowed).unwrap_or(Timestamp::MIN);
    // Late is what was due so long ago, or longer.
    let too_new = now.saturating_sub(app.settings.grace).unwrap_or(Timestamp::MIN) + SignedDuration::from_nanos(1);
    let mut range = TagRange {
        from: tags::since(since, after.map_or(Timestamp::UNIX_EPOCH, |after| moment_of(after.deadline))),
        after: after.map(|after| after.order_id.to_string()),
        before: tags::since(since, moment_of(too_new)),
    };
    let mut late = Vec::new();
    loop {
        let found = views::list_by_tag::<OrderDocument>(&app.service, ORDERS, range.clone(), limit).await?;
        let is_all = found.len() < limit;
        let Some((tag, last)) = found.last() else { return Ok(late) };
        (range.from, range.after) = (tag.clone(), Some(last.order_id.to_string()));
        late.extend(found.into_iter().filter_map(|(tag, document)| {
            let (waits_for, deadline) = document.overdue(now, &app.settings)?;
            // An order that has another deadline, which is earlier, is found by that.
            let is_by_this = tags::moment(&tag)?.checked_add(allowed).ok()? == deadline;
            is_by_this.then_some(LateOrder { waits_for, deadline, order: stuck_order(document)? })
        }));
        if is_all || late.len() >= limit {
            return Ok(late);
        }
    }
}

impl LateOrder {
    fn place(&self) -> Late {
        Late { deadline: self.deadline, order_id: self.order.order_id }
    }
}

/// The first orders of a tag behind one of them.
async fn list(
    app: &App,
    tag: &str,
    direction: Direction,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Page<StuckOrder>, Problem> {
    let (select, after) = (Select::Tag(tag.to_owned()), after.map(|after| after.to_string()));
    let query = database::Query { select, direction, after, limit: limit + 1 };
    let found: Vec<OrderDocument> = views::list(&app.service, ORDERS, query).await?;
    let found = found.into_iter().filter_map(stuck_order).collect();
    Ok(Page::of(found, limit, |order: &StuckOrder| order.order_id.to_string()))
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
        rider_id: document.delivery.as_ref().and_then(|delivery| delivery.rider_id),
        abandon_at: order.abandon_at.filter(|_| document.is_carried_too_long(order)),
        fault: match order.end {
            Some((End::Canceled { fault, .. }, _)) => fault,
            Some((End::Completed | End::Rejected { .. }, _)) | None => None,
        },
    })
}
