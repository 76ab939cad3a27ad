//! How far live views are behind: from the moment an event is decided to the moment a customer's live stream
//! shows it. The commit lies in between, so this is more than the lag behind the commit.

use std::sync::Arc;
use std::time::Duration;

use baedal_client::Session;
use baedal_contracts::OrderId;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use crate::load::histogram;

/// How many orders are watched at the same time.
const WATCHERS: usize = 8;
/// How long to wait before looking again for what is not there yet.
const LOOK: Duration = Duration::from_millis(10);
/// How long an order is watched at the most.
const LONGEST: Duration = Duration::from_secs(10);

/// Watches orders live as they are placed, for as long as somebody says that they are; the lag of every frame, in
/// microseconds.
pub(crate) async fn watch(placed: mpsc::Receiver<(Session, OrderId)>) -> Histogram<u64> {
    let placed = Arc::new(Mutex::new(placed));
    let mut watchers = tokio::task::JoinSet::new();
    for _ in 0..WATCHERS {
        let placed = Arc::clone(&placed);
        watchers.spawn(async move {
            let mut lags = histogram();
            loop {
                let next = placed.lock().await.recv().await;
                let Some((customer, order)) = next else { return lags };
                // An order whose life ended early is never over.
                let _ = tokio::time::timeout(LONGEST, watch_order(&customer, order, &mut lags)).await;
            }
        });
    }
    let mut all = histogram();
    while let Some(Ok(lags)) = watchers.join_next().await {
        let _ = all.add(&lags);
    }
    all
}

/// Watches an order until it ends.
async fn watch_order(customer: &Session, order: OrderId, lags: &mut Histogram<u64>) {
    let path = format!("/api/orders/{order}/live");
    let mut live = loop {
        // Placed a moment ago: the view may not have heard of it yet.
        match customer.live(&path, None).await {
            Ok(live) => break live,
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    };
    let mut is_first = true;
    while let Ok(Some(frame)) = live.next().await {
        #[expect(clippy::disallowed_methods, reason = "the lag is measured against the machine's clock")]
        let now = Timestamp::now();
        let Ok(view) = frame.read::<Value>() else { return };
        // The first frame shows what happened before we looked.
        if !std::mem::take(&mut is_first) {
            let happened = view["timeline"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["at"].as_str()?.parse::<Timestamp>().ok())
                .max();
            if let Some(at) = happened {
                lags.saturating_record(now.duration_since(at).as_micros().max(0) as u64);
            }
        }
        if matches!(view["status"].as_str(), Some("completed" | "canceled" | "rejected")) {
            return;
        }
    }
}
