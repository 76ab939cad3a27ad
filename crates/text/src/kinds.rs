//! Every kind of text there is, with its rule and its limits.

use crate::links::Links;
use crate::rule::Rule;
use crate::text::{Kind, Text};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident / $kind:ident: $rule:ident, $least:literal to $most:literal$(, $links:ident)?, $example:literal;)*) => {$(
        $(#[doc = $doc])*
        pub type $name = Text<$kind>;

        #[doc = concat!("The kind of [`", stringify!($name), "`].")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            const NAME: &'static str = stringify!($name);
            const ABOUT: &'static str = concat!($($doc),*);
            const RULE: Rule = Rule::$rule;
            const LEAST: usize = $least;
            const MOST: usize = $most;
            const EXAMPLE: &'static str = $example;
            $(const LINKS: Links = Links::$links;)?
        }
    )*};
}

kinds! {
    /// How a person is addressed.
    PersonName / PersonNameKind: OneLine, 1 to 60, "김지우";
    /// What a store is called. It stands in messages, so it holds no link.
    StoreName / StoreNameKind: OneLine, 1 to 80, Refused, "봉구네 가마솥통닭";
    /// What an item of a menu, an option or a choice is called.
    MenuName / MenuNameKind: OneLine, 1 to 80, "가마솥 후라이드";
    /// The name of an option or a choice, as the menu has it.
    ChosenName / ChosenNameKind: OneLine, 1 to 100, "매운맛";
    /// A postal address, as written on a parcel.
    Address / AddressKind: OneLine, 1 to 200, "서울 마포구 포은로 95 1층";
    /// What a customer says to the store and the rider.
    Note / NoteKind: Lines, 0 to 500, "문 앞에 놓아 주세요";
    /// What an item of a menu is.
    Description / DescriptionKind: Lines, 0 to 500, "바삭하게 튀겼어요.";
    /// What a store says when an order is completed. It is sent to phones, so it holds no link.
    ThanksMessage / ThanksMessageKind: Lines, 1 to 500, Refused, "주문해 주셔서 고맙습니다!";
    /// Why somebody ends an order, in words, or nothing.
    Reason / ReasonKind: Lines, 0 to 200, "주소를 잘못 적었어요";
    /// Why an operator does something that others bear: it must be said.
    StatedReason / StatedReasonKind: Lines, 1 to 200, "콜라가 빠졌어요";
    /// Why a kitchen does not cook an order, in words for the customer.
    RejectText / RejectTextKind: Lines, 0 to 500, "오늘 닭이 떨어졌어요";
}
