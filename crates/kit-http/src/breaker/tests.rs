//! The breaker against scenarios, and against a naive model that counts the whole history anew each time.

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::time::{Clock, Instant, ManualClock};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Breaker, BreakerSettings, Open, Permit, State, Window};

const START: Timestamp = Timestamp::constant(1_795_230_000, 0);

fn breaker(settings: BreakerSettings) -> (Breaker, ManualClock) {
    let clock = ManualClock::at(START);
    (Breaker::new("test", settings, Arc::new(clock.clone())), clock)
}

fn succeed(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        breaker.try_acquire().unwrap().success();
    }
}

fn fail(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        breaker.try_acquire().unwrap().failure();
    }
}

fn refused(breaker: &Breaker) -> Duration {
    match breaker.try_acquire() {
        Err(Open { retry_after }) => retry_after,
        Ok(_) => panic!("was let through"),
    }
}

#[test]
fn half_of_the_calls_failing_opens_it_once_there_are_enough() {
    let (breaker, _) = breaker(BreakerSettings::default());
    fail(&breaker, 9);
    assert_eq!(breaker.snapshot().state, State::Closed);
    fail(&breaker, 1);
    let seen = breaker.snapshot();
    assert_eq!((seen.state, seen.calls, seen.failures), (State::Open, 10, 10));
    assert_eq!(refused(&breaker), Duration::from_secs(5));
    assert_eq!(breaker.snapshot().not_permitted, 1);
}

#[test]
fn a_long_good_past_does_not_hide_a_bad_present() {
    let (breaker, _) = breaker(BreakerSettings { window: Window::Count(10), ..BreakerSettings::default() });
    succeed(&breaker, 1000);
    fail(&breaker, 4);
    assert_eq!(breaker.snapshot().state, State::Closed);
    fail(&breaker, 1);
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[test]
fn slow_calls_open_it_though_they_succeed() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    for _ in 0..10 {
        let permit = breaker.try_acquire().unwrap();
        clock.advance(SignedDuration::from_millis(1001));
        permit.success();
    }
    let seen = breaker.snapshot();
    assert_eq!((seen.state, seen.failures, seen.slow), (State::Open, 0, 10));
    assert_eq!(seen.transitions[0].why, "10 of 10 calls were slow");
}

#[test]
fn trials_that_succeed_close_it() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    fail(&breaker, 10);
    clock.advance(SignedDuration::from_secs(5));
    assert_eq!(breaker.snapshot().state, State::Open);
    let trials: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    assert_eq!(breaker.snapshot().state, State::HalfOpen);
    assert_eq!(refused(&breaker), Duration::from_secs(1));
    trials.into_iter().for_each(Permit::success);
    let seen = breaker.snapshot();
    assert_eq!((seen.state, seen.calls), (State::Closed, 0));
    let path: Vec<_> = seen.transitions.iter().map(|moved| moved.to).collect();
    assert_eq!(path, [State::Open, State::HalfOpen, State::Closed]);
}

#[test]
fn trials_that_fail_keep_it_open_twice_as_long_up_to_a_limit() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    fail(&breaker, 10);
    for seconds in [5, 10, 20, 40, 60, 60] {
        assert_eq!(refused(&breaker), Duration::from_secs(seconds));
        clock.advance(SignedDuration::from_secs(seconds as i64));
        fail(&breaker, 3);
    }
    clock.advance(SignedDuration::from_secs(60));
    succeed(&breaker, 3);
    fail(&breaker, 10);
    assert_eq!(refused(&breaker), Duration::from_secs(5));
}

#[test]
fn one_failed_trial_of_three_does_not_reopen_it() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    fail(&breaker, 10);
    clock.advance(SignedDuration::from_secs(5));
    fail(&breaker, 1);
    succeed(&breaker, 2);
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[test]
fn a_dropped_permit_gives_its_place_back_and_is_not_counted() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    drop(breaker.try_acquire());
    assert_eq!(breaker.snapshot().calls, 0);
    fail(&breaker, 10);
    clock.advance(SignedDuration::from_secs(5));
    for _ in 0..10 {
        drop(breaker.try_acquire().unwrap());
    }
    succeed(&breaker, 3);
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[test]
fn a_call_from_before_it_opened_is_no_trial() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    let old: Vec<_> = (0..5).map(|_| breaker.try_acquire().unwrap()).collect();
    fail(&breaker, 10);
    clock.advance(SignedDuration::from_secs(5));
    let trial = breaker.try_acquire().unwrap();
    old.into_iter().for_each(Permit::failure);
    assert_eq!((breaker.snapshot().state, breaker.snapshot().calls), (State::HalfOpen, 0));
    trial.success();
    succeed(&breaker, 2);
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[test]
fn seconds_slide_out_of_a_window_of_time() {
    let (breaker, clock) = breaker(BreakerSettings { window: Window::Time(10), ..BreakerSettings::default() });
    fail(&breaker, 9);
    clock.advance(SignedDuration::from_secs(9));
    assert_eq!(breaker.snapshot().calls, 9);
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(breaker.snapshot().calls, 0);
    fail(&breaker, 9);
    assert_eq!(breaker.snapshot().state, State::Closed);
    fail(&breaker, 1);
    clock.advance(SignedDuration::from_secs(4));
    assert_eq!(breaker.snapshot().calls, 10, "what broke it stays to be seen");
}

