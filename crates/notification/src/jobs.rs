//! Sends what is to be sent: KakaoTalk first, a text message where that does not work, and if nothing
//! does, keeps that it failed.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::{JobHandler, Retry, UnitOfWork};

use crate::ask::{Ask, Letter};
use crate::declines::DECLINE;
use crate::domain::Notice;
use crate::known::Known;
use crate::policy::Remind;
use crate::{Message, MessageProvider, SendError, Settings, record};

/// The job that sends a notice; its key is the notice's id.
pub(crate) const SEND: &str = "send";
/// The job that reminds of a payment; its key is the order's id.
pub(crate) const REMIND: &str = "remind";

/// Does the jobs of notification.
pub(crate) struct Send {
    settings: Settings,
    provider: Arc<dyn MessageProvider>,
    known: Known,
}

/// What came of an attempt.
enum Attempt {
    Sent(Channel),
    /// Not now: to be tried again later.
    PutOff(String),
    Failed(String),
}

#[async_trait]
impl JobHandler for Send {
    fn kinds(&self) -> &'static [&'static str] {
        &[SEND, REMIND, DECLINE]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        match job.kind.as_str() {
            REMIND => self.remind(job, work),
            DECLINE => tell_now(job.read()?, work),
            _ => self.send(job, work).await,
        }
    }

    /// What fails for good here (an order that nobody ever told us of) does not get better by itself. What fails
    /// because the database is away is tried for ever, and is no attempt at a channel.
    fn retry(&self, _kind: &str) -> Retry {
        self.waits()
    }
}

/// What was kept for later is told now.
fn tell_now(mut ask: Ask, work: &mut UnitOfWork) -> Result<(), Failure> {
    ask.since = work.at();
    work.schedule(ask.job(work.at()));
    Ok(())
}

impl Send {
    pub(crate) fn new(settings: Settings, provider: Arc<dyn MessageProvider>) -> Self {
        Self { settings, provider, known: Known::new() }
    }

    fn waits(&self) -> Retry {
        Retry {
            max_attempts: Some(1),
            first_wait: self.settings.first_wait.unsigned_abs(),
            longest_wait: self.settings.longest_wait.unsigned_abs(),
        }
    }

    /// The order is still unpaid: what is to be sent becomes a job of its own, so that nothing is sent if
    /// the payment comes in this very moment and takes this job away.
    fn remind(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let Remind { ask, pay_by } = job.read()?;
        if work.at() < pay_by { tell_now(ask, work) } else { Ok(()) }
    }

    async fn send(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let ask: Ask = job.read()?;
        // Asked for, not expected to be new: a provider is called next, and that cannot be taken back.
        if work.load::<Notice>(&ask.notice_id).await?.is_settled() {
            return Ok(());
        }
        let facts = match ask.needs_facts() {
            true => match self.known.order(ask.order_id, ask.draft.change_id, work).await? {
                Some(facts) => Some(facts),
                None if self.has_looked_enough(&ask) => {
                    return Err(Failure::broken(format!("order {} was never heard of", ask.order_id)));
                }
                None => return self.look_again_soon(ask, job, work),
            },
            false => None,
        };
        let Some(letter) = ask.clone().letter(facts.as_deref()) else {
            return Err(Failure::broken(format!("notice {} is for nobody", ask.notice_id)));
        };
        if letter.template.is_in_app() {
            return record::in_app(&letter, work).await;
        }
        let text = letter.template.render(&letter.variables);
        let Some(contact) = self.known.contact(letter.recipient_id, work).await? else {
            if self.has_looked_enough(&ask) {
                let reason = "no phone is known".to_owned();
                return record::failed(&letter, text, Channel::Kakaotalk, reason, work).await;
            }
            return self.look_again_soon(ask, job, work);
        };
        match self.attempt(&letter, &text, &contact.phone, ask.put_off).await {
            Attempt::Sent(channel) => record::sent(&letter, text, channel, work).await,
            Attempt::PutOff(why) => {
                self.try_again_later(ask, &why, job, work);
                Ok(())
            }
            Attempt::Failed(reason) => record::failed(&letter, text, Channel::Sms, reason, work).await,
        }
    }

    /// Tries the channels in their order. What counts is how often a provider has put it off, not how often the job
    /// was begun: a database that was away says nothing about KakaoTalk.
    async fn attempt(&self, letter: &Letter, text: &str, phone: &str, put_off: u32) -> Attempt {
        let attempt = put_off.saturating_add(1);
        let mut message = Message {
            id: letter.notice_id,
            channel: Channel::Kakaotalk,
            to: phone.to_owned(),
            template: letter.template,
            variables: letter.variables.clone(),
            text: text.to_owned(),
        };
        let kakaotalk_attempts = self.settings.kakaotalk_attempts;
        if attempt <= kakaotalk_attempts {
            match self.hand_over(&message).await {
                Ok(()) => return Attempt::Sent(Channel::Kakaotalk),
                Err(SendError::Retryable(why)) if attempt < kakaotalk_attempts => {
                    return Attempt::PutOff(format!("KakaoTalk: {why}"));
                }
                Err(SendError::Retryable(_) | SendError::Rejected(_)) => {}
            }
        }
        message.channel = Channel::Sms;
        match self.hand_over(&message).await {
            Ok(()) => Attempt::Sent(Channel::Sms),
            Err(SendError::Retryable(why)) if attempt + 1 < kakaotalk_attempts + self.settings.sms_attempts => {
                Attempt::PutOff(format!("the text message service: {why}"))
            }
            Err(error) => Attempt::Failed(error.to_string()),
        }
    }

    async fn hand_over(&self, message: &Message) -> Result<(), SendError> {
        let answer = tokio::time::timeout(self.settings.answer_within.unsigned_abs(), self.provider.send(message));
        answer.await.unwrap_or_else(|_| Err(SendError::Retryable("no answer in time".to_owned())))
    }

    /// Whether it was looked for as often as fits into the time that there is for it. Time itself proves nothing: we
    /// may have been away, or the clock may have been set.
    fn has_looked_enough(&self, ask: &Ask) -> bool {
        let Settings { facts_within, facts_wait, .. } = &self.settings;
        u128::from(ask.looks) * facts_wait.unsigned_abs().as_nanos() >= facts_within.unsigned_abs().as_nanos()
    }

    fn try_again_later(&self, mut ask: Ask, why: &str, job: &Job, work: &mut UnitOfWork) {
        ask.put_off = ask.put_off.saturating_add(1);
        tracing::warn!(
            order_id = %ask.order_id, notice_id = %ask.notice_id, put_off = ask.put_off, error = why,
            "a notice is tried again later"
        );
        let wait = self.waits().wait_after(ask.put_off);
        let mut again = ask.job(work.at() + wait);
        again.origin.clone_from(&job.origin);
        work.schedule(again);
    }

    /// What must be known comes from another context, which may be slower than the one whose event this is.
    fn look_again_soon(&self, mut ask: Ask, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        ask.looks = ask.looks.saturating_add(1);
        let mut again = ask.job(work.at() + self.settings.facts_wait);
        again.origin.clone_from(&job.origin);
        work.schedule(again);
        Ok(())
    }
}
