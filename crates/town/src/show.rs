//! What the terminal shows: a line per order step, and one line of progress under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Zoned;

/// The terminal, or nothing. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Show {
    quiet: bool,
    progress: ProgressBar,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    placed: AtomicU64,
    completed: AtomicU64,
    canceled: AtomicU64,
    rejected: AtomicU64,
}

impl Show {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, progress: ProgressBar::hidden(), counts: Arc::default() }
    }

    /// Shows people arriving.
    pub(crate) fn arrivals(&self, all: u64) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("the town moves in {wide_bar} {pos}/{len}");
        ProgressBar::new(all).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// Says something once.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            println!("{text}");
        }
    }

    /// Begins the line of progress.
    pub(crate) fn begin(&self) {
        if self.quiet {
            return;
        }
        let style = ProgressStyle::with_template("{spinner} {elapsed_precise}  {msg}");
        self.progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        self.progress.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        self.progress.enable_steady_tick(Duration::from_millis(250));
    }

    /// Shows that an order got to a status.
    pub(crate) fn step(&self, order_no: &str, status: &str, what: &str) {
        match status {
            "awaiting_payment" => self.counts.placed.fetch_add(1, Ordering::Relaxed),
            "completed" => self.counts.completed.fetch_add(1, Ordering::Relaxed),
            "canceled" => self.counts.canceled.fetch_add(1, Ordering::Relaxed),
            "rejected" => self.counts.rejected.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        if self.quiet {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "it is shown to whoever sits before the terminal")]
        let time = Zoned::now().strftime("%H:%M:%S").to_string();
        self.line(&format!("{time}  {order_no}  {status:16}  {}  {what}", in_korean(status)));
        self.progress.set_message(self.counts.told());
    }

    /// Shows a line above the progress, also where there is no terminal to draw progress on.
    fn line(&self, line: &str) {
        if self.progress.is_hidden() {
            println!("{line}");
        } else {
            self.progress.println(line);
        }
    }
}

impl Counts {
    fn told(&self) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (placed, completed) = (read(&self.placed), read(&self.completed));
        let (canceled, rejected) = (read(&self.canceled), read(&self.rejected));
        let open = placed.saturating_sub(completed + canceled + rejected);
        format!(
            "{placed} placed · {open} under way · {completed} completed · {canceled} canceled · {rejected} rejected"
        )
    }
}

/// A status as a Korean app shows it, padded to one width (Korean letters take two columns).
fn in_korean(status: &str) -> String {
    let word = match status {
        "awaiting_payment" => "결제 대기",
        "paid" => "결제 완료",
        "accepted" => "주문 수락",
        "cooking" => "조리 중",
        "cooked" => "조리 완료",
        "rider_assigned" => "라이더 배정",
        "picked_up" => "배달 중",
        "delivered" => "배달 완료",
        "completed" => "거래 완료",
        "canceled" => "주문 취소",
        "rejected" => "주문 거절",
        _ => "",
    };
    let columns: usize = word.chars().map(|letter| if letter == ' ' { 1 } else { 2 }).sum();
    format!("{word}{}", " ".repeat(11_usize.saturating_sub(columns)))
}
