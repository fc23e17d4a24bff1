//! How well the waiting time is told: generated mornings through the real rules of the queue.
//!
//! A morning has one room (seven in ten) or two, half hours from 8:00 to 11:30, and as many numbers as the doctor could
//! see at 80 to 105 % of the time. A visit lasts log-normally: a median of 4 to 10 minutes by morning, sigma 0.5, which
//! the hospital's own figure (6 minutes) does not know. 12 % do not come. The others come 20 ± 15 minutes before their
//! slot, one in ten of them up to 40 minutes late. 5 % have priority, there is one emergency in a morning on average. 4 %
//! are not there when they are called, come up again, and are then there. 15 % come back with results 40 ± 15 minutes
//! later, for two minutes. The doctor begins up to 15 minutes late; three mornings in ten have a pause of 10 minutes.
//!
//! Every five minutes the range is told to everybody who waits in turn, and held against when they were called.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures of a bench"
)]

use domain::clinic::{Clinic, ClinicKind, ClinicState, Period, SlotStart};
use domain::id::{AppointmentId, PatientId};
use domain::money::Fen;
use domain::queue::{Arrival, Booked, Command, Priority, Queue, QueuePolicy, Stage, Turn};
use domain::{Timestamp, time};
use std::collections::BTreeMap;

const MORNINGS: u64 = 400;
const STEP_S: i64 = 10;
const TELL_EVERY_S: i64 = 300;
/// What most systems tell: people ahead times a fixed time.
const FIXED_S: f64 = 8.0 * 60.0;
const SIGMA: f64 = 0.5;

pub(crate) fn report() {
    let mut told: Vec<Told> = (0..MORNINGS).flat_map(|seed| Morning::new(seed).run()).collect();
    println!("### Waiting times told: {MORNINGS} generated mornings, {} ranges\n", told.len());
    println!(
        "A range is right when the call falls into it; the error is of its middle, next to people ahead × 8 minutes.\n"
    );
    println!(
        "| wait | ranges | right | earlier | later | width min | mean error min | × 8 minutes |\n|---|---|---|---|---|---|---|---|"
    );
    line("all", &told);
    for (name, from, to) in [("under 15 min", 0, 900), ("15 to 60 min", 900, 3_600), ("over an hour", 3_600, 99_999)] {
        let of: Vec<_> = told.iter().filter(|one| (from..to).contains(&one.wait_s)).cloned().collect();
        line(name, &of);
    }
    told.retain(|one| one.is_rough);
    line("before two visits", &told);
    println!();
}

fn line(name: &str, told: &[Told]) {
    let share = |right: &dyn Fn(&Told) -> bool| {
        100.0 * told.iter().filter(|one| right(one)).count() as f64 / told.len().max(1) as f64
    };
    let mean = |of: &dyn Fn(&Told) -> f64| told.iter().map(of).sum::<f64>() / told.len().max(1) as f64 / 60.0;
    println!(
        "| {name} | {} | {:.0} % | {:.0} % | {:.0} % | {:.0} | {:.1} | {:.1} |",
        told.len(),
        share(&|one| (one.from_s..=one.to_s).contains(&one.wait_s)),
        share(&|one| one.wait_s < one.from_s),
        share(&|one| one.wait_s > one.to_s),
        mean(&|one| (one.to_s - one.from_s) as f64),
        mean(&|one| (one.wait_s as f64 - (one.from_s + one.to_s) as f64 / 2.0).abs()),
        mean(&|one| (one.wait_s as f64 - one.fixed_s).abs()),
    );
}

/// A range, and what became of it.
#[derive(Clone)]
struct Told {
    from_s: i64,
    to_s: i64,
    fixed_s: f64,
    is_rough: bool,
    wait_s: i64,
}

/// Somebody of the morning.
struct Person {
    booked: Booked,
    comes_at: Option<i64>,
    priority: Priority,
    visit_s: i64,
    is_away_once: bool,
    results_at: Option<i64>,
}

struct Morning {
    dice: Dice,
    queue: Queue,
    policy: QueuePolicy,
    people: BTreeMap<AppointmentId, Person>,
    rooms: Vec<String>,
    /// When each room is free again.
    free_at: Vec<i64>,
    pause: Option<(i64, i64)>,
    waiting_for: Vec<(AppointmentId, i64, Told)>,
    told: Vec<Told>,
}

