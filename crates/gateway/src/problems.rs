//! Why the gateway says no, beside what every part of the platform says.

baedal_kit_http::problem_types! {
    TIMED_OUT = (504, "timed_out", "It took too long", "No answer came in time. Whether anything was changed is not known: look before you do it again. A command repeated with the same `Idempotency-Key`, or one that says what should be, is done once.");
    TOO_MANY_STREAMS = (429, "too_many_streams", "Too many live streams", "Your account, or the network address you come from, holds as many live streams open as it may. Close one, or ask for the state now and then instead.");
}