#[test]
fn a_clock_that_is_set_neither_keeps_it_open_nor_lets_it_go_early() {
    for hours in [-9, 9] {
        let (breaker, clock) = breaker(BreakerSettings::default());
        fail(&breaker, 10);
        clock.step(SignedDuration::from_hours(hours));
        assert_eq!(refused(&breaker), Duration::from_secs(5));
        let until = breaker.snapshot().open_until.unwrap();
        assert_eq!(until, clock.now() + SignedDuration::from_secs(5), "shown by the clock as it is now");
        clock.advance(SignedDuration::from_secs(5));
        succeed(&breaker, 3);
        assert_eq!(breaker.snapshot().state, State::Closed);
    }
}

/// Time passes from one look at it to the next.
struct Passing(ManualClock);

#[async_trait::async_trait]
impl Clock for Passing {
    fn now(&self) -> Timestamp {
        self.0.advance(SignedDuration::from_micros(1));
        self.0.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }

    fn monotonic(&self) -> Instant {
        self.0.advance(SignedDuration::from_micros(1));
        self.0.monotonic()
    }

    async fn sleep_until_instant(&self, at: Instant) {
        self.0.sleep_until_instant(at).await;
    }
}

#[test]
fn one_that_nobody_asks_lets_through_again_when_its_time_is_over() {
    let clock = ManualClock::at(START);
    let breaker = Breaker::new("test", BreakerSettings::default(), Arc::new(Passing(clock.clone())));
    assert!(breaker.lets_through());
    fail(&breaker, 10);
    assert!(!breaker.lets_through());
    clock.advance(SignedDuration::from_secs(4));
    assert!(!breaker.lets_through());
    clock.advance(SignedDuration::from_secs(1));
    assert!(breaker.lets_through(), "whatever it shows: {:?}", breaker.snapshot().open_until);
    assert_eq!(breaker.snapshot().state, State::Open, "nobody has asked");
}

#[test]
fn a_call_during_which_the_clock_is_set_is_not_slow_by_that() {
    let (breaker, clock) = breaker(BreakerSettings::default());
    for _ in 0..10 {
        let permit = breaker.try_acquire().unwrap();
        clock.step(SignedDuration::from_hours(1));
        permit.success();
    }
    assert_eq!((breaker.snapshot().state, breaker.snapshot().slow), (State::Closed, 0));
}

