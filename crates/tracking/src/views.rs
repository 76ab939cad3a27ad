//! The read models. Each file is one projection: what it keeps, how events change it, how it is found.
//!
//! | projection | views | from |
//! |---|---|---|
//! | [`orders`] | `orders`: how each order is | order, payment, store, delivery |
//! | [`trace`] | `trace`: every event about an order, with its cause | all of those, and notification |
//! | [`stores`] | `stores`, `menus`, `stocks`: each store, by how often it changes | store |
//! | [`ranking`] | `ranking`: how often items were ordered; `ranking_orders`: what was counted | order |

pub(crate) mod orders;
pub(crate) mod ranking;
pub(crate) mod stores;
pub(crate) mod trace;

use baedal_kit::Failure;
use baedal_kit::database::{Document, Query, TagRange};
use baedal_kit_runtime::Service;
use serde::de::DeserializeOwned;

/// One document of a view.
pub(crate) async fn find<T: DeserializeOwned>(
    service: &Service,
    view: &'static str,
    id: &str,
) -> Result<Option<T>, Failure> {
    let found = service.database().get(&service.view_name(view), id).await?;
    found.map(|document| read(view, &document)).transpose()
}

/// A page of a view's documents.
pub(crate) async fn list<T: DeserializeOwned>(
    service: &Service,
    view: &'static str,
    query: Query,
) -> Result<Vec<T>, Failure> {
    let found = service.database().list(&service.view_name(view), query).await?;
    found.iter().map(|document| read(view, document)).collect()
}

/// A part of a view in the order of its tags, each document with the tag that it was found by.
pub(crate) async fn list_by_tag<T: DeserializeOwned>(
    service: &Service,
    view: &'static str,
    range: TagRange,
    limit: usize,
) -> Result<Vec<(String, T)>, Failure> {
    let found = service.database().list_by_tag(&service.view_name(view), range, limit).await?;
    found.into_iter().map(|(tag, document)| Ok((tag, read(view, &document)?))).collect()
}

fn read<T: DeserializeOwned>(view: &'static str, document: &Document) -> Result<T, Failure> {
    serde_json::from_slice(&document.body)
        .map_err(|error| Failure::broken_by(format!("document {} of view {view} cannot be read", document.id), error))
}
