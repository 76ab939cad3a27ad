//! Forgets refresh tokens that have expired, and codes that were sent to phones, a day's worth at a time.

use async_trait::async_trait;
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::{JobHandler, UnitOfWork};

use crate::codes::PHONE_CODES;
use crate::tokens::{FAMILIES, TOKENS, tag_of_day};

/// The job; its key is the day on which the tokens expired.
pub(crate) const FORGET_TOKENS: &str = "forget_tokens";
/// How many documents of a kind are forgotten in one commit.
const BATCH: usize = 500;

/// Forgets the tokens and families that expired on a day, which is over.
pub(crate) struct ForgetTokens;

#[async_trait]
impl JobHandler for ForgetTokens {
    fn kinds(&self) -> &'static [&'static str] {
        &[FORGET_TOKENS]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let mut any_left = false;
        for view in [TOKENS, FAMILIES, PHONE_CODES] {
            // What expired is never written again, so nothing that is still good carries the day's tag.
            let query = Query {
                select: Select::Tag(tag_of_day(&job.key)),
                direction: Direction::Ascending,
                after: None,
                limit: BATCH,
            };
            let expired = work.service().database().list(&work.service().view_name(view), query).await?;
            any_left |= expired.len() == BATCH;
            for document in expired {
                work.delete(view, &document.id);
            }
        }
        if any_left {
            work.schedule(Job::new(FORGET_TOKENS, &job.key, work.at()));
        }
        Ok(())
    }
}
