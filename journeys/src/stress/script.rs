//! What the people of one order mean to do, and when.

use std::time::Duration;

use super::chance::Chance;

/// How many stores there are on a day.
pub(super) const STORES: usize = 2;
/// How many customers.
pub(super) const CUSTOMERS: usize = 12;
/// How many riders.
pub(super) const RIDERS: usize = 8;

/// What the people of one order mean to do. All times but `at` are after the one before.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// Which of the day's.
    pub(super) number: usize,
    /// When it is placed, after the day's beginning.
    pub(super) at: Duration,
    pub(super) customer: usize,
    pub(super) store: usize,
    pub(super) plate: Plate,
    /// How the customer pays, as the simulated provider understands it.
    pub(super) token: &'static str,
    /// How the customer pays where that came to nothing, and how often.
    pub(super) pays_again: Vec<&'static str>,
    pub(super) wishes: Vec<(Duration, Wish)>,
    pub(super) kitchen: Kitchen,
    pub(super) road: Road,
    pub(super) confirms: bool,
    /// What an operator does, so long after it was placed.
    pub(super) operator: Option<(Duration, Operator)>,
}

/// How many of each a customer wishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Plate {
    /// There are many.
    pub(super) chicken: u32,
    /// There are few.
    pub(super) cola: u32,
    /// As dear as cola, and there are many.
    pub(super) cider: u32,
    /// Nobody counts it, and its price rises during the day.
    pub(super) gimbap: u32,
    /// Whether it goes to the other address.
    pub(super) elsewhere: bool,
    /// How often the note was written anew.
    pub(super) notes: u32,
}

/// What a customer wishes of an order that was placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// One more chicken.
    Dearer,
    /// One chicken less, or what else can be left out.
    Cheaper,
    /// Another drink.
    AsDear,
    /// Another note.
    Note,
    /// Another address.
    Address,
    /// Nothing any more.
    Cancel,
}

/// How a kitchen goes about a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kitchen {
    /// Accepts, starts and finishes, each so long after the one before.
    Cooks { accept: Duration, start: Duration, finish: Duration },
    /// Turns it away.
    Rejects { after: Duration },
    /// Says nothing.
    Sleeps,
    /// Accepts, and forgets it.
    ForgetsToStart { accept: Duration },
    /// Starts, and forgets it.
    ForgetsToFinish { accept: Duration, start: Duration },
}

/// How the riders go about a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Road {
    /// Claim, pick up and bring it, each so long after the one before; `releases` times it is given back first.
    Brings { step: Duration, releases: u32 },
    /// Claim it, and forget it.
    ForgetsToPickUp,
    /// Pick it up, and are not seen again.
    Vanishes,
    /// Nobody claims it.
    Nobody,
}

/// What an operator does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    /// Cancels it; all of the money goes back.
    CancelsInFull,
    /// Cancels it; so many hundredths of what it costs go back.
    CancelsInPart(u64),
    /// Gives so much back, whatever became of it.
    Refunds(u64),
}

impl Script {
    /// The scripts of a day on which orders are placed for so long, in the order of their times.
    pub(super) fn of_a_day(seed: u64, orders: usize, lasts: Duration) -> Vec<Self> {
        let mut chance = Chance::of(seed, "people");
        let most = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        let mut times: Vec<Duration> = (0..orders).map(|_| chance.between(0, most)).collect();
        times.sort();
        times.into_iter().enumerate().map(|(number, at)| Self::write(number, at, &mut chance)).collect()
    }

    fn write(number: usize, at: Duration, chance: &mut Chance) -> Self {
        let plate = Plate {
            chicken: 1 + u32::from(chance.percent(50)),
            cola: u32::from(chance.percent(60)),
            cider: 0,
            gimbap: u32::from(chance.percent(30)),
            elsewhere: false,
            notes: 0,
        };
        let token = chance.among(&[
            (30, "sim_approve"),
            (24, "sim_silence"),
            (6, "sim_slow"),
            (8, "sim_decline"),
            (8, "sim_fail"),
            (14, "sim_refund_fails_once"),
            (10, "sim_decline_extra"),
        ]);
        let again = [(60, "sim_approve"), (20, "sim_silence"), (20, "sim_refund_fails_once")];
        let pays_again = (0..chance.below(4)).map(|_| chance.among(&again)).collect();
        Self {
            number,
            at,
            customer: chance.below(CUSTOMERS),
            store: chance.below(STORES),
            plate,
            token,
            pays_again,
            wishes: wishes(chance),
            kitchen: kitchen(chance),
            road: road(chance),
            confirms: chance.percent(60),
            operator: chance.percent(18).then(|| (chance.between(500, 9_000), operator(chance))),
        }
    }
}

fn wishes(chance: &mut Chance) -> Vec<(Duration, Wish)> {
    let count = chance.among(&[(35, 0), (40, 1), (18, 2), (7, 3)]);
    let wish = [
        (34, Wish::Dearer),
        (20, Wish::Cheaper),
        (10, Wish::AsDear),
        (8, Wish::Note),
        (8, Wish::Address),
        (20, Wish::Cancel),
    ];
    (0..count).map(|_| (chance.between(100, 3_000), chance.among(&wish))).collect()
}

fn kitchen(chance: &mut Chance) -> Kitchen {
    let accept = chance.between(200, 1_800);
    // Whoever wishes a change needs a kitchen that has not begun.
    let start = chance.between(300, 4_000);
    let finish = chance.between(200, 1_500);
    chance.among(&[
        (72, Kitchen::Cooks { accept, start, finish }),
        (8, Kitchen::Rejects { after: accept }),
        (8, Kitchen::Sleeps),
        (7, Kitchen::ForgetsToStart { accept }),
        (5, Kitchen::ForgetsToFinish { accept, start }),
    ])
}

fn road(chance: &mut Chance) -> Road {
    let step = chance.between(200, 1_200);
    chance.among(&[
        (66, Road::Brings { step, releases: 0 }),
        (16, Road::Brings { step, releases: 1 }),
        (5, Road::ForgetsToPickUp),
        (6, Road::Vanishes),
        (7, Road::Nobody),
    ])
}

fn operator(chance: &mut Chance) -> Operator {
    let part = u64::try_from(10 + chance.below(80)).unwrap_or(10);
    chance.among(&[(40, Operator::CancelsInFull), (35, Operator::CancelsInPart(part)), (25, Operator::Refunds(1_000))])
}

impl Plate {
    /// What it is once a wish has come true; nothing where the wish is for no plate.
    pub(super) fn after(self, wish: Wish) -> Option<Self> {
        Some(match wish {
            Wish::Dearer => Self { chicken: self.chicken + 1, ..self },
            Wish::Cheaper if self.chicken > 1 => Self { chicken: self.chicken - 1, ..self },
            Wish::Cheaper => Self { cola: 0, cider: 0, gimbap: 0, ..self },
            Wish::AsDear => Self { cola: self.cider, cider: self.cola, ..self },
            Wish::Note => Self { notes: self.notes + 1, ..self },
            Wish::Address => Self { elsewhere: !self.elsewhere, ..self },
            Wish::Cancel => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_day() {
        let day = |seed| format!("{:?}", Script::of_a_day(seed, 40, Duration::from_secs(10)));
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }
}
