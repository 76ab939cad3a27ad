//! How long cooking takes.

baedal_contracts::whole! {
    /// Minutes of cooking.
    pub(crate) struct CookMinutes(u32): [5, 90], 25;
}

impl From<CookMinutes> for u32 {
    fn from(minutes: CookMinutes) -> Self {
        minutes.get()
    }
}
