//! What a customer wishes becomes a basket, priced from the menu, if the store's rules allow it.
//!
//! What an order holds was priced and judged when it came to the order, and stays as it is; only what a change
//! adds is priced and judged by today's menu. One item may therefore be held at two prices, in two lines.

mod lines;

use baedal_contracts::order::{Basket, Line};
use baedal_contracts::{ItemId, Place, Won};

use self::lines::Lines;
use super::{KnownStore, Scarce};

/// The most of an item that an order may hold, over all its lines.
pub const MOST_OF_AN_ITEM: u32 = 99;

/// What a customer wishes: everything of a basket but the prices.
#[derive(Clone, PartialEq, Debug)]
pub struct Wish {
    /// The items.
    pub items: Vec<WishedLine>,
    /// Where it is to go.
    pub deliver_to: Place,
    /// To the store and the rider; may be empty.
    pub note: String,
}

/// A line of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WishedLine {
    /// Which item.
    pub item_id: ItemId,
    /// How many.
    pub quantity: u32,
    /// The choices made.
    pub options: Vec<WishedChoice>,
}

/// A choice made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WishedChoice {
    /// The option.
    pub name: String,
    /// What was chosen.
    pub choice: String,
}

/// What an order holds that is to change.
#[derive(Clone, Copy, Debug)]
pub struct HeldBasket<'a> {
    /// Its basket.
    pub basket: &'a Basket,
    /// Whether it is paid, so that the kitchen's stock has it, or will have it, set apart.
    pub is_paid: bool,
}

/// What a wish is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The store and its menu as they are now.
    pub store: &'a KnownStore,
    /// What little is left of its items.
    pub scarce: &'a Scarce,
    /// What an order may cost at the most, delivery included.
    pub max_total_krw: Won,
}

/// Why a wish cannot become a basket. Lines and options are counted from 0.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WishRefused {
    /// The store takes no orders.
    #[error("{store} is closed")]
    StoreClosed {
        /// What it is called.
        store: String,
    },
    /// The menu has no such item.
    #[error("the store's menu has no such item")]
    UnknownItem {
        /// In which line.
        line: usize,
    },
    /// The store does not sell it now.
    #[error("the store does not sell {item} now")]
    ItemUnavailable {
        /// In which line.
        line: usize,
        /// What it is called.
        item: String,
    },
    /// More of an item than there is.
    #[error("{left} of {item} are left")]
    SoldOut {
        /// In which line.
        line: usize,
        /// What it is called.
        item: String,
        /// How many are left.
        left: u32,
    },
    /// More of an item than an order may hold.
    #[error("an order holds at most {MOST_OF_AN_ITEM} of {item}, over all its lines")]
    TooMany {
        /// In which line.
        line: usize,
        /// What it is called.
        item: String,
    },
    /// The item has no such option.
    #[error("{item} has no such option")]
    UnknownOption {
        /// In which line.
        line: usize,
        /// Which of its options.
        option: usize,
        /// What the item is called.
        item: String,
    },
    /// The option has no such choice.
    #[error("{name} has no such choice")]
    UnknownChoice {
        /// In which line.
        line: usize,
        /// Which of its options.
        option: usize,
        /// What the option is called.
        name: String,
    },
    /// The same choice twice.
    #[error("the same choice was made before")]
    DuplicateChoice {
        /// In which line.
        line: usize,
        /// Which of its options.
        option: usize,
    },
    /// Too many choices of an option, or too few.
    #[error("{name} takes {min} to {max} choices, not {made}")]
    WrongNumberOfChoices {
        /// In which line.
        line: usize,
        /// What the option is called.
        name: String,
        /// How many it takes at the least.
        min: u32,
        /// How many it takes at the most.
        max: u32,
        /// How many were made.
        made: usize,
    },
    /// Too little.
    #[error("the items cost {items_krw} won; the store delivers from {minimum_krw} won")]
    BelowMinimum {
        /// What they cost.
        items_krw: Won,
        /// What they must cost.
        minimum_krw: Won,
    },
    /// Too much.
    #[error("the order costs {total_krw} won; no order costs more than {max_total_krw} won")]
    AboveMaximum {
        /// What it costs.
        total_krw: Won,
        /// What it may cost.
        max_total_krw: Won,
    },
    /// Too far.
    #[error("the address is {distance_m} m from the store, which delivers within {radius_m} m")]
    OutsideDeliveryArea {
        /// How far it is.
        distance_m: u64,
        /// How far the store delivers.
        radius_m: u32,
    },
}

