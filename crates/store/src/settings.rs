//! What can be set about stores.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The deadlines of a kitchen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a kitchen has to answer a ticket before it is rejected.
    pub answer_within: SignedDuration,
    /// How long this service must have been there to be asked, without a break, before a ticket is rejected because
    /// the kitchen has not answered. Where it was away, a kitchen has longer than `answer_within`.
    pub least_answer_time: SignedDuration,
    /// How long a kitchen holds still for a change that costs more.
    pub change_lock: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_within: SignedDuration::from_mins(5),
            least_answer_time: SignedDuration::from_mins(2),
            change_lock: SignedDuration::from_secs(30),
        }
    }
}

impl Settings {
    /// The same, with every deadline so many times as soon.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        Self {
            answer_within: self.answer_within.div_f64(times),
            least_answer_time: self.least_answer_time.div_f64(times),
            change_lock: self.change_lock.div_f64(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let settings: Settings = serde_json::from_str(r#"{"answer_within": "10m"}"#).expect("settings");
        assert_eq!(settings.answer_within, SignedDuration::from_mins(10));
        assert_eq!(settings.change_lock, Settings::default().change_lock);
        let kept = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(serde_json::from_str::<Settings>(&kept).expect("settings"), settings);
        assert!(serde_json::from_str::<Settings>(r#"{"answer": "10m"}"#).is_err());
    }

    #[test]
    fn a_town_in_a_hurry_answers_sooner() {
        let settings = Settings::default().sped_up(10.0);
        assert_eq!(settings.answer_within, SignedDuration::from_secs(30));
        assert_eq!(settings.least_answer_time, SignedDuration::from_secs(12));
        assert_eq!(settings.change_lock, SignedDuration::from_secs(3));
    }
}
