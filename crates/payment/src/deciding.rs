//! Decides a command of a payment, writes its postings and whether it is settled: the only way that payments are
//! changed, so that no event is without its entry in the ledger.

use baedal_contracts::OrderId;
use baedal_kit::{Failure, Origin};
use baedal_kit_runtime::service::{CommandError, Done};
use baedal_kit_runtime::unit_of_work::Decision;
use baedal_kit_runtime::{Service, UnitOfWork};

use crate::domain::{Command, Event, Payment, Refusal};
use crate::{ledger, unsettled};

async fn decide(work: &mut UnitOfWork, order_id: OrderId, command: Command) -> Result<Decision<Payment>, Failure> {
    let decision = work.decide::<Payment>(&order_id, command).await?;
    if let Ok(events) = &decision
        && !events.is_empty()
    {
        ledger::post(work, order_id, events)?;
        let payment = work.load::<Payment>(&order_id).await?;
        unsettled::keep(work, order_id, &payment, events)?;
    }
    Ok(decision)
}

/// Decides a command that an event, a job or the provider asks for, as part of `work`.
pub(crate) async fn tell(work: &mut UnitOfWork, order_id: OrderId, command: Command) -> Result<Vec<Event>, Failure> {
    let asked: &'static str = (&command).into();
    decide(work, order_id, command)
        .await?
        .map_err(|refusal| Failure::broken(format!("{asked} was refused by payment {order_id}: {refusal}")))
}

/// Decides a command and commits what happens.
pub(crate) async fn command(
    service: &Service,
    origin: &Origin,
    order_id: OrderId,
    command: Command,
) -> Result<Done<Payment>, CommandError<Refusal>> {
    let ((state, events), position) = service
        .execute(origin, |work| {
            let command = command.clone();
            Box::pin(async move {
                let events = decide(work, order_id, command).await?.map_err(CommandError::Refused)?;
                Ok::<_, CommandError<Refusal>>((work.load::<Payment>(&order_id).await?, events))
            })
        })
        .await?;
    Ok(Done { state, events, position })
}