impl Wish {
    /// The basket of a new order.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn place(self, rules: Rules<'_>) -> Result<Basket, WishRefused> {
        if !rules.store.open {
            return Err(WishRefused::StoreClosed { store: rules.store.profile.name.clone() });
        }
        self.priced(rules, None)
    }

    /// What an order becomes that holds `held`. The store may have closed since. What is held keeps its price and
    /// its validity, whatever has become of the menu; the delivery keeps its fee unless it goes elsewhere.
    ///
    /// # Errors
    /// The first rule that what differs breaks.
    pub fn change(self, rules: Rules<'_>, held: HeldBasket<'_>) -> Result<Basket, WishRefused> {
        if self.is(held.basket) { Ok(held.basket.clone()) } else { self.priced(rules, Some(held)) }
    }

    /// Whether a basket is what is wished, at whatever price.
    #[must_use]
    pub fn is(&self, basket: &Basket) -> bool {
        self.deliver_to == basket.deliver_to
            && self.note == basket.note
            && lines::are_the_same(&self.items, &basket.items)
    }

    fn priced(self, rules: Rules<'_>, held: Option<HeldBasket<'_>>) -> Result<Basket, WishRefused> {
        let before = held.map(|held| held.basket);
        let items = self.priced_items(rules, held)?;
        let items_krw = price_of(&items);
        let minimum_krw = rules.store.profile.min_order_krw;
        if items_krw < minimum_krw && before.is_none_or(|before| items_krw < price_of(&before.items)) {
            return Err(WishRefused::BelowMinimum { items_krw, minimum_krw });
        }
        let delivery_fee_krw = match before.filter(|before| before.deliver_to.location == self.deliver_to.location) {
            Some(before) => before.delivery_fee_krw,
            None => rules.delivery_fee(&self.deliver_to)?,
        };
        let total_krw = items_krw.plus(delivery_fee_krw);
        let max_total_krw = rules.max_total_krw;
        if total_krw > max_total_krw && before.is_none_or(|before| total_krw > before.total_krw) {
            return Err(WishRefused::AboveMaximum { total_krw, max_total_krw });
        }
        Ok(Basket { items, deliver_to: self.deliver_to, note: self.note, delivery_fee_krw, total_krw })
    }

    /// What stays of what is held, and what is added to it.
    fn priced_items(&self, rules: Rules<'_>, held: Option<HeldBasket<'_>>) -> Result<Vec<Line>, WishRefused> {
        let before = held.map_or(&[][..], |held| held.basket.items.as_slice());
        let mut lines = Lines::keep(before, &self.items);
        for (line, wished) in self.items.iter().enumerate() {
            let added = lines.not_covered(wished);
            if added == 0 {
                continue;
            }
            let item = rules.store.item(wished.item_id).ok_or(WishRefused::UnknownItem { line })?;
            let (wanted, had) = (self.quantity_of(item.item_id), quantity_in(before, item.item_id));
            // With other options it is another line, but no more of the item than before.
            if wanted > had {
                let name = || item.name.clone();
                if !item.available {
                    return Err(WishRefused::ItemUnavailable { line, item: name() });
                }
                if wanted > MOST_OF_AN_ITEM {
                    return Err(WishRefused::TooMany { line, item: name() });
                }
                let of_the_stock = if held.is_some_and(|held| held.is_paid) { wanted - had } else { wanted };
                if let Some(left) = rules.scarce.left(item.item_id).filter(|left| *left < of_the_stock) {
                    return Err(WishRefused::SoldOut { line, item: name(), left });
                }
            }
            lines.add(lines::priced(line, wished, added, item)?);
        }
        Ok(lines.into())
    }

    fn quantity_of(&self, item_id: ItemId) -> u32 {
        let quantities = self.items.iter().filter(|line| line.item_id == item_id).map(|line| line.quantity);
        quantities.fold(0, u32::saturating_add)
    }
}

impl Rules<'_> {
    fn delivery_fee(&self, to: &Place) -> Result<Won, WishRefused> {
        let profile = &self.store.profile;
        let (distance_m, radius_m) = (profile.location.distance_m(to.location), profile.delivery_radius_m);
        if distance_m > f64::from(radius_m) {
            return Err(WishRefused::OutsideDeliveryArea { distance_m: distance_m.ceil() as u64, radius_m });
        }
        Ok(profile.delivery_fee_krw)
    }
}

fn price_of(lines: &[Line]) -> Won {
    lines.iter().map(Line::price_krw).sum()
}

fn quantity_in(lines: &[Line], item_id: ItemId) -> u32 {
    let quantities = lines.iter().filter(|line| line.item_id == item_id).map(|line| line.quantity);
    quantities.fold(0, u32::saturating_add)
}
