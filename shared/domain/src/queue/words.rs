//! A place in the queue as patients read it, on the page and in the chat alike.

use super::{Entry, Queue, QueuePolicy, Stage};
use jiff::Timestamp;

impl Stage {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Waiting => "waiting",
            Self::Called { .. } => "called",
            Self::InRoom { .. } => "in_room",
            Self::Missed => "missed",
            Self::Done => "done",
            Self::Left => "left",
        }
    }
}

impl Queue {
    /// What somebody has to know or do.
    pub fn patient_text(&self, entry: &Entry) -> String {
        match &entry.stage {
            Stage::Expected => "您还没有签到，到院后请先签到。".into(),
            Stage::Waiting => match self.rooms.iter().find_map(|room| room.paused.as_deref()) {
                Some(reason) if self.open_rooms().next().is_none() => format!("候诊中。诊室暂停叫号：{reason}"),
                _ if entry.missed > 0 => "您已过号，请在诊室附近等候，稍后会再次叫到您。".into(),
                _ if entry.seen => "回诊候诊中，会穿插叫号。".into(),
                _ => "候诊中，请留意叫号。".into(),
            },
            Stage::Called { room, .. } => format!("请到 {room} 就诊！"),
            Stage::InRoom { room, .. } => format!("就诊中（{room}）"),
            Stage::Missed => "您已过号，请到分诊台重新报到。".into(),
            Stage::Done => "就诊已结束。需要回诊时请到分诊台报到。".into(),
            Stage::Left => "您已退出候诊。如有疑问请到分诊台。".into(),
        }
    }

    /// How long somebody waits still, in words; none for who does not wait.
    pub fn wait_text(&self, entry: &Entry, policy: &QueuePolicy, now: Timestamp) -> Option<String> {
        let estimate = self.estimate(entry, policy, now)?;
        Some(match estimate.minutes {
            None => "已暂停叫号".to_owned(),
            Some(minutes) if estimate.is_rough => format!("{minutes}（刚开诊，仅供参考）"),
            Some(minutes) => minutes.to_string(),
        })
    }

    /// The rooms that call, as somebody looks for them; the one they are called to, once they are.
    pub fn rooms_text(&self, entry: &Entry) -> String {
        let all = || self.rooms.iter().map(|room| room.name.as_str()).collect::<Vec<_>>().join("、");
        entry.stage.room().map_or_else(all, |(room, _)| room.to_owned())
    }

    /// All of it in a line: the state, how many ahead, how long, which room.
    pub fn standing_text(&self, entry: &Entry, policy: &QueuePolicy, now: Timestamp) -> String {
        let state = self.patient_text(entry);
        let (Some(estimate), Some(wait)) = (self.estimate(entry, policy, now), self.wait_text(entry, policy, now))
        else {
            return state;
        };
        format!("{state}前面 {} 人，{wait}，诊室 {}。", estimate.ahead, self.rooms_text(entry))
    }
}
