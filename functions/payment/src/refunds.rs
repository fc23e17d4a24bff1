//! What a patient gives back: items of bills that the hospital has booked and not performed.

use crate::orders::{answer, own};
use crate::views::OrderView;
use crate::{Action, App};
use domain::event::Actor;
use domain::order::{Cause, Line, Order, OrderError, Posting, RefundRequest, Share, Subject, total};
use his::{BillLine, His, Lines, RefundCheck};
use runtime::http::Call;
use runtime::{Refusal, posting};
use std::collections::BTreeSet;
use store::orders::OrderFailed;
use web::Response;
use web::form::{Form, respond_invalid};
use web::problem::Problem;
use web::session::IdempotencyKey;

/// Field: the lines to give back, by place from 1.
pub(crate) const LINE: &str = "line";

pub(crate) async fn ask(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let order = own(app, call).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    if order.in_sequence().any(|refund| refund.key.as_deref() == Some(key.as_str())) {
        return answer(call, &order);
    }
    let places: Option<BTreeSet<usize>> = fields.all(LINE).map(|text| text.parse().ok()).collect();
    let places = places.ok_or_else(Problem::bad_request)?;
    if places.is_empty() {
        return Ok(nothing_chosen(call, &order, Form::new(fields), key));
    }
    may_go_back(&order, &places)?;
    refuse_performed(app, call, &order, &places).await?;
    let after = refunded(app, call, &order, places, &key).await?;
    // The hospital's yes or no is there at once, if it answers.
    answer(call, &posting::at_once(&app.desk, &app.his, after, call.now).await)
}

fn nothing_chosen(call: &Call<Action>, order: &Order, mut form: Form, key: IdempotencyKey) -> Response {
    form.reject(LINE, "请勾选要退费的项目");
    let is_payer = call.account().is_ok_and(|account| order.payer == *account);
    let view = OrderView::of(order, is_payer, call.now).with_form(key).with_error("请勾选要退费的项目");
    respond_invalid(&call.context(), &form, &view)
}

/// Whether the patient can give these lines back here at all.
fn may_go_back(order: &Order, places: &BTreeSet<usize>) -> Result<(), Refusal> {
    if let Subject::Registration { .. } = order.subject {
        return Err(Problem::conflict("not_refundable", "挂号费请在“我的号”里取消挂号，费用会原路退回").into());
    }
    if !matches!(order.posting, Posting::Posted { .. }) {
        return Err(Problem::conflict("not_refundable", "医院还没有入账，暂不能申请退费，请稍后再看").into());
    }
    let amount = total(chosen(order, places)).map_err(OrderError::from)?;
    if amount.is_zero() || !places.is_subset(&order.lines_left()) {
        return Err(OrderError::NotRefundable.into());
    }
    Ok(())
}

fn chosen<'a>(order: &'a Order, places: &BTreeSet<usize>) -> impl Iterator<Item = &'a Line> {
    order.lines.iter().zip(1..).filter(|(_, place)| places.contains(place)).map(|(line, _)| line)
}

/// Asks the hospital before anything is decided: what has been performed or handed out is not given back.
async fn refuse_performed(
    app: &App,
    call: &Call<Action>,
    order: &Order,
    places: &BTreeSet<usize>,
) -> Result<(), Refusal> {
    let items: Vec<(&Line, BillLine)> = chosen(order, places)
        .filter_map(|line| line.item.clone().map(|item| (line, BillLine { bill_no: item.bill, item_no: item.item })))
        .collect();
    let lines = Lines::some(items.iter().map(|(_, item)| item.clone()).collect())?;
    let check = RefundCheck { original: order.out_trade_no.clone(), lines };
    let his = app.his.get(call.now).await?;
    let asked = his::Call { now: call.now, random: app.desk.random.bytes()? };
    let answer = his.client.refund_check(&check, asked).await?;
    let named = |wanted: &dyn Fn(&BillLine) -> bool| -> Vec<&str> {
        items.iter().filter(|(_, item)| wanted(item)).map(|(line, _)| line.name.as_str()).collect()
    };
    let performed = named(&|item| answer.performed.contains(item));
    if !performed.is_empty() {
        let text = format!("已检查、已取药或已执行的项目不能退费：{}。如有疑问请联系开单科室", performed.join("、"));
        return Err(Problem::conflict("already_performed", text).into());
    }
    if named(&|item| !answer.refundable.contains(item)).is_empty() {
        Ok(())
    } else {
        Err(OrderError::NotRefundable.into())
    }
}

async fn refunded(
    app: &App,
    call: &Call<Action>,
    order: &Order,
    places: BTreeSet<usize>,
    key: &IdempotencyKey,
) -> Result<Order, Refusal> {
    let request = RefundRequest {
        share: Share::Lines(places),
        cause: Cause::PatientAsked,
        by: Actor::Account(call.account()?.clone()),
        key: Some(key.as_str().to_owned()),
        // Nothing was performed for the money, so nobody has to agree a second time.
        needs_checker: false,
    };
    match app.desk.table.move_order(&order.out_trade_no, |order| order.refund(&request, call.now)).await {
        // The same request a moment ago.
        Err(OrderFailed::Refused(OrderError::AlreadyDone)) => {
            Ok(app.desk.table.order(&order.out_trade_no).await?.ok_or_else(Problem::not_found)?)
        }
        other => Ok(other?),
    }
}
