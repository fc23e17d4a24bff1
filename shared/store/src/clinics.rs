//! Clinics, their slots, and the claim of a number by one conditional write.

use crate::due;
use crate::key::{Key, SELF, SLOT_PREFIX};
use crate::table::{Item, StoreError, Table, Write, from_item, number, send_update, text, to_item};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::Timestamp;
use domain::civil::Date;
use domain::clinic::{Channel, Claim, Clinic, ClinicState, Slot, SlotStart, Taken};
use domain::due::Worker;
use domain::id::{AppointmentId, ClinicId, DepartmentId};

/// Slots of one clinic read at most (a whole day of half hours).
const SLOTS_MAX: i32 = 48;
/// Clinics of one department on one day read at most.
const CLINICS_PER_DAY_MAX: i32 = 100;
/// How many numbers a caller tries before the slot counts as sold out.
pub const PROBES_MAX: u32 = 6;
/// A slot nobody has ever claimed a number of.
const UNCLAIMED: &str = "attribute_not_exists(pk) OR ver = :never";
/// How often freeing is taken again when somebody else wrote the slot in between.
const FREE_TRIES_MAX: u32 = 8;

/// A clinic with its slots in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ClinicWithSlots {
    /// The clinic.
    pub clinic: Clinic,
    /// Its slots by start.
    pub slots: Vec<Slot>,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The number is the appointment's.
    Number(u16),
    /// Nothing free is left.
    SoldOut,
    /// 停诊 in the meantime.
    Closed,
    /// Not released yet.
    NotReleased,
}

/// What became of turning a hold into a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Booked, now or before.
    Number(u16),
    /// The slot no longer knows this appointment.
    Gone,
}

fn slot_item(slot: &Slot) -> Result<Item, StoreError> {
    let mut item = to_item(&Key::slot(&slot.clinic, slot.start), slot)?;
    set_numbers(&mut item, slot);
    Ok(item)
}

/// A set of numbers cannot be empty in DynamoDB: an absent attribute is the empty set.
fn set_numbers(item: &mut Item, slot: &Slot) {
    let numbers: Vec<String> = slot.free_numbers.iter().map(u16::to_string).collect();
    if numbers.is_empty() {
        item.remove("free_numbers");
    } else {
        item.insert("free_numbers".into(), AttributeValue::Ns(numbers));
    }
}

fn slot_from(mut item: Item) -> Result<Slot, StoreError> {
    if let Some(AttributeValue::Ns(numbers)) = item.get("free_numbers") {
        let list = numbers.iter().map(number).collect();
        item.insert("free_numbers".into(), AttributeValue::L(list));
    }
    from_item(item)
}

fn entry_value(entry: &Taken) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(entry).map_err(StoreError::Unwritable)
}

impl Table {
    /// A clinic and its slots, read strongly in one query.
    pub async fn clinic(&self, id: &ClinicId) -> Result<Option<ClinicWithSlots>, StoreError> {
        let items = self.query_items(&Key::clinic(id).pk, "", SLOTS_MAX + 1, true).await?;
        let sort_key = |item: &Item| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let (mut clinic, mut slots) = (None, Vec::new());
        for item in items {
            match sort_key(&item) {
                sk if sk == SELF => clinic = Some(from_item(item)?),
                sk if sk.starts_with(SLOT_PREFIX) => slots.push(slot_from(item)?),
                _ => {}
            }
        }
        Ok(clinic.map(|clinic| ClinicWithSlots { clinic, slots }))
    }

    /// A clinic without its slots.
    pub async fn clinic_alone(&self, id: &ClinicId) -> Result<Option<Clinic>, StoreError> {
        self.get(&Key::clinic(id)).await
    }

    /// A slot, read strongly.
    pub async fn slot(&self, clinic: &ClinicId, start: SlotStart) -> Result<Option<Slot>, StoreError> {
        self.get_item(&Key::slot(clinic, start)).await?.map(slot_from).transpose()
    }

    /// The slot at a key of the time index, read strongly.
    pub async fn slot_at(&self, key: &Key) -> Result<Option<Slot>, StoreError> {
        self.get_item(key).await?.map(slot_from).transpose()
    }

    /// The clinics of a department on a day.
    pub async fn clinics_on(&self, date: Date, department: &DepartmentId) -> Result<Vec<Clinic>, StoreError> {
        self.query(&format!("BOARD#{date}#{department}"), "CLINIC#", CLINICS_PER_DAY_MAX).await
    }

