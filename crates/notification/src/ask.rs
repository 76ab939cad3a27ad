//! What is to be said to whom, as far as the event that causes it tells.

use baedal_contracts::{AccountId, ChangeId, OrderId, OrderNo};
use baedal_kit::{Envelope, Job};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::SEND;
use crate::notice_id::notice_id;
use crate::templates::{Template, Variables, var};
use crate::views::OrderFacts;
use crate::words;

/// Whom to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum To {
    /// Who ordered.
    Customer,
    /// Whose store it is.
    Owner,
    /// A certain rider.
    Rider(AccountId),
}

/// What an event wants said. Whatever it does not tell itself is filled in from [`OrderFacts`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) template: Template,
    pub(crate) to: To,
    /// The recipient's account, where the event names it.
    pub(crate) account_id: Option<AccountId>,
    pub(crate) variables: Variables,
    /// The change whose difference in price is to be told.
    pub(crate) change_id: Option<ChangeId>,
}

/// A draft, named and on its way; the payload of the job that sends it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) notice_id: Uuid,
    pub(crate) order_id: OrderId,
    /// Since when we mean to send it.
    pub(crate) since: Timestamp,
    /// How often we have looked in vain for what must be known.
    #[serde(default)]
    pub(crate) looks: u32,
    /// How often a provider was asked and could not take it now.
    #[serde(default)]
    pub(crate) put_off: u32,
    pub(crate) draft: Draft,
}

/// A notice with nothing left to find out but the phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Letter {
    pub(crate) notice_id: Uuid,
    pub(crate) order_id: OrderId,
    pub(crate) recipient_id: AccountId,
    pub(crate) template: Template,
    pub(crate) variables: Variables,
}

impl Draft {
    /// To the customer.
    pub(crate) fn to_customer(template: Template) -> Self {
        Self::new(template, To::Customer, None)
    }

    /// To the owner.
    pub(crate) fn to_owner(template: Template) -> Self {
        Self::new(template, To::Owner, None)
    }

    /// To a rider.
    pub(crate) fn to_rider(template: Template, rider_id: AccountId) -> Self {
        Self::new(template, To::Rider(rider_id), Some(rider_id))
    }

    fn new(template: Template, to: To, account_id: Option<AccountId>) -> Self {
        Self { template, to, account_id, variables: Variables::default(), change_id: None }
    }

    /// The recipient is this account.
    pub(crate) fn at(mut self, account_id: AccountId) -> Self {
        self.account_id = Some(account_id);
        self
    }

    /// With this in its place.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.variables.set(name, value);
        self
    }

    /// Telling the difference in price that a change made.
    pub(crate) fn with_difference_of(mut self, change_id: ChangeId) -> Self {
        self.change_id = Some(change_id);
        self
    }

    /// Whether the event told all there is to know.
    fn is_complete(&self) -> bool {
        self.account_id.is_some()
            && self.change_id.is_none()
            && self.variables.get(var::STORE).is_some()
            && self.template != Template::PaymentDeclined
    }

    /// Fills in what the event did not tell.
    fn complete(&mut self, facts: &OrderFacts) {
        self.account_id = Some(match self.to {
            To::Customer => facts.customer_id,
            To::Owner => facts.owner_id,
            To::Rider(rider_id) => rider_id,
        });
        self.variables.set(var::STORE, &facts.store_name);
        if self.template == Template::PaymentDeclined {
            self.variables.set(var::PAY_BY, words::time_of_day(facts.pay_by));
        }
        if let Some(change) = self.change_id.and_then(|change_id| facts.change(change_id)) {
            self.variables.set(var::DIFFERENCE, words::difference(change.from_krw, change.to_krw));
        }
    }
}

impl Ask {
    /// What `cause` wants said.
    pub(crate) fn new(cause: &Envelope, order_id: OrderId, draft: Draft, since: Timestamp) -> Self {
        let notice_id = match draft.to {
            To::Customer => notice_id(cause.id, "customer"),
            To::Owner => notice_id(cause.id, "owner"),
            To::Rider(rider_id) => notice_id(cause.id, &rider_id.to_string()),
        };
        let draft = draft.with(var::ORDER_NO, OrderNo::of(order_id).as_str());
        Self { notice_id, order_id, since, looks: 0, put_off: 0, draft }
    }

    /// The job that sends it.
    pub(crate) fn job(&self, run_at: Timestamp) -> Job {
        Job::new(SEND, self.notice_id, run_at).with(self).about(self.order_id.0)
    }

    /// Whether something must be known of the order that the event did not tell.
    pub(crate) fn needs_facts(&self) -> bool {
        !self.draft.is_complete()
    }

    /// The letter, where these facts (none where none are needed) are all it needs.
    pub(crate) fn letter(mut self, facts: Option<&OrderFacts>) -> Option<Letter> {
        if let Some(facts) = facts {
            self.draft.complete(facts);
        }
        Some(Letter {
            notice_id: self.notice_id,
            order_id: self.order_id,
            recipient_id: self.draft.account_id?,
            template: self.draft.template,
            variables: self.draft.variables,
        })
    }
}
