//! The board: what is free, to show. Built by whoever reads an old one, one at a time: a lease of its own keeps the others
//! on the old one meanwhile. Claims know nothing of it.

use crate::key::Key;
use crate::table::{Item, StoreError, Table, from_item, number, send_update, text, to_item};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::board::{Board, BoardClinic};
use domain::civil::Date;
use domain::id::DepartmentId;
use domain::{Timestamp, time};
use futures_util::future::try_join_all;

/// Building takes no longer; a crash delays the next board by this much.
const LEASE_S: i64 = 3;
/// A board nobody has looked at for so long goes; the next reader builds it.
const KEEP_S: i64 = 86_400;
/// On an item that stands for "build anew": what was begun before this second is too old.
const STALE_BEFORE: &str = "stale_before";

fn stamped(mut item: Item, now: Timestamp) -> Item {
    item.insert("ttl".into(), number(time::add_seconds(now, KEEP_S).as_second()));
    item
}

/// The board of an item; none of one that says it must be built anew.
fn board_of(item: Item) -> Result<Option<Board>, StoreError> {
    if item.contains_key(STALE_BEFORE) { Ok(None) } else { from_item(item).map(Some) }
}

impl Table {
    /// The boards of a department on these days, as old as they may be: one read, and days without one are left out.
    pub async fn boards(&self, dates: &[Date], department: &DepartmentId) -> Result<Vec<Board>, StoreError> {
        let keys = dates.iter().map(|date| {
            let key = Key::board(*date, department);
            [("pk".to_owned(), text(key.pk)), ("sk".to_owned(), text(key.sk))].into()
        });
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys.collect())).build();
        let wanted = wanted.map_err(StoreError::unavailable("build a batch"))?;
        let answer = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
        // What DynamoDB did not get to is like a day without a board.
        let items = answer.map_err(StoreError::unavailable("batch get"))?.responses.unwrap_or_default();
        let boards = items.into_values().flatten().map(board_of).collect::<Result<Vec<_>, _>>()?;
        Ok(boards.into_iter().flatten().collect())
    }

    /// A board no older than `age_max_s`, or the one that was `seen` while somebody else is building the next.
    pub async fn young_board(
        &self,
        seen: Option<Board>,
        (date, department): (Date, &DepartmentId),
        age_max_s: i64,
        now: Timestamp,
    ) -> Result<Board, StoreError> {
        if let Some(young) = seen.as_ref().filter(|seen| seen.is_young(age_max_s, now)) {
            return Ok(young.clone());
        }
        let is_ours = self.lease_board(date, department, now).await?;
        if let (false, Some(old)) = (is_ours, seen) {
            return Ok(old);
        }
        let board = self.built_board(date, department, now).await?;
        if is_ours {
            self.put_board(&board).await?;
        }
        Ok(board)
    }

    async fn lease_board(&self, date: Date, department: &DepartmentId, now: Timestamp) -> Result<bool, StoreError> {
        let until = time::add_seconds(now, LEASE_S);
        let request = self
            .update(&Key::new(Key::board(date, department).pk, "LEASE"))
            .update_expression("SET leased_until = :until, #ttl = :ttl")
            // One that ends later than any of ours can is of a clock that was moved back.
            .condition_expression("attribute_not_exists(leased_until) OR leased_until <= :now OR leased_until > :until")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":ttl", number(time::add_seconds(now, KEEP_S).as_second()));
        Ok(send_update(request).await?.is_done())
    }

    async fn built_board(&self, date: Date, department: &DepartmentId, now: Timestamp) -> Result<Board, StoreError> {
        let listed = self.clinics_on(date, department).await?;
        let found = try_join_all(listed.iter().map(|clinic| self.clinic(&clinic.id))).await?;
        let clinics = found.iter().flatten().map(|found| BoardClinic::of(&found.clinic, &found.slots, now)).collect();
        Ok(Board::new(date, department.clone(), clinics, now))
    }

    async fn put_board(&self, board: &Board) -> Result<(), StoreError> {
        let item = stamped(to_item(&Key::board(board.date, &board.department), board)?, board.built_at);
        let condition = format!(
            "(attribute_not_exists(built_at) OR built_at <= :begun) \
             AND (attribute_not_exists({STALE_BEFORE}) OR {STALE_BEFORE} < :begun)"
        );
        let begun = number(board.built_at.as_second());
        // Refused: there is a newer one, or what it shows has changed since.
        self.put_if(item, &condition, [(":begun", begun)]).await.map(drop)
    }

    /// Has the board of a day built anew: an import or a closure changed more than what is free.
    pub async fn forget_board(&self, date: Date, department: &DepartmentId, now: Timestamp) -> Result<(), StoreError> {
        let key = Key::board(date, department);
        let item: [(&str, AttributeValue); 3] =
            [("pk", text(key.pk)), ("sk", text(key.sk)), (STALE_BEFORE, number(now.as_second()))];
        let item: Item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.put(stamped(item, now)).await
    }
}
