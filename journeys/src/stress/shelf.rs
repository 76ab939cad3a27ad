//! What came to the stock of the stores and what went, as store has written it down.

use std::collections::{BTreeMap, HashMap};

use baedal_contracts::{ItemId, OrderId};

/// How many of each item that is counted.
pub(super) type Portions = BTreeMap<ItemId, u64>;

/// Everything that moved, in the order in which it did: what happened, the item, the order, how many, and how many
/// were left then.
pub(super) const MOVES: &str = "
    SELECT kind, data::json -> kind ->> 'item_id', coalesce(data::json -> kind ->> 'order_id', ''),
        coalesce(data::json -> kind ->> 'quantity', '0'),
        coalesce(data::json -> kind ->> 'left', data::json -> kind ->> 'stock', '0')
    FROM baedal.journal WHERE kind IN ('StockSet', 'StockTaken', 'StockReturned') ORDER BY position";

/// What is left in the end, and why.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What each order has taken and not given back.
    pub(super) taken: HashMap<OrderId, Portions>,
    /// What owners have put there.
    pub(super) given: HashMap<ItemId, i64>,
    pub(super) left: HashMap<ItemId, i64>,
    /// Moves after which not what should have been was left.
    pub(super) wrong: Vec<String>,
}

impl Shelf {
    /// Reads the answer to [`MOVES`].
    pub(super) fn read(moves: &str) -> Result<Self, String> {
        let mut shelf = Self::default();
        for row in moves.lines() {
            shelf.hear(row).ok_or_else(|| format!("a move of the stock cannot be read: {row}"))?;
        }
        for taken in shelf.taken.values_mut() {
            taken.retain(|_, quantity| *quantity > 0);
        }
        Ok(shelf)
    }

    fn hear(&mut self, row: &str) -> Option<()> {
        let columns: Vec<&str> = row.split('|').collect();
        let [kind, item, order, quantity, now] = columns[..] else { return None };
        let (item, quantity, now): (ItemId, i64, i64) = (item.parse().ok()?, quantity.parse().ok()?, now.parse().ok()?);
        let before = self.left.insert(item, now).unwrap_or_default();
        let by = match kind {
            "StockSet" => {
                *self.given.entry(item).or_default() += now - before;
                return Some(());
            }
            "StockTaken" => -quantity,
            "StockReturned" => quantity,
            _ => return None,
        };
        if before + by != now {
            self.wrong.push(format!("of {before}, {by:+} are {now}: {row}"));
        }
        let taken = self.taken.entry(order.parse().ok()?).or_default().entry(item).or_default();
        match taken.checked_add_signed(-by) {
            Some(more) => *taken = more,
            None => self.wrong.push(format!("gives back what was not taken: {row}")),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_less_what_is_taken_is_left() {
        let (item, order) = ("01a210be-0f9e-76b5-89e9-46f532762995", "01a210be-0f9e-76b5-89e9-46f62f41681e");
        let moves = format!(
            "StockSet|{item}||0|9\nStockTaken|{item}|{order}|2|7\nStockSet|{item}||0|12\nStockReturned|{item}|{order}|1|13"
        );
        let shelf = Shelf::read(&moves).expect("moves");
        let item = item.parse().expect("an item");
        assert_eq!((shelf.given[&item], shelf.left[&item]), (14, 13));
        assert_eq!(shelf.taken[&order.parse().expect("an order")], Portions::from([(item, 1)]));
        assert!(shelf.wrong.is_empty());
        let wrong = Shelf::read(&format!("{moves}\nStockReturned|{item}|{order}|2|15")).expect("moves");
        assert_eq!(wrong.wrong.len(), 1);
    }
}
