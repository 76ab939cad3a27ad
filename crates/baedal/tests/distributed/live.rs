//! Somebody who looks at an order's live stream, through whichever gateway is there.

use std::collections::HashSet;
use std::time::Instant;

use baedal_client::types::Order;
use baedal_contracts::OrderId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::{PACE, PATIENCE, People};

/// Somebody who looks at an order until it is completed.
pub(crate) struct Watcher {
    seen: watch::Receiver<Seen>,
    looking: JoinHandle<()>,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The order's status in the last frame.
    pub(crate) status: String,
    /// How many streams ended before the order did.
    pub(crate) ended: usize,
}

impl Watcher {
    /// Begins to look at an order at the first of these gateways, and at the next where a stream ends.
    pub(crate) fn of(order: OrderId, at: Vec<People>) -> Self {
        let (told, seen) = watch::channel(Seen::default());
        Self { seen, looking: tokio::spawn(look(order, at, told)) }
    }

    /// Waits until the order is seen to be so.
    pub(crate) async fn sees(&mut self, status: &str) {
        let saw = tokio::time::timeout(PATIENCE, self.seen.wait_for(|seen| seen.status == status)).await;
        assert!(saw.is_ok_and(|saw| saw.is_ok()), "the stream never shows {status}: {:?}", *self.seen.borrow());
    }

    /// How many streams have ended so far.
    pub(crate) fn ended(&self) -> usize {
        self.seen.borrow().ended
    }

    /// Waits until the order is seen to be completed.
    pub(crate) async fn end(self) {
        tokio::time::timeout(PATIENCE, self.looking).await.expect("the stream shows the end").expect("a good stream");
    }
}

/// Goes on where a stream ended: no frame comes twice, and none that is older than the one before.
async fn look(order: OrderId, at: Vec<People>, told: watch::Sender<Seen>) {
    let (mut last, mut seen, mut moments) = (None::<String>, HashSet::new(), 0);
    let begun = Instant::now();
    for people in at.iter().cycle() {
        assert!(begun.elapsed() < 2 * PATIENCE, "the stream never shows the end: {:?}", *told.borrow());
        let path = format!("/api/orders/{order}/live");
        if let Ok(mut live) = people.customer.live(&path, last.as_deref()).await {
            while let Ok(Some(frame)) = live.next().await {
                if frame.event == "reconnect" {
                    continue;
                }
                assert!(seen.insert(frame.id.clone()), "a frame came twice: {frame:?}");
                let order: Order = frame.read().expect("an order");
                assert!(order.timeline.len() >= moments, "an older frame came after a newer one: {order:?}");
                moments = order.timeline.len();
                last = Some(frame.id);
                told.send_modify(|seen| seen.status.clone_from(&order.status));
                if order.status == "completed" {
                    return;
                }
            }
            told.send_modify(|seen| seen.ended += 1);
        }
        tokio::time::sleep(PACE).await;
    }
}
