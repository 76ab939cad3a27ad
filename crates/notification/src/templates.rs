//! What we say, in Korean: KakaoTalk's templates (Alimtalk), with `#{변수}` where something is filled in.
//!
//! Alimtalk sends only what was approved beforehand, word for word, so a template never changes its
//! meaning: another meaning is another template.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most characters that Alimtalk takes.
pub const ALIMTALK_LIMIT: usize = 1_000;
/// The most characters that one variable may fill in; a longer one is cut.
const VARIABLE_LIMIT: usize = 100;
/// The most characters of a reason, which may be somebody's own words.
const REASON_LIMIT: usize = 540;
/// The most characters of a store's thanks.
const MESSAGE_LIMIT: usize = 700;

/// The variables, by name.
pub(crate) mod var {
    /// What people call the order.
    pub(crate) const ORDER_NO: &str = "주문번호";
    /// What the store is called.
    pub(crate) const STORE: &str = "가게";
    /// How much.
    pub(crate) const AMOUNT: &str = "금액";
    /// What a change does to the price.
    pub(crate) const DIFFERENCE: &str = "변동금액";
    /// Why.
    pub(crate) const REASON: &str = "사유";
    /// Until when to pay.
    pub(crate) const PAY_BY: &str = "결제기한";
    /// Until when to answer.
    pub(crate) const ANSWER_BY: &str = "확인기한";
    /// How long cooking takes.
    pub(crate) const COOK_MINUTES: &str = "조리시간";
    /// When the food should arrive.
    pub(crate) const ETA: &str = "도착예정";
    /// What is ordered.
    pub(crate) const ITEMS: &str = "메뉴";
    /// Where it goes.
    pub(crate) const ADDRESS: &str = "배달지";
    /// Where it is fetched.
    pub(crate) const PICKUP: &str = "픽업지";
    /// The store's own words.
    pub(crate) const MESSAGE: &str = "메시지";
}

/// What there is to say. The name in `snake_case` is the template's code.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Template {
    /// Customer: still unpaid.
    PaymentReminder,
    /// Customer: paid, the store has it.
    OrderPaid,
    /// Customer: the payment was declined.
    PaymentDeclined,
    /// Customer: the store cooks it.
    TicketAccepted,
    /// Customer: on the stove.
    CookStarted,
    /// Customer: ready, a rider is looked for.
    CookFinished,
    /// Customer: a rider brings it.
    DeliveryClaimed,
    /// Customer: that rider does not; another is looked for.
    ClaimReleased,
    /// Customer: on its way.
    PickedUp,
    /// Customer: there; please confirm.
    Delivered,
    /// Customer: done.
    OrderCompleted,
    /// Customer: the store's thanks, in its own words.
    ThanksSent,
    /// Customer: canceled as wished; the money comes back.
    OrderCanceledByCustomer,
    /// Customer: canceled as wished; nothing had been paid.
    OrderCanceledByCustomerUnpaid,
    /// Customer: canceled, because nobody paid in time.
    OrderCanceledPaymentExpired,
    /// Customer: canceled, because it was not delivered for long; the money comes back.
    OrderCanceledAbandoned,
    /// Customer: canceled by an operator; all of the money comes back.
    OrderCanceledByOperator,
    /// Customer: canceled by an operator; some of the money comes back.
    OrderCanceledByOperatorPartly,
    /// Customer: canceled by an operator; nothing had been paid.
    OrderCanceledByOperatorUnpaid,
    /// Customer: the store said no; the money comes back.
    OrderRejected,
    /// Customer: not canceled, cooking had started.
    OrderCancelRefused,
    /// Customer: changed.
    OrderChanged,
    /// Customer: not changed.
    OrderChangeRefused,
    /// Customer: an operator gives some of the money back.
    OrderRefundGranted,
    /// Customer: money came back.
    PaymentRefunded,
    /// Owner: a new order.
    TicketOpened,
    /// Owner: an order was withdrawn.
    TicketCanceled,
    /// Owner: an order is another one now.
    TicketChanged,
    /// Riders nearby: food waits.
    DeliveryRequested,
    /// Riders nearby: food waits again.
    DeliveryReopened,
    /// The rider who has claimed it: he has not fetched it for long.
    PickupOverdue,
    /// The rider who had claimed it: an operator took it back.
    ClaimTakenBack,
    /// The rider who had it: withdrawn.
    DeliveryCanceled,
}

