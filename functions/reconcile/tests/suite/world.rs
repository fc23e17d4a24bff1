//! A desk on an engine of its own, and two outside books made of rows.

use domain::Timestamp;
use domain::civil::{Date, date};
use domain::id::OutTradeNo;
use domain::money::Fen;
use domain::reconciliation::day::{Day, Delay};
use domain::reconciliation::worklist::{Case, NoteText};
use domain::reconciliation::{Class, DifferenceId, Entry, Kind, Standing};
use reconcile::daily::{Book, Outside, Ran, run};
use runtime::{Clock, Desk};
use std::cell::RefCell;
use store::Table;
use store::books::BookEntry;
use store::key::Key;

/// The day that is compared.
pub(crate) const DATE: Date = date(2026, 11, 22);
/// Noon of that day.
pub(crate) const NOON: &str = "2026-11-22T04:00:00Z";
/// 10:30 of the next.
pub(crate) const START: &str = "2026-11-23T02:30:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn note(text: &str) -> NoteText {
    NoteText::try_from(text.to_owned()).unwrap()
}

pub(crate) fn key() -> Key {
    Key::new(format!("RECON#{DATE}"), "SELF")
}

/// A payment of 25 yuan.
pub(crate) fn payment(number: &str, at: Timestamp) -> BookEntry {
    let order: OutTradeNo = number.parse().unwrap();
    BookEntry::payment(order, Fen::new(2_500).unwrap(), at, format!("42{number}"), true)
}

/// Somebody else's book.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(pub(crate) Vec<(Kind, String, i64, Standing)>);

impl Rows {
    pub(crate) fn payments(numbers: &[&str]) -> Self {
        Self(numbers.iter().map(|number| (Kind::Payment, (*number).to_owned(), 2_500, Standing::Moved)).collect())
    }
}

impl Book for Rows {
    fn each(&self, see: &mut dyn FnMut(&Entry<'_>)) -> Result<(), Delay> {
        for (kind, number, fen, standing) in &self.0 {
            let amount = Fen::new(*fen).unwrap();
            see(&Entry { kind: *kind, number, amount, standing: *standing, late_for: None });
        }
        Ok(())
    }
}

/// What the others say, and what happens while they are asked.
pub(crate) struct Others {
    pub(crate) table: Table,
    pub(crate) bill: Result<Option<Rows>, Delay>,
    pub(crate) his: Result<Rows, Delay>,
    /// Booked while the hospital's file is fetched.
    pub(crate) booked_meanwhile: RefCell<Option<BookEntry>>,
    /// Orders of ours that follow when they are asked about.
    pub(crate) orders: Vec<String>,
    /// Numbers that were asked about.
    pub(crate) asked: RefCell<Vec<String>>,
}

impl Outside for Others {
    async fn bill(&self, _date: Date, _now: Timestamp) -> Result<Option<impl Book>, Delay> {
        self.bill.clone()
    }

    async fn his_file(&self, _date: Date, now: Timestamp) -> Result<impl Book, Delay> {
        let meanwhile = self.booked_meanwhile.borrow_mut().take();
        if let Some(entry) = meanwhile {
            self.table.book(&entry, now).await.unwrap();
        }
        self.his.clone()
    }

    async fn repair(&self, number: &OutTradeNo, now: Timestamp) -> bool {
        self.asked.borrow_mut().push(number.to_string());
        let ours = self.orders.iter().any(|order| order == number.as_str());
        ours && self.table.book(&payment(number.as_str(), at(NOON)), now).await.is_ok()
    }
}

pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) clock: Clock,
    pub(crate) others: Others,
}

impl World {
    /// On the morning after, with the day set down and three empty books.
    pub(crate) async fn start() -> Self {
        Self::on(kit::table().await).await
    }

    /// As [`start`](Self::start), in this table.
    pub(crate) async fn on(table: Table) -> Self {
        let clock = Clock::standing_at(at(START));
        let desk = Desk::new(table, clock.clone(), "https://desk.example.com");
        desk.table.create_reconciliation_day(DATE).await.unwrap();
        let others = Others {
            table: desk.table.clone(),
            bill: Ok(Some(Rows::default())),
            his: Ok(Rows::default()),
            booked_meanwhile: RefCell::new(None),
            orders: Vec::new(),
            asked: RefCell::default(),
        };
        Self { desk, clock, others }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.desk.table
    }

    /// We have these payments.
    pub(crate) async fn book(&self, numbers: &[&str]) {
        for number in numbers {
            self.table().book(&payment(number, at(NOON)), at(NOON)).await.unwrap();
        }
    }

    /// WeChat has these, and the hospital those.
    pub(crate) fn others_have(&mut self, wechat: &[&str], his: &[&str]) {
        self.others.bill = Ok(Some(Rows::payments(wechat)));
        self.others.his = Ok(Rows::payments(his));
    }

    pub(crate) async fn run(&self) -> Ran {
        run(&self.desk, &self.others, &key()).await.unwrap()
    }

    pub(crate) async fn day(&self) -> Day {
        self.table().reconciliation_day(DATE).await.unwrap().unwrap()
    }

    pub(crate) async fn cases(&self) -> Vec<Case> {
        self.table().reconciliation_cases(DATE).await.unwrap()
    }

    /// Staff ask for another run.
    pub(crate) async fn ask_again(&self) {
        let now = self.clock.now();
        self.table().move_reconciliation_day(DATE, |day| day.requested(now)).await.unwrap();
    }

    /// As [`ask_again`](Self::ask_again), and it happens.
    pub(crate) async fn run_again(&self) -> Ran {
        self.ask_again().await;
        self.run().await
    }

    pub(crate) async fn the_case(&self) -> DifferenceId {
        self.cases().await[0].difference.id
    }

    pub(crate) async fn classes(&self) -> Vec<Class> {
        self.cases().await.iter().map(|case| case.difference.class()).collect()
    }
}
