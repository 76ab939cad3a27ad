//! `PUT /api/stores/{store_id}/menu/{item_id}`: an item comes to the menu, or is otherwise now.

use axum::Json;
use axum::extract::State;
use baedal_contracts::store::{MenuChoice, MenuItem, MenuOption};
use baedal_contracts::{ItemId, Price, StoreId};
use baedal_kit_http::{Body, Caller, EntityTag, IfMatch, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::{Description, MenuName};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::bounds::{ChoiceCount, MOST_CHOICES, StockLevel, given, unique};
use super::owners_store::OwnersItem;
use crate::domain::store::Command;
use crate::domain::{Stock, Store, stock};

/// An item of a menu.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutMenuItem {
    /// What it is called.
    #[garde(skip)]
    name: MenuName,
    /// What it is.
    #[serde(default)]
    #[garde(skip)]
    description: Description,
    /// What one costs, before options.
    #[garde(skip)]
    price_krw: Price,
    /// How many there are now; `null`: it is not counted, there is always enough. Left out, what is left
    /// stays as it is, so that an owner can change a price without miscounting what is being sold.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = Option<StockLevel>)]
    stock: Option<Option<StockLevel>>,
    /// Whether the store sells it now.
    #[serde(default = "yes")]
    #[garde(skip)]
    #[schema(default = true)]
    available: bool,
    /// What may be chosen, 20 at the most.
    #[serde(default)]
    #[garde(length(max = 20), dive, custom(unique(|option: &PutOption| option.name.as_str())))]
    #[schema(max_items = 20)]
    options: Vec<PutOption>,
}

/// Something to choose about an item.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutOption {
    /// What it is called; no other option of the item is.
    #[garde(skip)]
    name: MenuName,
    /// What may be chosen, 1 to 50.
    #[garde(length(min = 1, max = MOST_CHOICES), dive, custom(unique(|choice: &PutChoice| choice.name.as_str())))]
    #[schema(min_items = 1, max_items = 50)]
    choices: Vec<PutChoice>,
    /// How many choices must be made at the least.
    #[garde(custom(at_most(self.max.get(), "max")))]
    min: ChoiceCount,
    /// How many choices may be made at the most; no more than there are.
    #[garde(custom(at_most(u32::try_from(self.choices.len()).unwrap_or(u32::MAX), "the number of choices")))]
    max: ChoiceCount,
}

/// One thing to choose.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutChoice {
    /// What it is called; no other choice of the option is.
    #[garde(skip)]
    name: MenuName,
    /// What it adds to the price of one.
    #[garde(skip)]
    price_krw: Price,
}

fn yes() -> bool {
    true
}

/// No more than that.
fn at_most(most: u32, called: &'static str) -> impl FnOnce(&ChoiceCount, &()) -> garde::Result {
    move |number, ()| {
        if number.get() > most {
            return Err(garde::Error::new(format!("must be at most {called}, which is {most}")));
        }
        Ok(())
    }
}

impl PutMenuItem {
    fn item(self, item_id: ItemId) -> MenuItem {
        MenuItem {
            item_id,
            name: self.name.into(),
            description: self.description.into(),
            price_krw: self.price_krw.into(),
            available: self.available,
            options: self.options.into_iter().map(MenuOption::from).collect(),
        }
    }
}

impl From<PutOption> for MenuOption {
    fn from(PutOption { name, choices, min, max }: PutOption) -> Self {
        let choices = choices.into_iter();
        let choices = choices
            .map(|PutChoice { name, price_krw }| MenuChoice { name: name.into(), price_krw: price_krw.into() })
            .collect();
        Self { name: name.into(), choices, min: min.get(), max: max.get() }
    }
}

/// Puts an item on the menu, or changes it.
///
/// The client chooses the item's id, so the same request again changes nothing. With the `ETag` that the owner's
/// `GET /api/stores/{store_id}` gave in `If-Match`, nothing is written where the item's stock has changed since: 412.
/// What other items sold meanwhile does not matter.
#[utoipa::path(
    put, path = "/api/stores/{store_id}/menu/{item_id}", tag = "stores",
    params(
        ("store_id" = StoreId, Path, description = "Which store."),
        ("item_id" = ItemId, Path, description = "Which item; a new UUID puts a new one."),
        IfMatch,
    ),
    request_body = PutMenuItem,
    responses(
        (status = 200, description = "The item as it is now.", body = OwnersItem, headers(("ETag" = String, description = "The stock as it is now."))),
        (status = 404, description = "There is no such store, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`menu_full`: no more items fit.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "`stock_changed`: the item's stock has changed since.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_menu_item(
    State(App { service }): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path((store_id, item_id)): Path<(StoreId, ItemId)>,
    IfMatch(seen): IfMatch,
    Body(body): Body<PutMenuItem>,
) -> Result<(Position, EntityTag, Json<OwnersItem>), Problem> {
    let counted = body.stock.map(|stock| stock.map(StockLevel::get));
    let item = body.item(item_id);
    let ((view, tag), position) = service
        .execute(&origin, |work| {
            let item = item.clone();
            Box::pin(async move {
                let command = Command::PutMenuItem { by: caller.account_id, item: item.clone() };
                work.decide::<Store>(&store_id, command).await??;
                let command = match (counted, seen) {
                    (Some(stock), seen) => Some(stock::Command::SetStock { item_id, stock, seen }),
                    (None, Some(seen)) => Some(stock::Command::ExpectStock { item_id, seen }),
                    (None, None) => None,
                };
                if let Some(command) = command {
                    work.decide::<Stock>(&store_id, command).await??;
                }
                let stock = work.load::<Stock>(&store_id).await?;
                Ok::<_, Problem>((OwnersItem::of(&item, &stock), EntityTag::of_version(stock.version())))
            })
        })
        .await?;
    Ok((Position::of(&service, position), tag, Json(view)))
}