/// Seconds after midnight as an instant of the morning.
fn at(second: i64) -> Timestamp {
    let midnight = time::instant(domain::civil::date(2026, 11, 25), domain::civil::Time::midnight());
    time::add_seconds(midnight, second)
}

fn clinic() -> Clinic {
    let date = domain::civil::date(2026, 11, 25);
    let department = "NK".parse().unwrap();
    Clinic {
        id: domain::id::ClinicId::of(date, Period::Morning, &department, None).unwrap(),
        date,
        period: Period::Morning,
        department,
        department_name: "内科".into(),
        doctor: None,
        doctor_name: String::new(),
        doctor_title: String::new(),
        kind: ClinicKind::Ordinary,
        fee: Fen::ZERO,
        room: "201".into(),
        campus: String::new(),
        queue_group: None,
        release_at: at(0),
        state: ClinicState::Open,
    }
}

impl Morning {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let policy = QueuePolicy::default();
        let rooms: Vec<String> = if dice.chance(0.7) { vec!["201".into()] } else { vec!["201".into(), "202".into()] };
        let median_s = dice.between(240.0, 600.0);
        let mean_s = median_s * (SIGMA * SIGMA / 2.0).exp();
        let fill = dice.between(0.8, 1.05);
        let per_slot = (1800.0 * rooms.len() as f64 / mean_s * fill).round().max(1.0) as u16;
        let mut people = BTreeMap::new();
        let mut number = 0;
        for slot in 0..7_u16 {
            for _ in 0..per_slot {
                number += 1;
                let person = person(&mut dice, number, 480 + slot * 30, median_s);
                people.insert(person.booked.appointment.clone(), person);
            }
        }
        for _ in 0..dice.poisson(1.0) {
            number += 1;
            let mut emergency = person(&mut dice, number, 480, median_s);
            emergency.comes_at = Some(dice.between(8.0 * 3600.0, 11.0 * 3600.0) as i64);
            emergency.priority = Priority::Emergency;
            people.insert(emergency.booked.appointment.clone(), emergency);
        }
        let begins = 8 * 3600 + dice.between(0.0, 900.0) as i64;
        let pause_at = dice.between(8.5 * 3600.0, 11.0 * 3600.0) as i64;
        let pause = dice.chance(0.3).then_some((pause_at, pause_at + 600));
        let mut queue = Queue::open(&clinic(), at(7 * 3600)).unwrap();
        let roster: Vec<_> =
            people.values().filter(|p| p.priority != Priority::Emergency).map(|p| p.booked.clone()).collect();
        queue = queue.with_roster(&roster, at(7 * 3600));
        let mut morning = Self {
            dice,
            queue,
            policy,
            people,
            free_at: vec![begins; rooms.len()],
            rooms,
            pause,
            waiting_for: Vec::new(),
            told: Vec::new(),
        };
        for room in morning.rooms.clone().into_iter().skip(1) {
            morning.go(&Command::OpenRoom { room, doctor: "普通门诊".into() }, 7 * 3600);
        }
        morning
    }

    fn go(&mut self, command: &Command, second: i64) -> bool {
        match self.queue.after(command, &self.policy, at(second)) {
            Ok(after) => {
                self.queue = after;
                true
            }
            Err(_) => false,
        }
    }

    fn run(mut self) -> Vec<Told> {
        for second in (7 * 3600..15 * 3600).step_by(STEP_S as usize) {
            self.arrive(second);
            self.pause(second);
            self.call(second);
            if second % TELL_EVERY_S == 0 {
                self.tell(second);
            }
        }
        self.told
    }

    fn arrive(&mut self, second: i64) {
        let now = second..second + STEP_S;
        let coming: Vec<_> = self.people.values().filter(|p| p.comes_at.is_some_and(|at| now.contains(&at))).collect();
        let arrivals: Vec<_> = coming
            .iter()
            .map(|p| Arrival { booked: p.booked.clone(), name_masked: "林*".into(), priority: p.priority })
            .collect();
        let back: Vec<_> = self.people.values().filter(|p| p.results_at.is_some_and(|at| now.contains(&at))).collect();
        let back: Vec<_> = back.iter().map(|p| p.booked.appointment.clone()).collect();
        for arrival in arrivals {
            self.go(&Command::Arrive(arrival), second);
        }
        for appointment in back {
            if self.go(&Command::BackWithResults(appointment.clone()), second) {
                self.people.get_mut(&appointment).unwrap().visit_s = 120;
            }
        }
    }

    fn pause(&mut self, second: i64) {
        let Some((from, to)) = self.pause else { return };
        let (room, reason) = (self.rooms[0].clone(), "休息".to_owned());
        if (second..second + STEP_S).contains(&from) {
            self.go(&Command::Pause { room: room.clone(), reason }, second);
            self.free_at[0] = self.free_at[0].max(to);
        }
        if (second..second + STEP_S).contains(&to) {
            self.go(&Command::Resume { room }, second);
        }
    }

    fn call(&mut self, second: i64) {
        for room in 0..self.rooms.len() {
            if self.free_at[room] > second {
                continue;
            }
            let name = self.rooms[room].clone();
            if let Some(inside) = self.queue.in_room(&name).map(|entry| entry.appointment.clone()) {
                self.leave(&inside, second);
            }
            if self.go(&Command::CallNext { room: name.clone() }, second) {
                let called = self.queue.in_room(&name).unwrap().appointment.clone();
                self.note(&called, second);
                let person = self.people.get_mut(&called).unwrap();
                // Three calls a minute apart, and then the next.
                self.free_at[room] = second + if person.is_away_once { 120 } else { person.visit_s };
            }
        }
    }

    fn leave(&mut self, inside: &AppointmentId, second: i64) {
        let person = self.people.get_mut(inside).unwrap();
        if std::mem::take(&mut person.is_away_once) {
            self.go(&Command::Miss(inside.clone()), second);
            return;
        }
        if person.visit_s != 120 && self.dice.chance(0.15) {
            person.results_at = Some(second + self.dice.normal(2_400.0, 900.0).max(600.0) as i64);
        }
        self.go(&Command::Finish(inside.clone()), second);
    }

    fn tell(&mut self, second: i64) {
        for entry in self.queue.entries.iter().filter(|entry| entry.stage == Stage::Waiting) {
            let Some(estimate) = self.queue.estimate(entry, &self.policy, at(second)) else { continue };
            let Some(minutes) = estimate.minutes.filter(|_| entry.turn == Turn::Ordinary && entry.missed == 0) else {
                continue;
            };
            let told = Told {
                from_s: i64::from(minutes.from) * 60,
                to_s: i64::from(minutes.to) * 60,
                fixed_s: estimate.ahead as f64 * FIXED_S / self.rooms.len() as f64,
                is_rough: estimate.is_rough,
                wait_s: 0,
            };
            self.waiting_for.push((entry.appointment.clone(), second, told));
        }
    }

    fn note(&mut self, called: &AppointmentId, second: i64) {
        let (mine, others) = std::mem::take(&mut self.waiting_for).into_iter().partition(|(who, ..)| who == called);
        self.waiting_for = others;
        let mine: Vec<(AppointmentId, i64, Told)> = mine;
        self.told.extend(mine.into_iter().map(|(_, then, told)| Told { wait_s: second - then, ..told }));
    }
}

