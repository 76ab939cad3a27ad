//! How much may be asked again: one request in ten, so that trouble is not answered with twice the load.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one more try costs; a request earns one.
const PRICE: u32 = 10;
/// The most that is saved: ten tries, which is also what there is to begin with.
const MOST: u32 = 10 * PRICE;

/// What is left to be spent on trying again.
#[derive(Debug)]
pub(super) struct Budget {
    saved: AtomicU32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { saved: AtomicU32::new(MOST) }
    }
}

impl Budget {
    /// A request was sent.
    pub(super) fn earn(&self) {
        let more = |saved| (saved < MOST).then_some(saved + 1);
        // Refused where there is enough already.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Whether one more try may be made; if so, it is paid for.
    pub(super) fn spend(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(PRICE);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_ten_may_be_tried_again_once_what_was_saved_is_spent() {
        let budget = Budget::default();
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        let mut again = 0;
        for _ in 0..1000 {
            budget.earn();
            again += u32::from(budget.spend());
        }
        assert_eq!(again, 100);
    }
}
