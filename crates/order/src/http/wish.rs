//! What a customer wishes, as it comes over HTTP.

use baedal_contracts::order::Basket;
use baedal_contracts::{ItemId, Location, Place, Price, Won};
use baedal_text::{Address, ChosenName, Note};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused::Refused;
use crate::domain::basket::MOST_OF_AN_ITEM;
use crate::domain::{Wish, WishedChoice, WishedLine};

/// One line of an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderLine {
    /// Which item of the store's menu.
    #[garde(skip)]
    item_id: ItemId,
    /// How many; over all its lines an order holds 99 of an item at the most.
    #[garde(skip)]
    quantity: Quantity,
    /// The choices made of the item's options; an option that takes several choices comes several times.
    #[garde(length(max = 50), dive)]
    #[serde(default)]
    #[schema(max_items = 50)]
    options: Vec<OrderChoice>,
}

baedal_contracts::whole! {
    /// How many of an item.
    pub(crate) struct Quantity(u32): [1, MOST_OF_AN_ITEM], 2;
}

/// One choice made of an item's options.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderChoice {
    /// The option.
    #[garde(skip)]
    name: ChosenName,
    /// What is chosen.
    #[garde(skip)]
    choice: ChosenName,
}

/// Where an order goes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliverTo {
    /// As written on a parcel.
    address: Address,
    /// Where that is.
    location: Location,
}

/// What is wished, as the domain takes it.
pub(crate) fn wish(items: &[OrderLine], deliver_to: &DeliverTo, note: &Note) -> Wish {
    let items = items.iter().map(|line| WishedLine {
        item_id: line.item_id,
        quantity: line.quantity.get(),
        options: line
            .options
            .iter()
            .map(|made| WishedChoice { name: made.name.clone().into(), choice: made.choice.clone().into() })
            .collect(),
    });
    let deliver_to = Place { address: deliver_to.address.clone().into(), location: deliver_to.location };
    Wish { items: items.collect(), deliver_to, note: note.clone().into() }
}

/// Whether a basket costs what the customer was shown, where that was sent.
pub(crate) fn as_expected(basket: &Basket, expected_total_krw: Option<Price>) -> Result<(), Refused> {
    match expected_total_krw.map(Won::from) {
        Some(expected_krw) if expected_krw != basket.total_krw => {
            Err(Refused::TotalChanged { total_krw: basket.total_krw })
        }
        Some(_) | None => Ok(()),
    }
}
