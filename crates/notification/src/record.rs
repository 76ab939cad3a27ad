//! Keeps what became of a notice: its event and its document, in one commit.

use baedal_contracts::notification::Channel;
use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;

use crate::ask::Letter;
use crate::domain::Notice;
use crate::domain::notice::{About, Command};
use crate::views::{NOTICES, NoticeDocument, Outcome, recipient_tag};

/// Shown in the app.
pub(crate) async fn in_app(letter: &Letter, work: &mut UnitOfWork) -> Result<(), Failure> {
    sent(letter, letter.template.render(&letter.variables), Channel::InApp, work).await
}

/// Taken by a channel.
pub(crate) async fn sent(
    letter: &Letter,
    text: String,
    channel: Channel,
    work: &mut UnitOfWork,
) -> Result<(), Failure> {
    let command = Command::MarkSent { about: about(letter), channel };
    keep(letter, command, text, channel, None, work).await
}

/// Taken by none; the last was `channel`.
pub(crate) async fn failed(
    letter: &Letter,
    text: String,
    channel: Channel,
    reason: String,
    work: &mut UnitOfWork,
) -> Result<(), Failure> {
    tracing::error!(
        order_id = %letter.order_id, notice_id = %letter.notice_id, template = letter.template.code(), reason,
        "a notice reached nobody"
    );
    let command = Command::MarkFailed { about: about(letter), reason: reason.clone() };
    keep(letter, command, text, channel, Some(reason), work).await
}

async fn keep(
    letter: &Letter,
    command: Command,
    text: String,
    channel: Channel,
    reason: Option<String>,
    work: &mut UnitOfWork,
) -> Result<(), Failure> {
    if work.command::<Notice>(&letter.notice_id, command).await?.is_empty() {
        return Ok(());
    }
    let outcome = if reason.is_none() { "sent" } else { "failed" };
    metrics::counter!("baedal_notices_total", "channel" => channel.to_string(), "outcome" => outcome).increment(1);
    let document = NoticeDocument {
        notice_id: letter.notice_id,
        order_id: letter.order_id,
        recipient_id: letter.recipient_id,
        template: letter.template.code().to_owned(),
        channel,
        text,
        variables: letter.variables.clone(),
        outcome: if reason.is_none() { Outcome::Sent } else { Outcome::Failed },
        reason,
        at: work.at(),
    };
    work.put(NOTICES, &letter.notice_id.to_string(), &document, [recipient_tag(letter.recipient_id)])
}

fn about(letter: &Letter) -> About {
    About { order_id: letter.order_id, recipient_id: letter.recipient_id, template: letter.template.code().to_owned() }
}
