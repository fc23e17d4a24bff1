//! Giving back.

use super::Yuan;
use crate::refund::{BillLine, Lines, RefundCheck, RefundPost, Refundability};
use domain::Timestamp;
use domain::id::RefundReceiptNo;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct LineBody<'a> {
    bill_no: &'a str,
    item_no: &'a str,
}

impl<'a> From<&'a BillLine> for LineBody<'a> {
    fn from(line: &'a BillLine) -> Self {
        Self { bill_no: line.bill_no.as_str(), item_no: line.item_no.as_str() }
    }
}

fn lines_body(lines: &Lines) -> Vec<LineBody<'_>> {
    lines.as_slice().iter().map(LineBody::from).collect()
}

#[derive(Serialize)]
pub(in crate::front_end) struct RefundCheckBody<'a> {
    serial: &'a str,
    items: Vec<LineBody<'a>>,
}

impl<'a> From<&'a RefundCheck> for RefundCheckBody<'a> {
    fn from(check: &'a RefundCheck) -> Self {
        Self { serial: check.original.as_str(), items: lines_body(&check.lines) }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct RefundBody<'a> {
    serial: &'a str,
    original_serial: &'a str,
    items: Vec<LineBody<'a>>,
    amount: Yuan,
    refunded_at: Timestamp,
    reason: &'a str,
}

impl<'a> From<&'a RefundPost> for RefundBody<'a> {
    fn from(post: &'a RefundPost) -> Self {
        Self {
            serial: post.serial.as_str(),
            original_serial: post.original.as_str(),
            items: lines_body(&post.lines),
            amount: Yuan(post.amount),
            refunded_at: post.refunded_at,
            reason: post.reason.as_str(),
        }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct RefundabilityData {
    refundable: Vec<BillLine>,
    performed: Vec<BillLine>,
}

impl From<RefundabilityData> for Refundability {
    fn from(data: RefundabilityData) -> Self {
        Self { refundable: data.refundable, performed: data.performed }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct RefundNoData {
    pub(in crate::front_end) refund_no: RefundReceiptNo,
}