impl Template {
    /// Its code with the provider, as `order_paid`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Whether it is shown in the app only, and never sent to a phone: what riders are told.
    #[must_use]
    pub fn is_in_app(self) -> bool {
        matches!(
            self,
            Self::DeliveryRequested
                | Self::DeliveryReopened
                | Self::PickupOverdue
                | Self::ClaimTakenBack
                | Self::DeliveryCanceled
        )
    }

    /// Its text, with the variables in their places.
    #[must_use]
    pub fn render(self, variables: &Variables) -> String {
        let mut rest = self.text();
        let mut out = String::with_capacity(rest.len() + 128);
        while let Some((before, after)) = rest.split_once("#{") {
            out.push_str(before);
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            match variables.get(name) {
                Some(value) => out.push_str(value),
                None => out.extend(["#{", name, "}"]),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    /// Its text as it was approved.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::PaymentReminder => {
                "[배달] 아직 결제 전이에요\n\
                 #{결제기한}까지 결제하시면 #{가게}에 바로 주문을 전달해 드릴게요. 시간이 지나면 주문은 자동으로 취소돼요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 결제 금액: #{금액}"
            }
            Self::OrderPaid => {
                "[배달] 결제가 완료됐어요\n\
                 #{가게}에 주문을 전달했어요. 가게에서 확인하는 대로 알려 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 주문 메뉴: #{메뉴}\n\
                 ▶ 결제 금액: #{금액}"
            }
            Self::PaymentDeclined => {
                "[배달] 결제가 되지 않았어요\n\
                 #{사유}. #{결제기한}까지 다른 방법으로 다시 결제하실 수 있어요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}"
            }
            Self::TicketAccepted => {
                "[배달] 가게에서 주문을 확인했어요\n\
                 #{가게}에서 곧 조리를 시작해요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 조리 예정 시간: 약 #{조리시간}분"
            }
            Self::CookStarted => {
                "[배달] 조리를 시작했어요\n\
                 #{가게}에서 정성껏 만들고 있어요. 지금부터는 주문을 변경하거나 취소할 수 없어요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::CookFinished => {
                "[배달] 음식이 준비됐어요\n\
                 #{가게}의 음식을 가져다 드릴 라이더를 찾고 있어요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::DeliveryClaimed => {
                "[배달] 라이더가 배정됐어요\n\
                 라이더가 #{가게}에 음식을 가지러 가고 있어요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 도착 예정: #{도착예정}"
            }
            Self::ClaimReleased => {
                "[배달] 다른 라이더를 찾고 있어요\n\
                 라이더 사정으로 배정이 취소돼 다시 찾고 있어요. 배정되는 대로 알려 드릴게요. 불편을 드려 죄송해요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}"
            }
            Self::PickedUp => {
                "[배달] 음식이 출발했어요\n\
                 라이더가 #{가게}에서 음식을 받아 고객님께 가고 있어요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::Delivered => {
                "[배달] 음식이 도착했어요\n\
                 #{가게}의 음식을 받으셨다면 앱에서 [배송확인]을 눌러 주세요. 누르지 않으셔도 잠시 후 자동으로 완료돼요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCompleted => {
                "[배달] 주문이 완료됐어요\n\
                 #{가게}의 음식, 맛있게 드세요. 이용해 주셔서 감사해요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::ThanksSent => {
                "[배달] #{가게}에서 감사 인사를 보냈어요\n\n\
                 “#{메시지}”\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCanceledByCustomer => {
                "[배달] 주문이 취소됐어요\n\
                 요청하신 대로 #{가게} 주문을 취소했어요. 결제하신 금액은 전액 환불해 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCanceledByCustomerUnpaid => {
                "[배달] 주문이 취소됐어요\n\
                 요청하신 대로 #{가게} 주문을 취소했어요. 결제된 금액은 없어요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCanceledPaymentExpired => {
                "[배달] 결제 시간이 지나 주문이 취소됐어요\n\
                 #{가게} 주문이 시간 안에 결제되지 않아 자동으로 취소됐어요. 드시고 싶으시면 다시 주문해 주세요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCanceledAbandoned => {
                "[배달] 주문을 취소하게 되어 죄송해요\n\
                 #{가게} 주문의 배달이 너무 늦어져 저희가 취소했어요. 결제하신 금액은 전액 환불해 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderCanceledByOperator => {
                "[배달] 고객센터에서 주문을 취소했어요\n\
                 #{가게} 주문이 취소됐어요. 결제하신 금액은 전액 환불해 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 사유: #{사유}"
            }
            Self::OrderCanceledByOperatorPartly => {
                "[배달] 고객센터에서 주문을 취소했어요\n\
                 #{가게} 주문이 취소됐어요. 결제하신 금액 중 #{금액}은 환불되지 않으며, 남는 금액이 있으면 환불해 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 사유: #{사유}"
            }
            Self::OrderCanceledByOperatorUnpaid => {
                "[배달] 고객센터에서 주문을 취소했어요\n\
                 #{가게} 주문이 취소됐어요. 결제된 금액은 없어요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 사유: #{사유}"
            }
            Self::OrderRejected => {
                "[배달] 가게에서 주문을 받지 못했어요\n\
                 #{가게} 주문이 거절돼 결제하신 금액을 전액 환불해 드릴게요. 죄송해요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 사유: #{사유}"
            }
            Self::OrderCancelRefused => {
                "[배달] 주문을 취소하지 못했어요\n\
                 #{가게}에서 이미 조리를 시작해 취소할 수 없어요. 주문은 그대로 진행돼요.\n\n\
                 ▶ 주문번호: #{주문번호}"
            }
            Self::OrderChanged => {
                "[배달] 주문이 변경됐어요\n\
                 #{가게}에 변경된 주문을 전달했어요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 주문 메뉴: #{메뉴}\n\
                 ▶ 총 금액: #{금액} (#{변동금액})"
            }
            Self::OrderChangeRefused => {
                "[배달] 주문을 변경하지 못했어요\n\
                 #{가게} 주문은 변경 전 그대로 진행돼요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 총 금액: #{금액}\n\
                 ▶ 사유: #{사유}"
            }
            Self::OrderRefundGranted => {
                "[배달] 고객센터에서 #{금액}을 환불해 드려요\n\
                 #{가게} 주문에 불편을 드려 죄송해요. 환불이 완료되면 다시 알려 드릴게요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 사유: #{사유}"
            }
            Self::PaymentRefunded => {
                "[배달] #{금액} 환불이 완료됐어요\n\
                 결제 수단에 따라 실제로 입금되기까지 며칠 걸릴 수 있어요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}"
            }
            Self::TicketOpened => {
                "[배달 사장님] 새 주문이 들어왔어요\n\
                 #{확인기한}까지 수락하거나 거절해 주세요. 시간이 지나면 자동으로 거절돼요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}\n\
                 ▶ 주문 메뉴: #{메뉴}"
            }
            Self::TicketCanceled => {
                "[배달 사장님] 주문이 취소됐어요\n\
                 아래 주문은 더 준비하지 않으셔도 돼요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}"
            }
            Self::TicketChanged => {
                "[배달 사장님] 주문이 변경됐어요\n\
                 조리를 시작하기 전에 바뀐 내용을 확인해 주세요.\n\n\
                 ▶ 주문번호: #{주문번호}\n\
                 ▶ 가게: #{가게}\n\
                 ▶ 주문 메뉴: #{메뉴}"
            }
            Self::DeliveryRequested => {
                "가까운 곳에 새 배달이 있어요\n\
                 #{가게} · #{주문번호}\n\
                 픽업: #{픽업지}\n\
                 배달: #{배달지}"
            }
            Self::DeliveryReopened => {
                "배달이 다시 나왔어요\n\
                 #{가게} · #{주문번호}\n\
                 앱에서 확인하고 배정받아 주세요."
            }
            Self::PickupOverdue => {
                "아직 픽업하지 않으셨어요\n\
                 #{가게} · #{주문번호}\n\
                 음식이 준비된 지 오래됐어요. 지금 픽업하시거나, 어려우시면 배정을 취소해 주세요."
            }
            Self::ClaimTakenBack => {
                "맡으신 배달의 배정이 취소됐어요\n\
                 #{가게} · #{주문번호}\n\
                 픽업이 늦어져 고객센터에서 다른 라이더를 찾고 있어요.\n\
                 사유: #{사유}"
            }
            Self::DeliveryCanceled => {
                "맡으신 배달이 취소됐어요\n\
                 #{가게} · #{주문번호}\n\
                 주문이 취소돼 더 배달하지 않으셔도 돼요."
            }
        }
    }
}

