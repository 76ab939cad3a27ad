//! Whether an order is stuck: past a deadline that somebody should have kept.

use jiff::{SignedDuration, Timestamp};

use super::document::OrderDocument;
use super::tags::{Since, WaitsFor};
use crate::settings::Settings;

impl OrderDocument {
    /// What should have happened, and by when, where that is past.
    pub(crate) fn overdue(&self, now: Timestamp, settings: &Settings) -> Option<(WaitsFor, Timestamp)> {
        let order = self.order.as_ref()?;
        let waits = self.waits(order)?;
        let deadlines = self.waits_since(order, waits).into_iter();
        let by = deadlines.filter_map(|(since, at)| at.checked_add(since.allows(settings)).ok()).min()?;
        let late = now.duration_since(by);
        (late >= settings.grace).then_some((waits, by))
    }
}

impl Since {
    /// How long after the moment the deadline is.
    pub(crate) fn allows(self, settings: &Settings) -> SignedDuration {
        match self {
            Self::PayBy | Self::AnswerBy => SignedDuration::ZERO,
            Self::Paid => settings.undelivered_after,
            Self::Delivered => settings.uncompleted_after,
        }
    }
}
