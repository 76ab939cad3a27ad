//! Deliveries as riders are shown them: before a claim no more than choosing needs, after it all of it.

use baedal_contracts::delivery::DeliveryStatus;
use baedal_contracts::identity::Role;
use baedal_contracts::{AccountId, Location, OrderId, OrderNo, Place, StoreId, neighbourhood};
use baedal_kit_http::Caller;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Settings;
use crate::domain::errand::Openness;
use crate::domain::{Errand, Parcel, Stage};
use crate::views::Nearby;

/// Who is shown something, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Viewer {
    /// Who.
    pub(crate) account_id: AccountId,
    /// As what.
    role: Role,
    /// How long after a delivery's end its rider is shown all of it.
    address_shown_for: SignedDuration,
    /// When.
    now: Timestamp,
}

impl Viewer {
    pub(crate) fn of(caller: Caller, settings: &Settings, now: Timestamp) -> Self {
        let Caller { account_id, role } = caller;
        Self { account_id, role, address_shown_for: settings.address_shown_for, now }
    }
}

/// A delivery that waits near the rider. Where exactly it goes, and what the customer said, is for the rider
/// who claims it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NearbyView {
    /// Which order.
    pub(crate) order_id: OrderId,
    /// What the rider compares with the bag.
    pub(crate) order_no: OrderNo,
    /// Always `waiting`.
    pub(crate) status: DeliveryStatus,
    /// Which kitchen.
    pub(crate) store_id: StoreId,
    /// What the store is called.
    pub(crate) store_name: String,
    /// Where to fetch it.
    pub(crate) pickup: Place,
    /// About where it goes, on a grid of half a kilometre.
    pub(crate) drop_off: Location,
    /// The neighbourhood it goes to, where the address tells one.
    #[serde(default)]
    #[schema(required)]
    pub(crate) neighbourhood: Option<String>,
    /// Metres from the rider to the store, to ten.
    pub(crate) distance_m: u32,
    /// Metres from the store to about where it goes, to ten.
    pub(crate) trip_m: u32,
    /// What is in the bag.
    pub(crate) summary: String,
    /// Since when it is ready to be fetched.
    pub(crate) waiting_since: Option<Timestamp>,
}

/// A delivery, for a rider who has claimed it, or an operator who has taken it back. Who has given it back is not
/// told how it goes on with others.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// Which order.
    pub(crate) order_id: OrderId,
    /// What the rider compares with the bag.
    pub(crate) order_no: OrderNo,
    /// How far it is.
    pub(crate) status: DeliveryStatus,
    /// Which kitchen.
    pub(crate) store_id: StoreId,
    /// What the store is called.
    pub(crate) store_name: String,
    /// Where to fetch it.
    pub(crate) pickup: Place,
    /// Where to bring it: exactly for as long as `address_is_exact`, and otherwise no more than the neighbourhood, or a grid's
    /// degrees, and about where that is.
    pub(crate) deliver_to: Place,
    /// Whether `deliver_to` and `note` are what the customer wrote. They are a rider's from his claim to ten minutes
    /// after the end, as things are set, or until he gives it back.
    #[serde(default)]
    pub(crate) address_is_exact: bool,
    /// When that ends by itself.
    #[serde(skip)]
    pub(crate) hidden_at: Option<Timestamp>,
    /// What the customer said; may be empty, and is unless `address_is_exact`.
    pub(crate) note: String,
    /// What is in the bag.
    pub(crate) summary: String,
    /// Who brings it, or brought it: the rider who asks, or nobody that he is told of.
    #[schema(required)]
    pub(crate) rider_id: Option<AccountId>,
    /// When it should be there, at the earliest.
    #[schema(required)]
    pub(crate) eta_from: Option<Timestamp>,
    /// When it should be there, at the latest.
    #[schema(required)]
    pub(crate) eta_to: Option<Timestamp>,
    /// When the rider claimed it.
    #[schema(required)]
    pub(crate) claimed_at: Option<Timestamp>,
    /// When the rider had the food.
    #[schema(required)]
    pub(crate) picked_up_at: Option<Timestamp>,
    /// When the customer had it.
    #[schema(required)]
    pub(crate) delivered_at: Option<Timestamp>,
    /// When it was withdrawn.
    #[schema(required)]
    pub(crate) canceled_at: Option<Timestamp>,
}

impl NearbyView {
    /// What a rider is shown of a delivery that waits.
    pub(crate) fn of(nearby: Nearby) -> Self {
        let Nearby { order_id, errand, distance_m } = nearby;
        let Errand { parcel, ready_at, stage, .. } = *errand;
        let Parcel { order_no, store_id, store_name, pickup, deliver_to, summary, .. } = parcel;
        let drop_off = deliver_to.location.roughly();
        Self {
            order_id,
            order_no,
            status: stage.status(),
            store_id,
            store_name,
            drop_off,
            neighbourhood: neighbourhood(&deliver_to.address),
            distance_m: to_ten(distance_m),
            // From the rough place: the exact distance would give the exact place away.
            trip_m: to_ten(pickup.location.distance_m(drop_off)),
            pickup,
            summary,
            waiting_since: matches!(stage, Stage::Waiting).then_some(ready_at),
        }
    }
}

impl DeliveryView {
    /// What a rider who has claimed a delivery is shown of it.
    pub(crate) fn of(order_id: OrderId, errand: &Errand, viewer: Viewer) -> Self {
        let Errand { parcel, stage, .. } = errand;
        let own = stage.rider_id() == Some(viewer.account_id);
        let openness = match viewer.role {
            Role::Operator => Openness::Open,
            Role::Rider | Role::Customer | Role::Owner => {
                errand.is_open_to(viewer.account_id, viewer.address_shown_for, viewer.now)
            }
        };
        let (deliver_to, note, hidden_at) = match openness {
            Openness::Open => (parcel.deliver_to.clone(), parcel.note.clone(), None),
            Openness::OpenUntil(until) => (parcel.deliver_to.clone(), parcel.note.clone(), Some(until)),
            Openness::Closed => (parcel.deliver_to.roughly(), String::new(), None),
        };
        let claim = stage.claim().filter(|_| own);
        let (picked_up_at, delivered_at, canceled_at) = match stage {
            Stage::PickedUp { at, .. } if own => (Some(*at), None, None),
            Stage::Delivered { picked_up_at, at, .. } if own => (Some(*picked_up_at), Some(*at), None),
            Stage::Canceled { at, .. } => (None, None, Some(*at)),
            Stage::Waiting | Stage::Claimed(_) | Stage::PickedUp { .. } | Stage::Delivered { .. } => (None, None, None),
        };
        Self {
            order_id,
            order_no: parcel.order_no.clone(),
            status: stage.status(),
            store_id: parcel.store_id,
            store_name: parcel.store_name.clone(),
            pickup: parcel.pickup.clone(),
            deliver_to,
            address_is_exact: openness != Openness::Closed,
            hidden_at,
            note,
            summary: parcel.summary.clone(),
            rider_id: own.then_some(viewer.account_id),
            eta_from: claim.map(|claim| claim.eta_from),
            eta_to: claim.map(|claim| claim.eta_to),
            claimed_at: claim.map(|claim| claim.at),
            picked_up_at,
            delivered_at,
            canceled_at,
        }
    }
}

/// Metres to the next ten, so that a rider who stands still sees the same number.
fn to_ten(metres: f64) -> u32 {
    ((metres / 10.0).round() * 10.0) as u32
}