/// What stands in a template's places, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<Cow<'static, str>, String>);

impl Variables {
    /// With one more, cut where it is too long.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets one, cut where it is too long.
    pub fn set(&mut self, name: &'static str, value: impl AsRef<str>) {
        let limit = match name {
            var::MESSAGE => MESSAGE_LIMIT,
            var::REASON => REASON_LIMIT,
            _ => VARIABLE_LIMIT,
        };
        self.0.insert(Cow::Borrowed(name), cut(value.as_ref(), limit));
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// At the most so many characters of a text, the last one being `…` where it is cut.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    const ALL_VARIABLES: [&str; 13] = [
        var::ORDER_NO,
        var::STORE,
        var::AMOUNT,
        var::DIFFERENCE,
        var::REASON,
        var::PAY_BY,
        var::ANSWER_BY,
        var::COOK_MINUTES,
        var::ETA,
        var::ITEMS,
        var::ADDRESS,
        var::PICKUP,
        var::MESSAGE,
    ];

    fn longest() -> Variables {
        ALL_VARIABLES.into_iter().fold(Variables::default(), |all, name| all.with(name, "가".repeat(2_000)))
    }

    #[test]
    fn every_template_stays_within_alimtalks_limit_with_nothing_left_to_fill_in() {
        for template in Template::iter() {
            let text = template.render(&longest());
            assert!(text.chars().count() <= ALIMTALK_LIMIT, "{template} has {} characters", text.chars().count());
            assert!(!text.contains("#{"), "{template} names a variable that nobody knows: {text}");
        }
    }

