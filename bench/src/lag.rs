//! How far live views are behind: from the moment an event is decided to the moment a customer's live stream
//! shows it. The commit lies in between, so this is more than the lag behind the commit.

use std::time::{Duration, Instant};

use baedal_client::Session;
use baedal_contracts::OrderId;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde_json::Value;

use crate::crowd::Crowd;
use crate::load::histogram;

/// How many customers watch at the same time.
const WATCHERS: usize = 8;

/// Watches orders of the crowd live for a while; the lag of every frame, in microseconds.
pub(crate) async fn watch(crowd: &Crowd, time: Duration) -> Histogram<u64> {
    let begun = Instant::now();
    let mut watchers = tokio::task::JoinSet::new();
    for party in crowd.parties.iter().take(WATCHERS).cloned() {
        watchers.spawn(async move {
            let mut lags = histogram();
            while begun.elapsed() < time {
                let left = time.saturating_sub(begun.elapsed());
                if tokio::time::timeout(left, watch_latest(&party.customer, &mut lags)).await.is_err() {
                    break;
                }
            }
            lags
        });
    }
    let mut all = histogram();
    while let Some(Ok(lags)) = watchers.join_next().await {
        let _ = all.add(&lags);
    }
    all
}

/// Watches the customer's newest order until it ends.
async fn watch_latest(customer: &Session, lags: &mut Histogram<u64>) {
    let newest: Result<Value, _> = customer.get("/api/orders?limit=1").await;
    let order = newest.ok().and_then(|page| page["items"][0]["order_id"].as_str()?.parse::<OrderId>().ok());
    let Some(order) = order else { return tokio::task::yield_now().await };
    let Ok(mut live) = customer.live(&format!("/api/orders/{order}/live"), None).await else { return };
    let mut is_first = true;
    while let Ok(Some(frame)) = live.next().await {
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
