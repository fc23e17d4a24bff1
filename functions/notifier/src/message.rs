//! What a message says: the hospital's template filled with the values of what it is about.

use crate::telling::Telling;
use domain::id::OpenId;
use domain::notice::{About, Moment, NoticeKind};
use domain::person::Phone;
use domain::profile::HospitalProfile;
use sms::SmsMessage;
use wechat::api::TemplateMessage;
use wechat::template::TemplateData;

/// The message, or why there is none to send: a stable code for the ledger.
pub(crate) fn compose(telling: &Telling<'_>, to: &OpenId) -> Result<TemplateMessage, &'static str> {
    let moment = Moment { cancel: telling.profile.cancel, now: telling.now };
    fill(telling.kind, telling.about, to, &telling.profile, &telling.app.desk.public_url, moment)
}

fn fill(
    kind: NoticeKind,
    about: &About,
    to: &OpenId,
    profile: &HospitalProfile,
    public_url: &str,
    moment: Moment,
) -> Result<TemplateMessage, &'static str> {
    let template = profile.templates.get(&kind).ok_or("no_template")?;
    let mut data = TemplateData::new();
    for (keyword, field) in &template.fields {
        let text = about.field_text(kind, *field, moment);
        if let Err(error) = data.set(keyword, &text) {
            tracing::error!(%error, keyword, "template of the profile does not take its value");
            return Err("bad_value");
        }
    }
    Ok(TemplateMessage {
        to: to.to_string(),
        template_id: template.template_id.clone(),
        url: Some(format!("{public_url}{}", about.path(kind))),
        client_msg_id: format!("{}-{}", kind.code(), about.ledger_id(kind)),
        data,
    })
}