    /// Writes a clinic, lists it on its day, writes `written` of its slots and takes `removed` away: all of it or, when
    /// somebody has ever claimed a number of one of these slots, nothing. Then read again and decide anew.
    pub async fn put_schedule(
        &self,
        clinic: &Clinic,
        written: &[Slot],
        removed: &[SlotStart],
    ) -> Result<Write, StoreError> {
        let board = Key::board_entry(clinic.date, &clinic.department, &clinic.id);
        let mut writes =
            vec![self.any_put(to_item(&Key::clinic(&clinic.id), clinic)?)?, self.any_put(to_item(&board, clinic)?)?];
        for slot in written {
            writes.push(self.unclaimed_put(slot)?);
        }
        for start in removed {
            writes.push(self.unclaimed_delete(&Key::slot(&clinic.id, *start))?);
        }
        self.transact(writes).await
    }

    fn any_put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item)).build();
        Ok(TransactWriteItem::builder().put(put.map_err(StoreError::unavailable("build put"))?).build())
    }

    fn unclaimed_put(&self, slot: &Slot) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(slot_item(slot)?))
            .condition_expression(UNCLAIMED)
            .expression_attribute_values(":never", number(0))
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(StoreError::unavailable("build put"))?).build())
    }

    fn unclaimed_delete(&self, key: &Key) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .condition_expression(UNCLAIMED)
            .expression_attribute_values(":never", number(0))
            .build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(StoreError::unavailable("build delete"))?).build())
    }

    /// Takes a number of the slot for a channel. Already having one means yes.
    pub async fn claim_number(
        &self,
        slot: &Slot,
        appointment: &AppointmentId,
        taken: impl Fn(u16) -> Taken,
        probe: u64,
        channel: Channel,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let mut seen = slot.clone();
        for step in 0..PROBES_MAX {
            if let Some(mine) = seen.taken.get(appointment) {
                // What it has given back is no longer its own.
                let same = mine.claim.is_live() && mine.patient == taken(mine.number).patient;
                return if same { Ok(Claimed::Number(mine.number)) } else { Ok(Claimed::SoldOut) };
            }
            if seen.state == ClinicState::Closed {
                return Ok(Claimed::Closed);
            }
            if seen.release_at > now {
                return Ok(Claimed::NotReleased);
            }
            let Some(wanted) = seen.choose_number(probe.wrapping_add(u64::from(step)), channel, now) else {
                return Ok(Claimed::SoldOut);
            };
            match self.try_claim(&seen, appointment, &taken(wanted), now).await? {
                Write::Done => return Ok(Claimed::Number(wanted)),
                Write::Refused(Some(item)) => seen = slot_from(item)?,
                Write::Refused(None) => return Ok(Claimed::SoldOut),
            }
        }
        Err(StoreError::Contended)
    }

    async fn try_claim(
        &self,
        slot: &Slot,
        appointment: &AppointmentId,
        taken: &Taken,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let key = Key::slot(&slot.clinic, slot.start);
        // A hold of minutes must not wait behind one of hours: the slot is due at the earliest end.
        let end = taken.claim.ends_at().map(|end| slot.next_due().map_or(end, |next| next.min(end)));
        let due = if end.is_some() { ", due_at = :due, due_pk = :due_pk" } else { "" };
        let mut request = self
            .update(&key)
            .update_expression(format!("SET taken.#a = :taken{due} DELETE free_numbers :numbers ADD ver :one"))
            .condition_expression(
                "contains(free_numbers, :number) AND attribute_not_exists(taken.#a) AND #state = :open AND release_at <= :now",
            )
            .expression_attribute_names("#a", appointment.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":taken", entry_value(taken)?)
            .expression_attribute_values(":numbers", AttributeValue::Ns(vec![taken.number.to_string()]))
            .expression_attribute_values(":number", number(taken.number))
            .expression_attribute_values(":open", text("open"))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":one", number(1));
        if let Some(end) = end {
            request = request
                .expression_attribute_values(":due", number(end.as_second()))
                .expression_attribute_values(":due_pk", text(due::partition(Worker::Sweeper, &key.pk)));
        }
        send_update(request).await
    }

    /// Turns the hold of an appointment into a booking, if the slot still knows it. Harmless to repeat.
    pub async fn keep_number(
        &self,
        clinic: &ClinicId,
        start: SlotStart,
        appointment: &AppointmentId,
    ) -> Result<Kept, StoreError> {
        let request = self
            .update(&Key::slot(clinic, start))
            .update_expression("SET taken.#a.#state = :booked REMOVE taken.#a.expires_at ADD ver :one")
            .condition_expression("taken.#a.#state = :held")
            .expression_attribute_names("#a", appointment.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":booked", text("booked"))
            .expression_attribute_values(":held", text("held"))
            .expression_attribute_values(":one", number(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        let now_there = match request.send().await {
            Ok(answer) => answer.attributes,
            Err(error) => match error.into_service_error() {
                aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed) => {
                    failed.item
                }
                other => return Err(StoreError::unavailable("keep number")(other)),
            },
        };
        let slot = now_there.map(slot_from).transpose()?;
        let mine = slot.and_then(|slot| slot.holder(appointment).map(|taken| taken.number));
        Ok(mine.map_or(Kept::Gone, Kept::Number))
    }

    /// Books a number for the appointment that has given it back, while it still rests: paid after all, and nobody else's.
    pub(crate) async fn retake_number(&self, slot: &Slot, appointment: &AppointmentId) -> Result<Kept, StoreError> {
        let request = self
            .update(&Key::slot(&slot.clinic, slot.start))
            .update_expression("SET taken.#a.#state = :booked REMOVE taken.#a.#until ADD ver :one")
            .condition_expression("taken.#a.#state = :resting AND #state = :open")
            .expression_attribute_names("#a", appointment.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":booked", text("booked"))
            .expression_attribute_values(":resting", text("resting"))
            .expression_attribute_values(":open", text("open"))
            .expression_attribute_values(":one", number(1));
        let number = slot.taken.get(appointment).map(|taken| taken.number);
        let written = send_update(request).await?.is_done();
        Ok(number.filter(|_| written).map_or(Kept::Gone, Kept::Number))
    }

    /// Gives the number of an appointment back, once: only the very claim in `slot` is ended. Repeats on the newer slot
    /// when others wrote it; gone already means done.
    pub async fn free_number(
        &self,
        slot: &Slot,
        appointment: &AppointmentId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(claim) = slot.taken.get(appointment).cloned() else { return Ok(()) };
        self.change_slot(slot, |seen| {
            (seen.taken.get(appointment) == Some(&claim)).then(|| seen.returned(appointment, now)).flatten()
        })
        .await
        .map(drop)
    }

    /// Ends the rest of a number: it is free for everybody. Harmless to repeat.
    pub async fn end_rest(&self, slot: &Slot, appointment: &AppointmentId, now: Timestamp) -> Result<(), StoreError> {
        let over = |seen: &Slot| seen.rested(now).contains(appointment);
        self.change_slot(slot, |seen| over(seen).then(|| seen.freed(appointment)).flatten()).await.map(drop)
    }

    /// Writes what `decide` makes of the slot, with the deadline that follows, again on the newer slot when somebody else
    /// was faster. `decide` answers `None` when there is nothing to change; whether anything was changed is the answer.
    pub(crate) async fn change_slot(
        &self,
        slot: &Slot,
        decide: impl Fn(&Slot) -> Option<Slot>,
    ) -> Result<bool, StoreError> {
        let mut seen = slot.clone();
        for _ in 0..FREE_TRIES_MAX {
            let Some(after) = decide(&seen) else { return Ok(false) };
            match self.put_slot(&after, seen.ver).await? {
                Write::Done => return Ok(true),
                Write::Refused(None) => return Ok(false),
                Write::Refused(Some(item)) => seen = slot_from(item)?,
            }
        }
        Err(StoreError::Contended)
    }

    /// Writes a slot if it is as it was seen.
    async fn put_slot(&self, slot: &Slot, seen: u64) -> Result<Write, StoreError> {
        let mut item = slot_item(slot)?;
        if let Some(due_at) = slot.next_due() {
            let pk = Key::slot(&slot.clinic, slot.start).pk;
            item.insert("due_at".into(), number(due_at.as_second()));
            item.insert("due_pk".into(), text(due::partition(Worker::Sweeper, &pk)));
        }
        self.put_if_seen(item, seen).await
    }

    /// Moves the slot's deadline: to `at`, or to its next hold, or out of the index. Only if the slot is as seen.
    pub async fn stamp_slot(&self, seen: &Slot, at: Option<Timestamp>) -> Result<Write, StoreError> {
        let key = Key::slot(&seen.clinic, seen.start);
        let due = at.or_else(|| seen.next_due());
        let request = self
            .update(&key)
            .condition_expression("ver = :seen")
            .expression_attribute_values(":seen", number(seen.ver))
            .expression_attribute_values(":one", number(1));
        let request = match due {
            Some(due) => request
                .update_expression("SET due_at = :due, due_pk = :due_pk ADD ver :one")
                .expression_attribute_values(":due", number(due.as_second()))
                .expression_attribute_values(":due_pk", text(due::partition(Worker::Sweeper, &key.pk))),
            None => request.update_expression("REMOVE due_at, due_pk ADD ver :one"),
        };
        send_update(request).await
    }
}

/// A hold of `number` for `patient` until `expires_at`, to rest so many minutes when it comes back.
pub fn hold(patient: &domain::id::PatientId, number: u16, expires_at: Timestamp, rest_min: u16) -> Taken {
    Taken { patient: patient.clone(), number, claim: Claim::Held { expires_at }, rest_min }
}