fn person(dice: &mut Dice, number: u16, start_min: u16, median_s: f64) -> Person {
    let start = SlotStart::from_minutes(start_min).unwrap();
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    let on_time = f64::from(start_min) * 60.0 - dice.normal(1_200.0, 900.0);
    let late = f64::from(start_min) * 60.0 + dice.between(0.0, 2_400.0);
    let comes_at = if dice.chance(0.1) { late } else { on_time };
    Person {
        booked: Booked {
            appointment: AppointmentId::from_bytes(bytes),
            patient: PatientId::from_bytes(bytes),
            number,
            start,
        },
        comes_at: (!dice.chance(0.12)).then_some(comes_at.max(7.0 * 3600.0) as i64),
        priority: if dice.chance(0.05) { Priority::Elder } else { Priority::None },
        visit_s: (median_s * (SIGMA * dice.normal(0.0, 1.0)).exp()).clamp(60.0, 3_600.0) as i64,
        is_away_once: dice.chance(0.04),
        results_at: None,
    }
}

/// `SplitMix64`: the same mornings each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, never 0.
    fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    /// Box and Muller.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let (radius, turn) = ((-2.0 * self.share().ln()).sqrt(), std::f64::consts::TAU * self.share());
        mean + deviation * radius * turn.cos()
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        let (end, mut product, mut count) = ((-mean).exp(), self.share(), 0);
        while product > end {
            product *= self.share();
            count += 1;
        }
        count
    }
}