#[test]
fn settings_and_snapshots_travel_as_json() {
    let settings: BreakerSettings =
        serde_json::from_str(r#"{"window": {"time": 30}, "slow_call": "250ms", "open_for": "2s"}"#).unwrap();
    assert_eq!(settings.window, Window::Time(30));
    assert_eq!(settings.slow_call, SignedDuration::from_millis(250));
    assert!(serde_json::from_str::<BreakerSettings>(r#"{"slow": "250ms"}"#).is_err());
    let (breaker, _) = breaker(settings);
    fail(&breaker, 10);
    let seen = breaker.snapshot();
    let read: super::Snapshot = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
    assert_eq!(read, seen);
}

/// What a test does to a breaker.
#[derive(Clone, Debug)]
enum Step {
    Ask,
    Succeed(usize),
    Fail(usize),
    GiveUp(usize),
    Wait(i64),
    /// Somebody sets the wall clock, by so many seconds.
    SetClock(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Ask),
        3 => any::<usize>().prop_map(Step::Succeed),
        3 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::GiveUp),
        3 => (1_i64..1500).prop_map(Step::Wait),
        1 => (-40_000_i64..40_000).prop_map(Step::SetClock),
    ];
    prop::collection::vec(step, 1..300)
}

fn small_settings() -> impl Strategy<Value = BreakerSettings> {
    let window = prop_oneof![(1_u32..12).prop_map(Window::Count), (1_u32..6).prop_map(Window::Time)];
    let rates = (1_u32..=10, 1_u32..=10);
    let times = (100_i64..2000, 100_i64..4000);
    (window, 1_u32..8, rates, times, 1_u32..5).prop_map(|(window, minimum_calls, rates, times, half_open_calls)| {
        BreakerSettings {
            window,
            minimum_calls,
            failure_rate: f64::from(rates.0) / 10.0,
            slow_call: SignedDuration::from_millis(times.0),
            slow_rate: f64::from(rates.1) / 10.0,
            open_for: SignedDuration::from_millis(times.1),
            open_for_most: SignedDuration::from_millis(times.1 * 5),
            half_open_calls,
        }
    })
}

/// The model: everything that ever happened, counted anew at every question.
struct Model {
    settings: BreakerSettings,
    state: State,
    since: usize,
    until: Instant,
    wait: SignedDuration,
    stretch: u32,
    under_way: usize,
    /// When each counted call ended, and whether it failed and was slow.
    history: Vec<(Instant, bool, bool)>,
}

impl Model {
    fn new(settings: BreakerSettings) -> Self {
        let (wait, history) = (settings.open_for, Vec::new());
        let until = Instant::default();
        Self { settings, state: State::Closed, since: 0, until, wait, stretch: 0, under_way: 0, history }
    }

    fn counts(&self, now: Instant) -> (usize, usize, usize) {
        let stretch = &self.history[self.since..];
        let window: Vec<_> = match (self.state, self.settings.window) {
            (State::Closed, Window::Count(size)) => stretch.iter().rev().take(size as usize).collect(),
            (State::Closed, Window::Time(seconds)) => {
                stretch.iter().filter(|(at, ..)| at.second() > now.second() - i64::from(seconds)).collect()
            }
            _ => stretch.iter().collect(),
        };
        let failures = window.iter().filter(|(_, failed, _)| *failed).count();
        (window.len(), failures, window.iter().filter(|(_, _, slow)| *slow).count())
    }

    fn enter(&mut self, state: State) {
        (self.state, self.since, self.under_way) = (state, self.history.len(), 0);
        self.stretch += 1;
    }

    fn ask(&mut self, now: Instant) -> bool {
        if self.state == State::Open && now >= self.until {
            self.enter(State::HalfOpen);
        }
        let trials = self.history.len() - self.since + self.under_way;
        let pass = match self.state {
            State::Closed => true,
            State::Open => false,
            State::HalfOpen => trials < self.settings.half_open_calls as usize,
        };
        self.under_way += usize::from(pass);
        pass
    }

    fn end(&mut self, stretch: u32, begun: Instant, failed: bool, now: Instant) {
        if stretch != self.stretch {
            return;
        }
        self.under_way -= 1;
        self.history.push((now, failed, now.duration_since(begun) > self.settings.slow_call));
        let (calls, failures, slow) = self.counts(now);
        let enough = match (self.state, self.settings.window) {
            (State::Closed, Window::Count(size)) => self.settings.minimum_calls.min(size),
            (State::Closed, Window::Time(_)) => self.settings.minimum_calls,
            _ => self.settings.half_open_calls,
        };
        if calls < enough as usize {
            return;
        }
        let bad = failures as f64 / calls as f64 >= self.settings.failure_rate
            || slow as f64 / calls as f64 >= self.settings.slow_rate;
        if bad {
            self.wait = match self.state {
                State::HalfOpen => (self.wait * 2).min(self.settings.open_for_most),
                _ => self.settings.open_for,
            };
            self.until = now + self.wait;
            self.enter(State::Open);
        } else if self.state == State::HalfOpen {
            self.enter(State::Closed);
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_counting_the_whole_history_says(settings in small_settings(), steps in steps()) {
        let (breaker, clock) = breaker(settings.clone());
        let mut model = Model::new(settings);
        let mut permits: Vec<(Permit, u32, Instant)> = Vec::new();
        let pick = |permits: &mut Vec<(Permit, u32, Instant)>, which: usize| {
            if permits.is_empty() { None } else { Some(permits.swap_remove(which % permits.len())) }
        };
        for step in steps {
            let now = clock.monotonic();
            match step {
                Step::Wait(millis) => clock.advance(SignedDuration::from_millis(millis)),
                Step::SetClock(seconds) => clock.step(SignedDuration::from_secs(seconds)),
                Step::Ask => {
                    let asked = breaker.try_acquire();
                    prop_assert_eq!(asked.is_ok(), model.ask(now));
                    match asked {
                        Ok(permit) => permits.push((permit, model.stretch, now)),
                        Err(Open { retry_after }) if model.state == State::Open => {
                            prop_assert_eq!(retry_after, model.until.duration_since(now).unsigned_abs());
                        }
                        Err(_) => {}
                    }
                }
                Step::Succeed(which) => if let Some((permit, stretch, begun)) = pick(&mut permits, which) {
                    permit.success();
                    model.end(stretch, begun, false, now);
                },
                Step::Fail(which) => if let Some((permit, stretch, begun)) = pick(&mut permits, which) {
                    permit.failure();
                    model.end(stretch, begun, true, now);
                },
                Step::GiveUp(which) => if let Some((permit, stretch, _)) = pick(&mut permits, which) {
                    drop(permit);
                    model.under_way -= usize::from(stretch == model.stretch);
                },
            }
            let seen = breaker.snapshot();
            prop_assert_eq!(seen.state, model.state);
            let left = seen.open_until.map(|until| until.duration_since(clock.now()));
            let models = (model.state == State::Open).then(|| model.until.duration_since(clock.monotonic()));
            prop_assert_eq!(left, models);
            if model.state != State::Open {
                let counted = (seen.calls as usize, seen.failures as usize, seen.slow as usize);
                prop_assert_eq!(counted, model.counts(clock.monotonic()));
            }
        }
    }
}
