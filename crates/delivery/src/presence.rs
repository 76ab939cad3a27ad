//! Which riders are still there: any request of a rider is heard, and an open live stream all the while.
//!
//! A rider who said that he is on duty and whose phone then died would be told of deliveries for ever, in the place of
//! one who could fetch them. So it is kept when each rider was last heard of, and who has been silent for
//! [`Settings::silent_after`] is not found any more by those who look for riders to tell
//! ([`crate::views::riders_near`]), until the next request of his. Riders look at their phones every few seconds:
//! it is written a tenth of that time apart, once a minute as things are set.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::{Failure, Job, Origin};
use baedal_kit_http::Caller;
use baedal_kit_runtime::{Service, UnitOfWork};
use jiff::{SignedDuration, Timestamp};
use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::Rider;
use crate::settings::Settings;
use crate::views;

/// The kind of the job that looks whether a rider has become silent.
pub(crate) const SILENCE: &str = "silence";
/// Of how many riders this replica knows when it last wrote that they were heard of. Of more it looks once more than
/// it need.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();
/// How many times within the time of silence it is written that a rider was heard of.
const TIMES: i32 = 10;

/// Hears riders.
pub(crate) struct Presence {
    service: Service,
    settings: Arc<Settings>,
    looked_at: Mutex<LruCache<AccountId, Timestamp>>,
}

impl Presence {
    pub(crate) fn new(service: Service, settings: Arc<Settings>) -> Arc<Self> {
        Arc::new(Self { service, settings, looked_at: Mutex::new(LruCache::new(REMEMBERED)) })
    }

    /// A rider is heard of. Nobody waits until that is written.
    pub(crate) fn hear(self: &Arc<Self>, rider_id: AccountId) {
        let now = self.service.clock().now();
        if !self.is_worth_a_look(rider_id, now) {
            return;
        }
        let presence = Arc::clone(self);
        self.service.lifecycle().spawn_to_its_end(async move {
            if let Err(failure) = presence.note(rider_id).await {
                tracing::warn!(%rider_id, error = failure.report(), "that a rider was heard of was not written");
                presence.forget(rider_id);
            }
        });
    }

    /// A rider is heard of for as long as what this returns is kept.
    pub(crate) fn hear_while_kept(self: &Arc<Self>, rider_id: AccountId) -> oneshot::Sender<()> {
        let (kept, mut dropped) = oneshot::channel();
        let presence = Arc::clone(self);
        self.service.lifecycle().spawn(async move {
            let clock = presence.service.clock();
            loop {
                presence.hear(rider_id);
                let next = clock.now() + presence.settings.note_every();
                tokio::select! {
                    () = clock.sleep_until(next) => {}
                    _ = &mut dropped => return,
                }
            }
        });
        kept
    }

    /// Whether this replica has not looked at him for a while; one whose clock was set back has.
    fn is_worth_a_look(&self, rider_id: AccountId, now: Timestamp) -> bool {
        let mut looked_at = self.looked_at.lock();
        let lately = looked_at.get(&rider_id).is_some_and(|then| {
            let since = now.duration_since(*then);
            !since.is_negative() && since < self.settings.note_every()
        });
        if !lately {
            looked_at.put(rider_id, now);
        }
        !lately
    }

    fn forget(&self, rider_id: AccountId) {
        self.looked_at.lock().pop(&rider_id);
    }

    async fn note(&self, rider_id: AccountId) -> Result<(), Failure> {
        let (settings, origin) = (&self.settings, Origin::none());
        let noting = self.service.execute(&origin, |work| {
            let settings = Arc::clone(settings);
            Box::pin(async move {
                let rider = views::rider(work, rider_id).await?;
                let is_known = !rider.is_silent && rider.was_heard_within(settings.note_every(), work.at());
                if rider.on_duty && !is_known { keep_heard(work, &settings, rider_id, rider) } else { Ok(()) }
            })
        });
        noting.await.map(|((), _)| ())
    }
}

/// Keeps a rider who is on duty and of whom something is heard.
///
/// # Errors
/// Where he cannot be written.
pub(crate) fn keep_heard(
    work: &mut UnitOfWork,
    settings: &Settings,
    rider_id: AccountId,
    mut rider: Rider,
) -> Result<(), Failure> {
    // Otherwise the job is there already, and sees for itself when he was heard.
    if rider.is_silent || rider.heard_at.is_none() {
        work.schedule(Job::new(SILENCE, rider_id, work.at() + settings.silent_after));
    }
    rider.was_active(work.at());
    views::keep_rider(work, rider_id, &rider)
}

/// It is time to look whether a rider has become silent.
///
/// # Errors
/// A failure of the database.
pub(crate) async fn when_he_may_be_silent(
    work: &mut UnitOfWork,
    settings: &Settings,
    rider_id: AccountId,
) -> Result<(), Failure> {
    let mut rider = views::rider(work, rider_id).await?;
    let Some(heard_at) = rider.heard_at.filter(|_| rider.on_duty) else { return Ok(()) };
    if rider.was_heard_within(settings.silent_after, work.at()) {
        work.schedule(Job::new(SILENCE, rider_id, heard_at + settings.silent_after));
        return Ok(());
    }
    tracing::info!(%rider_id, "nothing is heard of a rider on duty");
    rider.is_silent = true;
    views::keep_rider(work, rider_id, &rider)
}

/// Hears every rider who asks anything.
pub(crate) async fn hear_callers(State(presence): State<Arc<Presence>>, request: Request, next: Next) -> Response {
    let rider = Caller::from_headers(request.headers()).filter(|caller| caller.role == Role::Rider);
    // Afterwards, so that what he asks for does not compete with it for his document.
    let response = next.run(request).await;
    if let Some(rider) = rider {
        presence.hear(rider.account_id);
    }
    response
}

impl Settings {
    fn note_every(&self) -> SignedDuration {
        self.silent_after / TIMES
    }
}
