//! WeChat Pay and the hospital's system, as they are.

use crate::App;
use crate::daily::{Book, Outside};
use domain::Timestamp;
use domain::civil::Date;
use domain::id::OutTradeNo;
use domain::money::Fen;
use domain::reconciliation::day::Delay;
use domain::reconciliation::{Entry, Kind, Standing};
use his::{DayFile, DayRow, DayRowKind, His};
use runtime::payments::{self, FollowError, Followed};
use wechat::pay::{BillError, RefundStatus, RowState, TradeBill, TradeRow};

/// The real ones.
#[derive(Debug)]
pub(crate) struct Live<'a> {
    pub(crate) app: &'a App,
}

impl Outside for Live<'_> {
    async fn bill(&self, date: Date, now: Timestamp) -> Result<Option<impl Book>, Delay> {
        let pay = self.app.pay.get(now).await.map_err(|error| failed(&error, Delay::BillUnavailable))?;
        let context = payments::context(&self.app.desk, now).map_err(|error| failed(&error, Delay::BillUnavailable))?;
        match pay.client.trade_bill(date, context.call).await {
            Ok(bill) => Ok(Some(bill)),
            Err(BillError::NoStatement) => Ok(None),
            Err(BillError::Creating) => Err(Delay::BillCreating),
            Err(error) => Err(failed(&error, Delay::BillUnavailable)),
        }
    }

    async fn his_file(&self, date: Date, now: Timestamp) -> Result<impl Book, Delay> {
        let his = self.app.his.get(now).await.map_err(|error| failed(&error, Delay::HisUnavailable))?;
        let random = self.app.desk.random.bytes().map_err(|error| failed(&error, Delay::HisUnavailable))?;
        let file = his.client.day_file(date, his::Call { now, random }).await;
        file.map_err(|error| failed(&error, Delay::HisUnavailable))
    }

    async fn repair(&self, number: &OutTradeNo, now: Timestamp) -> bool {
        self.follow(number, now).await.unwrap_or_else(|error| {
            tracing::error!(%error, order = %number, "an order that the bill knows does not follow");
            false
        })
    }
}

impl Live<'_> {
    /// Asked, not taken from the bill: WeChat signs this answer.
    async fn follow(&self, number: &OutTradeNo, now: Timestamp) -> Result<bool, FollowError> {
        let Some(order) = self.app.desk.table.order(number).await? else { return Ok(false) };
        let Ok(pay) = self.app.pay.get(now).await else { return Ok(false) };
        let followed = payments::query(&self.app.desk, &*pay, &order, now).await?;
        Ok(matches!(followed, Followed::Settled(_)))
    }
}

fn failed(error: &dyn std::error::Error, delay: Delay) -> Delay {
    tracing::warn!(%error, ?delay, "a book cannot be had");
    delay
}

impl Book for TradeBill {
    fn each(&self, see: &mut dyn FnMut(&Entry<'_>)) -> Result<(), Delay> {
        for row in self.rows() {
            let row = row.map_err(|error| failed(&error, Delay::BillUnavailable))?;
            see(&bill_entry(&row)?);
        }
        Ok(())
    }
}

fn bill_entry(row: &TradeRow) -> Result<Entry<'_>, Delay> {
    let (kind, number, fen, standing) = match &row.state {
        RowState::Paid => (Kind::Payment, &row.out_trade_no, row.total_fen, Standing::Moved),
        RowState::Refund { out_refund_no, refund_fen, status, .. } => {
            let standing = match status {
                RefundStatus::Success | RefundStatus::Processing => Standing::Moved,
                RefundStatus::Closed => Standing::Closed,
                RefundStatus::Abnormal | RefundStatus::Unknown(_) => Standing::Abnormal,
            };
            (Kind::Refund, out_refund_no, *refund_fen, standing)
        }
        // No product of ours is revoked: somebody has to look at it.
        RowState::Revoked | RowState::Other(_) => (Kind::Payment, &row.out_trade_no, row.total_fen, Standing::Abnormal),
    };
    let amount = Fen::new(fen).map_err(|error| failed(&error, Delay::BillUnavailable))?;
    Ok(Entry { kind, number, amount, standing, late_for: None })
}

impl Book for DayFile {
    fn each(&self, see: &mut dyn FnMut(&Entry<'_>)) -> Result<(), Delay> {
        for row in self.rows() {
            let row = row.map_err(|error| failed(&error, Delay::HisUnavailable))?;
            // The hospital also books what costs nothing; no money moved.
            if !row.amount.is_zero() {
                see(&his_entry(&row));
            }
        }
        Ok(())
    }
}

fn his_entry(row: &DayRow) -> Entry<'_> {
    let (kind, number) = match &row.kind {
        DayRowKind::Payment { serial } => (Kind::Payment, serial.as_str()),
        DayRowKind::Refund { serial, .. } => (Kind::Refund, serial.as_str()),
    };
    Entry { kind, number, amount: row.amount, standing: Standing::Moved, late_for: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: RowState) -> TradeRow {
        TradeRow {
            at: "2026-11-22T04:00:00Z".parse().unwrap(),
            transaction_id: "4200001".into(),
            out_trade_no: "abc_01".into(),
            total_fen: 2_500,
            state,
        }
    }

    fn refund(status: RefundStatus) -> TradeRow {
        let (refund_id, out_refund_no) = ("5030001".into(), "abc_01_R1".into());
        row(RowState::Refund { refund_id, out_refund_no, refund_fen: 1_000, status })
    }

    #[test]
    fn a_row_of_the_bill_is_a_payment_or_a_refund() {
        let paid = row(RowState::Paid);
        let entry = bill_entry(&paid).unwrap();
        assert_eq!((entry.kind, entry.number, entry.amount.get()), (Kind::Payment, "abc_01", 2_500));
        for (status, standing) in [
            (RefundStatus::Success, Standing::Moved),
            (RefundStatus::Processing, Standing::Moved),
            (RefundStatus::Closed, Standing::Closed),
            (RefundStatus::Abnormal, Standing::Abnormal),
            (RefundStatus::Unknown("NEW".into()), Standing::Abnormal),
        ] {
            let row = refund(status);
            let entry = bill_entry(&row).unwrap();
            assert_eq!((entry.kind, entry.number, entry.amount.get()), (Kind::Refund, "abc_01_R1", 1_000));
            assert_eq!(entry.standing, standing);
        }
    }

    #[test]
    fn a_state_nobody_expects_is_looked_at_and_an_amount_nobody_can_pay_is_no_bill() {
        let revoked = row(RowState::Revoked);
        assert_eq!(bill_entry(&revoked).unwrap().standing, Standing::Abnormal);
        let absurd = TradeRow { total_fen: -1, ..row(RowState::Paid) };
        assert_eq!(bill_entry(&absurd), Err(Delay::BillUnavailable));
    }

    #[test]
    fn a_row_of_the_hospital_is_known_by_our_number() {
        let (at, amount) = ("2026-11-22T04:00:00Z".parse().unwrap(), Fen::new(1_000).unwrap());
        let (serial, original) = ("abc_01_R1".parse().unwrap(), "abc_01".parse().unwrap());
        let kind = DayRowKind::Refund { serial, original };
        let row = DayRow { kind, amount, at, receipt_no: "H1".into() };
        let entry = his_entry(&row);
        assert_eq!((entry.kind, entry.number, entry.amount), (Kind::Refund, "abc_01_R1", amount));
    }
}
