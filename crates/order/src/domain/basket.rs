//! What a customer wishes becomes a basket, priced from the menu, if the store's rules allow it.

use baedal_contracts::order::{Basket, Choice, Line};
use baedal_contracts::store::MenuItem;
use baedal_contracts::{ItemId, Place, Won};

use super::KnownStore;

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
    /// The first rule of the store's that it breaks.
    pub fn place(self, store: &KnownStore) -> Result<Basket, WishRefused> {
        if !store.open {
            return Err(WishRefused::StoreClosed { store: store.profile.name.clone() });
        }
        self.priced(store, &[])
    }

    /// What an order becomes that held `before`. The store may have closed since; and what it has sold
    /// out since may stay, but not become more.
    ///
    /// # Errors
    /// The first rule of the store's that it breaks.
    pub fn change(self, store: &KnownStore, before: &Basket) -> Result<Basket, WishRefused> {
        self.priced(store, &before.items)
    }

    fn priced(self, store: &KnownStore, held: &[Line]) -> Result<Basket, WishRefused> {
        let mut items = Vec::with_capacity(self.items.len());
        for (line, wished) in self.items.iter().enumerate() {
            let item = store.item(wished.item_id).ok_or(WishRefused::UnknownItem { line })?;
            if !item.available && self.quantity_of(item.item_id) > quantity_in(held, item.item_id) {
                return Err(WishRefused::ItemUnavailable { line, item: item.name.clone() });
            }
            items.push(priced_line(line, wished, item)?);
        }
        let items_krw = items.iter().map(Line::price_krw).sum::<Won>();
        let minimum_krw = store.profile.min_order_krw;
        if items_krw < minimum_krw {
            return Err(WishRefused::BelowMinimum { items_krw, minimum_krw });
        }
        let distance_m = store.profile.location.distance_m(self.deliver_to.location);
        let radius_m = store.profile.delivery_radius_m;
        if distance_m > f64::from(radius_m) {
            return Err(WishRefused::OutsideDeliveryArea { distance_m: distance_m.ceil() as u64, radius_m });
        }
        let delivery_fee_krw = store.profile.delivery_fee_krw;
        let total_krw = items_krw.plus(delivery_fee_krw);
        Ok(Basket { items, deliver_to: self.deliver_to, note: self.note, delivery_fee_krw, total_krw })
    }

    fn quantity_of(&self, item_id: ItemId) -> u32 {
        self.items.iter().filter(|line| line.item_id == item_id).map(|line| line.quantity).sum()
    }
}

fn quantity_in(lines: &[Line], item_id: ItemId) -> u32 {
    lines.iter().filter(|line| line.item_id == item_id).map(|line| line.quantity).sum()
}

fn priced_line(line: usize, wished: &WishedLine, item: &MenuItem) -> Result<Line, WishRefused> {
    let mut options: Vec<Choice> = Vec::with_capacity(wished.options.len());
    for (option, WishedChoice { name, choice }) in wished.options.iter().enumerate() {
        let known = item.options.iter().find(|known| known.name == *name);
        let known = known.ok_or_else(|| WishRefused::UnknownOption { line, option, item: item.name.clone() })?;
        let chosen = known.choices.iter().find(|chosen| chosen.name == *choice);
        let chosen = chosen.ok_or_else(|| WishRefused::UnknownChoice { line, option, name: name.clone() })?;
        if options.iter().any(|made| made.name == *name && made.choice == *choice) {
            return Err(WishRefused::DuplicateChoice { line, option });
        }
        options.push(Choice { name: name.clone(), choice: choice.clone(), price_krw: chosen.price_krw });
    }
    for option in &item.options {
        let made = options.iter().filter(|choice| choice.name == option.name).count();
        if made < option.min as usize || made > option.max as usize {
            let (min, max) = (option.min, option.max);
            return Err(WishRefused::WrongNumberOfChoices { line, name: option.name.clone(), min, max, made });
        }
    }
    let unit_price_krw = options.iter().map(|choice| choice.price_krw).sum::<Won>().plus(item.price_krw);
    Ok(Line { item_id: item.item_id, name: item.name.clone(), quantity: wished.quantity, unit_price_krw, options })
}
