//! How reasons, amounts, times and lists are said in Korean.

use baedal_contracts::Won;
use baedal_contracts::order::{ChangeRefusal, Line};
use baedal_contracts::store::RejectReason;
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

/// An amount, as `18,500원`.
pub(crate) fn amount(won: Won) -> String {
    format!("{won}원")
}

/// A time of day in Korea (UTC+9 all year), as `19:05`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(offset(9))).strftime("%H:%M").to_string()
}

/// A stretch of a day in Korea, as `19:05~19:20`.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> String {
    format!("{}~{}", time_of_day(from), time_of_day(to))
}

/// What is ordered, in short, as `후라이드 치킨 2개 외 3건`.
pub(crate) fn items(lines: &[Line]) -> String {
    let Some(first) = lines.first() else { return "메뉴 없음".to_owned() };
    let more = match lines.len() - 1 {
        0 => String::new(),
        others => format!(" 외 {others}건"),
    };
    format!("{} {}개{more}", first.name, first.quantity)
}

/// What a change does to the price, as `3,000원 추가 결제`.
pub(crate) fn difference(from: Won, to: Won) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("{} 추가 결제", amount(to.less(from))),
        std::cmp::Ordering::Equal => "금액 변동 없음".to_owned(),
        std::cmp::Ordering::Greater => format!("{} 환불 예정", amount(from.less(to))),
    }
}

/// Why a payment was declined. Providers know many reasons; what a customer can act on is said.
pub(crate) fn declined(reason: &str) -> &'static str {
    match reason {
        "insufficient_funds" => "잔액이나 한도가 부족해요",
        "expired_card" => "유효기간이 지난 카드예요",
        "provider_error" | "not_received" => "결제사에 문제가 있어 결제하지 못했어요",
        _ => "결제 수단을 확인해 주세요",
    }
}

/// Why a store took no order; `text` is in the store's own words, be it a sentence or the name of the item
/// that is out, and may be empty.
pub(crate) fn rejected(reason: RejectReason, text: &str) -> String {
    let known = match reason {
        RejectReason::OutOfStock => "재료가 모두 소진됐어요",
        RejectReason::Closed => "가게 영업이 끝났어요",
        RejectReason::TooBusy => "주문이 많아 지금은 조리하기 어려워요",
        RejectReason::CannotDeliver => "배달하기 어려운 지역이에요",
        RejectReason::StoreTimeout => "가게에서 제시간에 확인하지 못했어요",
        RejectReason::Other => return or(text, "가게 사정으로 준비하기 어려워요"),
    };
    if text.trim().is_empty() { known.to_owned() } else { format!("{known} ({})", text.trim()) }
}

/// Why a change did not happen.
pub(crate) fn change_refused(reason: ChangeRefusal) -> &'static str {
    match reason {
        ChangeRefusal::CookingStarted => "이미 조리가 시작됐어요",
        ChangeRefusal::OutOfStock => "바꾸려는 메뉴의 재료가 부족해요",
        ChangeRefusal::PaymentDeclined => "추가 금액이 결제되지 않았어요",
        ChangeRefusal::PaymentTimeout => "추가 금액을 제시간에 결제하지 못했어요",
        ChangeRefusal::TicketClosed => "가게에서 더 이상 진행하지 않는 주문이에요",
    }
}

/// Somebody's words, or others where there are none.
pub(crate) fn or(text: &str, otherwise: &str) -> String {
    let text = text.trim();
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use baedal_contracts::ItemId;
    use uuid::Uuid;

    use super::*;

    fn line(name: &str, quantity: u32) -> Line {
        Line {
            item_id: ItemId(Uuid::nil()),
            name: name.to_owned(),
            quantity,
            unit_price_krw: Won(1000),
            options: vec![],
        }
    }

    #[test]
    fn times_are_those_of_korea() {
        let at: Timestamp = "2026-11-20T10:05:59Z".parse().expect("a time");
        let later: Timestamp = "2026-11-20T15:20:00Z".parse().expect("a time");
        assert_eq!(between(at, later), "19:05~00:20");
    }

    #[test]
    fn a_list_names_its_first_item_and_counts_the_others() {
        assert_eq!(items(&[line("후라이드 치킨", 2)]), "후라이드 치킨 2개");
        assert_eq!(items(&[line("후라이드 치킨", 1), line("콜라", 2), line("무", 1)]), "후라이드 치킨 1개 외 2건");
    }

    #[test]
    fn a_difference_says_which_way_the_money_goes() {
        assert_eq!(difference(Won(18_500), Won(21_500)), "3,000원 추가 결제");
        assert_eq!(difference(Won(18_500), Won(15_000)), "3,500원 환불 예정");
        assert_eq!(difference(Won(18_500), Won(18_500)), "금액 변동 없음");
    }

    #[test]
    fn a_stores_own_words_are_told() {
        assert_eq!(rejected(RejectReason::OutOfStock, ""), "재료가 모두 소진됐어요");
        assert_eq!(rejected(RejectReason::OutOfStock, "후라이드 치킨"), "재료가 모두 소진됐어요 (후라이드 치킨)");
        assert_eq!(rejected(RejectReason::OutOfStock, "닭이 떨어졌어요"), "재료가 모두 소진됐어요 (닭이 떨어졌어요)");
        assert_eq!(rejected(RejectReason::Other, " 정전입니다 "), "정전입니다");
    }
}
