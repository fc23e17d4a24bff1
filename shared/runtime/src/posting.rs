//! Telling the hospital's own system (HIS) what was paid and what went back. Payment page and his-sync share it: whoever
//! comes first does it, and what was sent without an answer is asked for by serial before it is sent again.

use crate::Desk;
use crate::desk::ProfileError;
use crate::random::NoRandomness;
use crate::secrets::{HisAccount, Secret, SecretError};
use domain::Timestamp;
use domain::due::Deadline;
use domain::id::{BillNo, OutRefundNo};
use domain::money::Fen;
use domain::order::{Cause, HisAnswer, HisTask, Order, OrderState, Place, Receipt, Refund, Subject};
use his::{
    BillAmount, BillLine, Call, FeesPost, His, HisError, Lines, Paid, RefundPost, RefundReason, Registration,
    RequestError,
};
use std::collections::BTreeMap;
use store::StoreError;

/// Steps of one order in one go: a payment, and what of it went back since.
const STEPS_MAX: usize = 8;

/// Why the HIS could not be told. It stays due.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The HIS gives no usable answer.
    #[error(transparent)]
    His(#[from] HisError),
    /// What is to be told makes no request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The order is not there, or not what its task says.
    #[error("the order does not bear out its task")]
    Order,
    /// There is no profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The keys of the HIS cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tells the HIS at once what it must know of an order. That it does not answer is not the patient's problem: the order
/// says what is due, and his-sync goes on.
pub async fn at_once(desk: &Desk, his: &Secret<HisAccount>, order: Order, now: Timestamp) -> Order {
    let told = match his.get(now).await {
        Ok(his) => follow(desk, &his.client, order.clone(), now).await,
        Err(error) => Err(error.into()),
    };
    told.unwrap_or_else(|error| {
        tracing::warn!(%error, order = %order.out_trade_no, "the HIS is told later");
        order
    })
}

/// Tells the HIS everything of an order that is due, and answers with the order after it.
pub async fn follow(desk: &Desk, his: &impl His, order: Order, now: Timestamp) -> Result<Order, PostError> {
    let mut order = give_up(desk, order, now).await?;
    if order.deadlines.get(Deadline::Post).is_none_or(|at| at > now) {
        return Ok(order);
    }
    for _ in 0..STEPS_MAX {
        let Some(task) = order.his_task() else { break };
        // Written first: a crash after the HIS was told only means asking it by serial.
        let Some(asked) = desk.table.move_order_if(&order.out_trade_no, |order| order.his_asked(&task, now)).await?
        else {
            break;
        };
        let answer = ask(desk, his, &asked, &task, now).await?;
        match desk
            .table
            .move_order_if(&order.out_trade_no, |order| order.his_answered(&task, answer.clone(), now))
            .await?
        {
            Some(after) if after.his_task().as_ref() != Some(&task) => order = after,
            Some(after) => return Ok(after),
            None => break,
        }
    }
    Ok(desk.table.order(&order.out_trade_no).await?.unwrap_or(order))
}

/// Bills that the HIS has not booked in time go back.
async fn give_up(desk: &Desk, order: Order, now: Timestamp) -> Result<Order, PostError> {
    let within_s = desk.profile().await?.money.his_within_min * 60;
    if order.his_given_up(within_s, now).is_err() {
        return Ok(order);
    }
    tracing::error!(alarm = "his_silent", order = %order.out_trade_no, "not booked by the HIS in time: it goes back");
    Ok(desk.table.move_order_if(&order.out_trade_no, |order| order.his_given_up(within_s, now)).await?.unwrap_or(order))
}

async fn ask(
    desk: &Desk,
    his: &impl His,
    order: &Order,
    task: &HisTask,
    now: Timestamp,
) -> Result<HisAnswer, PostError> {
    let call = Call { now, random: desk.random.bytes()? };
    let no = &order.out_trade_no;
    let answered = match task {
        HisTask::Drop => Ok(HisAnswer::NotFound),
        HisTask::Post => his.fees_post(&fees_post(desk, order).await?, call).await.map(posted),
        HisTask::FindPosted => his.fees_posted(no, call).await.map(|found| found.map_or(HisAnswer::NotFound, posted)),
        HisTask::Return(number) => {
            his.refund_post(&refund_post(order, number)?, call).await.map(|_| HisAnswer::Returned)
        }
        HisTask::FindReturned(number) => {
            let found = his.refund_posted(number, call).await;
            found.map(|found| if found.is_some() { HisAnswer::Returned } else { HisAnswer::NotFound })
        }
    };
    match answered {
        Ok(answer) => Ok(answer),
        Err(error) => Ok(answer_in(error).inspect(|answer| {
            if *answer == HisAnswer::Unknown {
                tracing::warn!(order = %no, "the HIS will be asked by serial");
            }
        })?),
    }
}

/// What an error says all the same: a refusal is an answer, and after no clear one the HIS is asked by serial at the next
/// turn. It is also asked when it knows our serial with other content: an earlier try of ours has arrived after all.
fn answer_in(error: HisError) -> Result<HisAnswer, HisError> {
    match error {
        HisError::Refused { code: his::Refusal::SerialReused } => Ok(HisAnswer::Unknown),
        HisError::Refused { code } => Ok(HisAnswer::Refused(code.code().to_owned())),
        error if error.is_outcome_unknown() => Ok(HisAnswer::Unknown),
        error => Err(error),
    }
}

async fn fees_post(desk: &Desk, order: &Order) -> Result<FeesPost, PostError> {
    let OrderState::Paid { transaction_id, paid_at } = &order.state else { return Err(PostError::Order) };
    let transaction_id = match transaction_id {
        Some(id) => Some(id.parse().map_err(|_| PostError::Order)?),
        None => None,
    };
    let paid = Paid { at: *paid_at, transaction_id };
    let serial = order.out_trade_no.clone();
    match &order.subject {
        Subject::Bills { card, .. } => Ok(FeesPost::bills(serial, card.clone(), bill_amounts(order)?, paid)?),
        Subject::Registration { .. } => {
            let key = order.appointment_key().ok_or(PostError::Order)?;
            let appointment = desk.table.appointment(&key).await?.ok_or(PostError::Order)?;
            let card = desk.table.patient(&order.patient).await?.and_then(|patient| patient.card);
            let card = card.filter(|card| !card.is_digital());
            let place = appointment.place;
            let registration = Registration {
                appointment: appointment.id,
                clinic: place.clinic,
                number: place.number,
                department: place.department,
                doctor: place.doctor,
                date: place.date,
            };
            Ok(FeesPost::registration(serial, card, registration, order.amount, paid)?)
        }
    }
}

fn bill_amounts(order: &Order) -> Result<Vec<BillAmount>, PostError> {
    let mut sums: BTreeMap<&BillNo, Fen> = BTreeMap::new();
    for line in &order.lines {
        let bill = &line.item.as_ref().ok_or(PostError::Order)?.bill;
        let sum = sums.entry(bill).or_insert(Fen::ZERO);
        *sum = sum.plus(line.amount).map_err(|_| PostError::Order)?;
    }
    Ok(sums.into_iter().map(|(bill_no, amount)| BillAmount { bill_no: bill_no.clone(), amount }).collect())
}

fn refund_post(order: &Order, number: &OutRefundNo) -> Result<RefundPost, PostError> {
    let refund = order.refund_of(number).ok_or(PostError::Order)?;
    Ok(RefundPost {
        serial: number.clone(),
        original: order.out_trade_no.clone(),
        lines: lines_of(order, refund)?,
        amount: refund.amount,
        refunded_at: refund.returned_at(),
        reason: RefundReason::new(reason_text(refund.cause))?,
    })
}

fn lines_of(order: &Order, refund: &Refund) -> Result<Lines, PostError> {
    let items = refund.lines.iter().filter_map(|place| order.lines.get(place.checked_sub(1)?)?.item.clone());
    let items: Vec<BillLine> = items.map(|item| BillLine { bill_no: item.bill, item_no: item.item }).collect();
    Ok(if items.is_empty() { Lines::everything() } else { Lines::some(items)? })
}

fn reason_text(cause: Cause) -> &'static str {
    match cause {
        Cause::VisitOff => "就诊取消",
        Cause::HisRefused | Cause::HisSilent => "未能入账",
        Cause::PatientAsked => "患者申请",
        Cause::Staff => "医院退费",
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of what `map` hands over")]
fn posted(receipt: his::Receipt) -> HisAnswer {
    let places =
        receipt.places.iter().map(|place| Place { bill: Some(place.bill_no.clone()), text: place_text(&place.place) });
    HisAnswer::Posted(Receipt {
        receipt_no: receipt.receipt_no.to_string(),
        places: places.collect(),
        invoice_url: receipt.invoice_url.as_ref().map(|url| url.as_str().to_owned()),
    })
}

/// `门诊楼 2层 3号窗口（空腹）`
pub fn place_text(place: &his::Place) -> String {
    let parts = [&place.building, &place.floor, &place.window];
    let way = parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if place.note.is_empty() { way } else { format!("{way}（{}）", place.note.as_str()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use his::Refusal;

    #[test]
    fn only_a_clear_no_is_a_no() {
        let refused = |code| answer_in(HisError::Refused { code });
        assert_eq!(refused(Refusal::BillPaid), Ok(HisAnswer::Refused("BILL_PAID".into())));
        assert_eq!(refused(Refusal::SerialReused), Ok(HisAnswer::Unknown));
        for open in [HisError::UnknownOutcome, HisError::Forged, HisError::Unreadable, HisError::TooLarge] {
            assert_eq!(answer_in(open), Ok(HisAnswer::Unknown));
        }
        // Our key or clock is wrong, or nothing was sent: that says nothing about the payment.
        let code = Refusal::Other("SIGNATURE".into());
        for later in [HisError::Unauthorized { code }, HisError::Unavailable] {
            assert_eq!(answer_in(later.clone()), Err(later));
        }
    }
}
