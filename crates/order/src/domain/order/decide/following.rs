//! Following the food, as far as it matters to how the order ends if nobody delivers it.

use super::super::{Event, Food, Placed, State};

impl Placed {
    /// The food has come so far. The kitchen's word may be heard later than the rider's: it takes nothing back.
    pub(super) fn food_comes(&self, food: Food) -> Vec<Event> {
        self.record_food(food, food > self.food)
    }

    /// A rider who kept it waiting does not bring it: it waits for another, and he is no longer at fault.
    pub(super) fn rider_leaves(&self) -> Vec<Event> {
        self.record_food(Food::Cooked, self.food == Food::NotFetched)
    }

    fn record_food(&self, food: Food, is_news: bool) -> Vec<Event> {
        match self.state {
            State::Paid { .. } if is_news => vec![Event::FoodHeard { food }],
            State::Paid { .. } | State::AwaitingPayment { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }
    }
}
