//! Decides a ticket and the stock together, in one unit of work, so that they always agree.

use baedal_contracts::OrderId;
use baedal_kit::{Failure, Named, Origin};
use baedal_kit_runtime::service::{CommandError, Done};
use baedal_kit_runtime::unit_of_work::Decision;
use baedal_kit_runtime::{Service, UnitOfWork};
use jiff::Timestamp;

use crate::domain::ticket::{Change, Command, Refusal, Slip};
use crate::domain::{Portions, Stock, Ticket, stock};

#[cfg(test)]
mod tests;

/// Decides a command of a ticket; what goes back to the stock by it goes back.
pub(crate) async fn decide(
    work: &mut UnitOfWork,
    order_id: OrderId,
    command: Command,
) -> Result<Decision<Ticket>, Failure> {
    let decision = work.decide::<Ticket>(&order_id, command).await?;
    let returned: Vec<_> = decision.iter().flatten().filter_map(|event| event.returned().cloned()).collect();
    if returned.is_empty() {
        return Ok(decision);
    }
    let ticket = work.load::<Ticket>(&order_id).await?;
    let Some(sheet) = ticket.sheet() else {
        return Err(Failure::broken(format!("ticket {order_id} gives back what it cannot have")));
    };
    for portions in returned {
        work.command::<Stock>(&sheet.slip.store.store_id, stock::Command::ReturnStock { order_id, portions }).await?;
    }
    Ok(decision)
}

/// Decides a command that an event or a deadline asks for, and that must not be refused.
pub(crate) async fn tell(work: &mut UnitOfWork, order_id: OrderId, command: Command) -> Result<(), Failure> {
    let asked = command.name();
    match decide(work, order_id, command).await? {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Failure::broken(format!("{asked} was refused by ticket {order_id}: {refusal}"))),
    }
}

/// Opens a ticket with what it needs of the stock; where the stock is short, nothing is taken and the
/// kitchen is not bothered.
pub(crate) async fn open(
    work: &mut UnitOfWork,
    order_id: OrderId,
    slip: Slip,
    answer_by: Timestamp,
) -> Result<(), Failure> {
    if *work.load_new::<Ticket>(&order_id).await? != Ticket::Unopened {
        return Ok(());
    }
    let needs = Portions::of(&slip.items);
    let slip = Box::new(slip);
    let command = match take(work, order_id, &slip, needs).await? {
        Ok(taken) => Command::OpenTicket { slip, taken, answer_by },
        Err(short) => {
            tracing::debug!(%order_id, %short, "an order is turned away");
            Command::TurnAway { slip, short }
        }
    };
    tell(work, order_id, command).await
}

/// Changes a ticket at once, or holds it for a change until `hold_until`, with what that needs of the stock.
pub(crate) async fn change(
    work: &mut UnitOfWork,
    order_id: OrderId,
    change: Change,
    hold_until: Option<Timestamp>,
) -> Result<(), Failure> {
    if let Some(change_id) = work.load::<Ticket>(&order_id).await?.overtaken_by(change.change_id) {
        tell(work, order_id, Command::PutChangeBack { change_id }).await?;
    }
    let ticket = work.load::<Ticket>(&order_id).await?;
    let needs = ticket.needs(&change);
    let taken = match ticket.sheet() {
        Some(sheet) if !needs.is_empty() => take(work, order_id, &sheet.slip, needs).await?,
        Some(_) | None => Ok(Portions::default()),
    };
    tell(work, order_id, Command::ChangeTicket { change, taken, hold_until }).await
}

/// Takes what is counted of `portions` from the stock of the slip's store: all of it, or nothing.
async fn take(
    work: &mut UnitOfWork,
    order_id: OrderId,
    slip: &Slip,
    portions: Portions,
) -> Result<Result<Portions, stock::Short>, Failure> {
    let command = stock::Command::TakeStock { order_id, portions };
    match work.decide::<Stock>(&slip.store.store_id, command).await? {
        Ok(events) => Ok(Ok(stock::taken(&events))),
        Err(stock::Refusal::Short(short)) => Ok(Err(short)),
        Err(
            refusal @ (stock::Refusal::NotCounted
            | stock::Refusal::BelowZero { .. }
            | stock::Refusal::TooMany { .. }
            | stock::Refusal::ChangedSince { .. }),
        ) => Err(Failure::broken(format!("an owner's refusal to order {order_id}: {refusal}"))),
    }
}

/// Decides a command of somebody in the kitchen, who may have heard of the order before we have.
pub(crate) async fn command(
    service: &Service,
    origin: &Origin,
    order_id: OrderId,
    command: Command,
) -> Result<Done<Ticket>, CommandError<Refusal>> {
    let may_be_lag = |undone: &CommandError<Refusal>| matches!(undone, CommandError::Refused(_));
    service.retry_after_catch_up(may_be_lag, || try_command(service, origin, order_id, &command)).await
}

async fn try_command(
    service: &Service,
    origin: &Origin,
    order_id: OrderId,
    command: &Command,
) -> Result<Done<Ticket>, CommandError<Refusal>> {
    let (decided, position) = service
        .execute(origin, |work| {
            let command = command.clone();
            Box::pin(async move {
                let events = decide(work, order_id, command).await?.map_err(CommandError::Refused)?;
                Ok::<_, CommandError<Refusal>>((work.load::<Ticket>(&order_id).await?, events))
            })
        })
        .await?;
    Ok(Done { state: decided.0, events: decided.1, position })
}