    #[test]
    fn every_template_names_the_order_and_the_store() {
        for template in Template::iter() {
            for name in [var::ORDER_NO, var::STORE] {
                assert!(template.text().contains(&format!("#{{{name}}}")), "{template} does not name {name}");
            }
        }
    }

    #[test]
    fn no_line_begins_or_ends_with_a_stray_blank() {
        for template in Template::iter() {
            for line in template.text().lines() {
                assert_eq!(line, line.trim(), "{template}");
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let variables = Variables::default().with(var::STORE, "#{주문번호} 분식").with(var::ORDER_NO, "K7QM-42XD");
        assert!(Template::PickedUp.render(&variables).contains("라이더가 #{주문번호} 분식에서"));
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("가나다라", 4), "가나다라");
        assert_eq!(cut("가나다라마", 4), "가나다…");
    }

    #[test]
    fn a_paid_order_reads_like_this() {
        let variables = Variables::default()
            .with(var::STORE, "봉구네 가마솥통닭")
            .with(var::ORDER_NO, "K7QM-42XD")
            .with(var::ITEMS, "가마솥 후라이드 1개 외 1건")
            .with(var::AMOUNT, "22,000원");
        assert_eq!(
            Template::OrderPaid.render(&variables),
            "[배달] 결제가 완료됐어요\n\
             봉구네 가마솥통닭에 주문을 전달했어요. 가게에서 확인하는 대로 알려 드릴게요.\n\
             \n\
             ▶ 주문번호: K7QM-42XD\n\
             ▶ 주문 메뉴: 가마솥 후라이드 1개 외 1건\n\
             ▶ 결제 금액: 22,000원"
        );
    }

    #[test]
    fn a_change_reads_like_this() {
        let variables = Variables::default()
            .with(var::STORE, "봉구네 가마솥통닭")
            .with(var::ORDER_NO, "K7QM-42XD")
            .with(var::ITEMS, "가마솥 후라이드 2개")
            .with(var::AMOUNT, "42,000원")
            .with(var::DIFFERENCE, "20,000원 추가 결제");
        assert_eq!(
            Template::OrderChanged.render(&variables),
            "[배달] 주문이 변경됐어요\n\
             봉구네 가마솥통닭에 변경된 주문을 전달했어요.\n\
             \n\
             ▶ 주문번호: K7QM-42XD\n\
             ▶ 주문 메뉴: 가마솥 후라이드 2개\n\
             ▶ 총 금액: 42,000원 (20,000원 추가 결제)"
        );
    }
}
