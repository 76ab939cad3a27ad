//! How long payment waits for whom, and how much it does at once.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Payment's settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long whoever asks for money waits for the provider before being told that it is being verified.
    pub answer_limit: SignedDuration,
    /// How long a call that takes money may run. Must be shorter than `unknown_after`.
    pub charge_limit: SignedDuration,
    /// How many calls that take money for orders may run at once; further ones fail at once, and take nothing.
    pub charges_at_once: u32,
    /// How many calls that take the extra of a change may run at once. Extra charges, refunds and look-ups each have
    /// a number of their own, so that a provider that hangs in one of them holds up none of the others.
    pub extras_at_once: u32,
    /// How many calls that give money back may run at once; further refunds wait.
    pub refunds_at_once: u32,
    /// How many calls that look something up may run at once; further ones wait.
    pub look_ups_at_once: u32,
    /// How long any other call to the provider may run.
    pub call_limit: SignedDuration,
    /// How long after it began an attempt without an answer is first looked up.
    pub look_up_after: SignedDuration,
    /// How long a process must have looked for an attempt before the provider's not knowing it means that it took
    /// nothing.
    pub unknown_after: SignedDuration,
    /// After how long an operator is shown an attempt whose outcome is not known, though its order goes on.
    pub attempt_stuck_after: SignedDuration,
    /// How often our book is compared with the provider's.
    pub reconcile_every: SignedDuration,
    /// What of the price of the food is ours, in percent.
    pub platform_fee_percent: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_limit: SignedDuration::from_millis(1500),
            charge_limit: SignedDuration::from_secs(30),
            charges_at_once: 256,
            extras_at_once: 16,
            refunds_at_once: 16,
            look_ups_at_once: 16,
            call_limit: SignedDuration::from_secs(5),
            look_up_after: SignedDuration::from_secs(5),
            unknown_after: SignedDuration::from_secs(60),
            attempt_stuck_after: SignedDuration::from_mins(5),
            reconcile_every: SignedDuration::from_mins(10),
            platform_fee_percent: 0,
        }
    }
}