/// The same as an SMS.
pub(crate) fn compose_sms(telling: &Telling<'_>, to: Phone) -> Result<SmsMessage, &'static str> {
    let moment = Moment { cancel: telling.profile.cancel, now: telling.now };
    fill_sms(telling.kind, telling.about, to, &telling.profile, moment)
}

fn fill_sms(
    kind: NoticeKind,
    about: &About,
    to: Phone,
    profile: &HospitalProfile,
    moment: Moment,
) -> Result<SmsMessage, &'static str> {
    let sms = profile.messages.sms.as_ref().ok_or("no_sms")?;
    let template = sms.templates.get(&kind).ok_or("no_template")?;
    let values = template.fields.iter().map(|field| about.field_text(kind, *field, moment)).collect();
    SmsMessage::new(to, &sms.signature, &template.template_id, values).map_err(|error| {
        tracing::error!(%error, "SMS template of the profile does not take its values");
        "bad_value"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::appointment::{Appointment, State, Told, VisitCredit};
    use domain::credit::{Ban, CreditNews, Owner, Scope};
    use domain::event::{Actor, EventKind, ItemEvent};
    use domain::id::{OutTradeNo, PatientId};
    use domain::money::Fen;
    use domain::order::{
        BillItem, Cause, HisAnswer, HisTask, Line, NewOrder, Order, Payment, Place, Receipt, RefundAnswer,
        RefundReport, RefundRequest, Share, Subject,
    };
    use domain::time;
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-11-23T02:00:00Z".parse().unwrap()
    }

    fn moment() -> Moment {
        Moment { cancel: profile().cancel, now: now() }
    }

    fn to() -> OpenId {
        "oLin".parse().unwrap()
    }

    /// The demo hospital, with the templates of the stand-in's account.
    fn profile() -> HospitalProfile {
        let mut profile: Value = serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
        let templates: Vec<Value> = serde_json::from_str(include_str!("../../../tests/wechat/templates.json")).unwrap();
        for template in templates {
            let name = template["name"].as_str().unwrap();
            profile["templates"][name] = json!({ "template_id": template["id"], "fields": template["fields"] });
        }
        serde_json::from_value(profile).unwrap()
    }

    /// 血脂四项 and 心电图 on one bill, paid.
    fn paid() -> Order {
        let line = |name: &str, fen, item: &str| {
            let item = BillItem { bill: "B1".parse().unwrap(), item: item.parse().unwrap() };
            Line { name: name.into(), amount: Fen::of(fen), item: Some(item) }
        };
        let new = NewOrder {
            out_trade_no: OutTradeNo::of_bills([1; 10], 1),
            subject: Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] },
            patient: PatientId::from_bytes([2; 10]),
            patient_name_masked: "林*梅".into(),
            payer: "oLin".parse().unwrap(),
            lines: vec![line("血脂四项", 4_800, "B1-1"), line("常规心电图", 3_000, "B1-2")],
            expires_at: time::add_minutes(now(), 30),
        };
        let order = Order::open(new, now()).unwrap();
        let payment = Payment { transaction_id: "4200".into(), total: order.amount, paid_at: None };
        order.paid(&payment, Actor::WechatPay, now()).unwrap().settled(now()).unwrap()
    }

    fn answered(order: &Order, task: &HisTask, answer: HisAnswer) -> Order {
        order.his_asked(task, now()).unwrap().his_answered(task, answer, now()).unwrap()
    }

    fn posted() -> Order {
        let places =
            vec![Place { bill: Some("B1".parse().unwrap()), text: "门诊楼 2 层 采血处 3 号窗口".into() }];
        let receipt = Receipt { receipt_no: "R1".into(), places, invoice_url: None };
        answered(&paid(), &HisTask::Post, HisAnswer::Posted(receipt))
    }

    /// The first item asked back by the patient, before the hospital has said anything.
    fn asked_back() -> (Order, HisTask) {
        let request = RefundRequest {
            share: Share::Lines([1].into()),
            cause: Cause::PatientAsked,
            by: Actor::Account("oLin".parse().unwrap()),
            key: Some("k1".into()),
            needs_checker: false,
        };
        let order = posted().refund(&request, now()).unwrap();
        let task = order.his_task().unwrap();
        (order, task)
    }

    fn refunded() -> Order {
        let (order, task) = asked_back();
        let released = answered(&order, &task, HisAnswer::Returned);
        let refund = released.in_sequence().next().unwrap();
        let (number, amount) = (refund.out_refund_no.clone(), refund.amount);
        let report = RefundReport { answer: RefundAnswer::Success, amount, accepted_at: Some(now()), refund_id: None };
        released.refund_answered(&number, &report, now()).unwrap()
    }

    fn sent(kind: NoticeKind, order: Order) -> Value {
        let about = About::Order(Box::new(order));
        let message = fill(kind, &about, &to(), &profile(), "https://desk.example.com", moment()).unwrap();
        serde_json::to_value(message).unwrap()
    }

    #[test]
    fn messages_about_money_as_wechat_gets_them() {
        let (order, task) = asked_back();
        let messages = [
            sent(NoticeKind::BillPaid, posted()),
            sent(NoticeKind::BillRefused, answered(&paid(), &HisTask::Post, HisAnswer::Refused("BILL_PAID".into()))),
            sent(NoticeKind::BillRefused, paid().his_given_up(0, now()).unwrap()),
            sent(NoticeKind::Refunded, refunded()),
            sent(NoticeKind::RefundDeclined, answered(&order, &task, HisAnswer::Refused("PERFORMED".into()))),
        ];
        insta::assert_json_snapshot!(messages);
    }

    /// Lin has missed a visit for the `counted`-th time.
    fn missed(told: Told) -> About {
        let credit = VisitCredit { seq: 1, missed: true, told: Some(told), ..VisitCredit::default() };
        About::Appointment(Box::new(Appointment { credit, ver: 3, ..kit::visit(State::NoShow, now()) }))
    }

    fn news(kind: EventKind, until: Option<&str>, granted: Option<bool>) -> About {
        let owner =
            Owner {
                patient: PatientId::from_bytes([2; 10]), patient_name_masked: "林*梅".into(), account: Some(to())
            };
        let is_banned = kind == EventKind::CreditSuspended;
        let until = until.map(|until| until.parse().unwrap());
        let ban = is_banned.then_some(Ban { scope: Scope::AdvanceBooking, since: now(), until });
        let event = ItemEvent { seq: 4, kind, actor: Actor::Schedule, at: now() };
        About::Credit(Box::new((CreditNews { owner, ban, granted }, event)))
    }

    #[test]
    fn messages_about_credit_as_wechat_gets_them() {
        let told = |counted, left, last_warning, banned| Told { counted, left, banned, last_warning };
        let cases = [
            (NoticeKind::Missed, missed(told(1, 2, false, false))),
            (NoticeKind::Missed, missed(told(2, 1, true, false))),
            (NoticeKind::Missed, missed(told(3, 1, false, true))),
            (NoticeKind::Missed, missed(told(0, 3, false, false))),
            (NoticeKind::Suspended, news(EventKind::CreditSuspended, None, None)),
            (NoticeKind::Suspended, news(EventKind::CreditSuspended, Some("2027-02-23T01:30:00Z"), None)),
            (NoticeKind::Restored, news(EventKind::CreditRestored, None, None)),
            (NoticeKind::AppealAnswered, news(EventKind::AppealAnswered, None, Some(true))),
            (NoticeKind::AppealAnswered, news(EventKind::AppealAnswered, None, Some(false))),
        ];
        let compose = |(kind, about): (NoticeKind, About)| {
            let url = "https://desk.example.com";
            serde_json::to_value(fill(kind, &about, &to(), &profile(), url, moment()).unwrap()).unwrap()
        };
        insta::assert_json_snapshot!(cases.map(compose));
    }

    #[test]
    fn what_has_no_template_is_not_composed() {
        let posted = About::Order(Box::new(posted()));
        let bare = HospitalProfile { templates: std::collections::BTreeMap::new(), ..profile() };
        let url = "https://desk.example.com";
        assert_eq!(fill(NoticeKind::BillPaid, &posted, &to(), &bare, url, moment()).err(), Some("no_template"));
    }
}
