//! The way in: stores and menus for their owners, tickets for their kitchens.

mod accept_ticket;
mod add_stock;
mod bounds;
mod change_store;
mod cook_ticket;
mod kitchen_ticket;
mod owners_store;
pub(crate) mod problems;
mod put_menu_item;
mod register_store;
mod reject_ticket;
mod remove_menu_item;
#[cfg(test)]
mod tests;

use axum::Router;
use baedal_contracts::StoreId;
use baedal_kit::Failure;
use baedal_kit_http::{EntityTag, Problem};
use baedal_kit_runtime::Service;
use baedal_kit_runtime::service::CommandError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{stock, store, ticket};

/// What every route holds in its hand.
#[derive(Clone)]
pub(crate) struct App {
    service: Service,
}

/// The routes over what they need.
pub(crate) fn routes(service: Service) -> Router {
    table().with_state(App { service }).into()
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // stores and menus
        .routes(routes!(register_store::register_store))
        .routes(routes!(change_store::change_store))
        .routes(routes!(put_menu_item::put_menu_item, remove_menu_item::remove_menu_item))
        .routes(routes!(add_stock::add_stock))
        // the kitchen
        .routes(routes!(accept_ticket::accept_ticket))
        .routes(routes!(reject_ticket::reject_ticket))
        .routes(routes!(cook_ticket::start_cooking))
        .routes(routes!(cook_ticket::finish_cooking))
}

/// Why a command came to nothing, as a problem.
fn undone<Refusal>(undone: CommandError<Refusal>) -> Problem
where
    Problem: From<Refusal>,
{
    match undone {
        CommandError::Refused(refusal) => refusal.into(),
        CommandError::Failed(failure) => failure.into(),
    }
}

impl From<store::Refusal> for Problem {
    fn from(refusal: store::Refusal) -> Self {
        match refusal {
            store::Refusal::NoSuchStore => Self::not_found("store"),
            store::Refusal::NoSuchItem => Self::not_found("item"),
            store::Refusal::MenuFull => Self::new(&problems::MENU_FULL, refusal.to_string()),
        }
    }
}

impl From<stock::Refusal> for Problem {
    fn from(refusal: stock::Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            stock::Refusal::NotCounted => Self::new(&problems::STOCK_NOT_COUNTED, detail),
            stock::Refusal::BelowZero { left } => Self::new(&problems::STOCK_BELOW_ZERO, detail).with("stock", left),
            stock::Refusal::TooMany { .. } => Self::field("add", detail),
            stock::Refusal::ChangedSince { left, version } => {
                let problem = Self::new(&problems::STOCK_CHANGED, detail).with("stock", left);
                match EntityTag::of_version(version).to_header() {
                    Some(tag) => problem.header(http::header::ETAG, tag),
                    None => problem,
                }
            }
            // Orders take stock; owners do not.
            stock::Refusal::Short(_) => Failure::broken(detail).into(),
        }
    }
}

impl From<ticket::Refusal> for Problem {
    fn from(refusal: ticket::Refusal) -> Self {
        let kind = match refusal {
            ticket::Refusal::NoSuchTicket => return Self::not_found("ticket"),
            ticket::Refusal::Closed(_) => &problems::TICKET_CLOSED,
            ticket::Refusal::AlreadyAccepted => &problems::ALREADY_ACCEPTED,
            ticket::Refusal::NotAccepted => &problems::NOT_ACCEPTED,
            ticket::Refusal::NotStarted => &problems::NOT_STARTED,
            ticket::Refusal::ChangePending => &problems::CHANGE_PENDING,
        };
        Self::new(kind, refusal.to_string())
    }
}

/// A store that a command has just succeeded on is not there.
fn vanished(store_id: StoreId) -> Failure {
    Failure::broken(format!("store {store_id} is gone"))
}
