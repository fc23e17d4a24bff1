//! Channels (渠道) and the numbers set apart for them.
//!
//! Numbers are one pool (the yardstick's rule). A part of them may be set apart for those who cannot use a phone; what is
//! left of it on the day itself is everybody's.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a number is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// 微信: the pool, nothing is set apart for it.
    Wechat,
    /// 窗口
    Window,
    /// 电话
    Phone,
    /// 老年人
    Elder,
    /// 转诊
    Referral,
}

impl Channel {
    /// Those that numbers can be set apart for.
    pub const RESERVABLE: [Self; 4] = [Self::Window, Self::Phone, Self::Elder, Self::Referral];

    /// As staff read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Wechat => "微信",
            Self::Window => "窗口",
            Self::Phone => "电话",
            Self::Elder => "老年人",
            Self::Referral => "转诊",
        }
    }
}

/// How many numbers of a hundred are set apart for each channel; the rest is the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// 窗口
    pub window: u8,
    /// 电话
    pub phone: u8,
    /// 老年人
    pub elder: u8,
    /// 转诊
    pub referral: u8,
}

/// More than everything would be set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than 100 % is set apart")]
pub struct QuotasError;

/// Percent of everything.
const ALL: u8 = 100;

/// The numbers set apart, by channel.
pub type Reserved = BTreeMap<Channel, BTreeSet<u16>>;

impl Quotas {
    /// Nothing set apart.
    pub const NONE: Self = Self { window: 0, phone: 0, elder: 0, referral: 0 };

    /// Percent of a channel; the pool has none of its own.
    pub fn percent(self, channel: Channel) -> u8 {
        match channel {
            Channel::Wechat => 0,
            Channel::Window => self.window,
            Channel::Phone => self.phone,
            Channel::Elder => self.elder,
            Channel::Referral => self.referral,
        }
    }

    /// Whether they leave the pool at least nothing.
    pub fn check(self) -> Result<(), QuotasError> {
        self.pool().map(drop)
    }

    fn pool(self) -> Result<u8, QuotasError> {
        let apart = Channel::RESERVABLE.iter().try_fold(0_u8, |sum, channel| sum.checked_add(self.percent(*channel)));
        apart.and_then(|apart| ALL.checked_sub(apart)).ok_or(QuotasError)
    }

    /// Which of the numbers `1 ..= count` of a clinic are set apart. Each number goes to whom most is owed by then (smooth
    /// weighted turns), so that every part of the morning has its share, and the same file always sets the same apart.
    pub fn reserve(self, count: u16) -> Reserved {
        let weight = |channel: Channel| match channel {
            Channel::Wechat => i32::from(self.pool().unwrap_or(0)),
            channel => i32::from(self.percent(channel)),
        };
        let channels = std::iter::once(Channel::Wechat).chain(Channel::RESERVABLE);
        let mut owed: Vec<(Channel, i32)> = channels.map(|channel| (channel, 0)).collect();
        let total: i32 = owed.iter().map(|(channel, _)| weight(*channel)).sum();
        let mut reserved = Reserved::new();
        for number in 1..=count {
            for (channel, owed) in &mut owed {
                *owed += weight(*channel);
            }
            // The first of those owed most, so that the pool has the first number.
            let Some(most) = owed.iter().map(|(_, owed)| *owed).max() else { break };
            let Some((channel, owed)) = owed.iter_mut().find(|(_, owed)| *owed == most) else { break };
            *owed -= total;
            if *channel != Channel::Wechat {
                reserved.entry(*channel).or_default().insert(number);
            }
        }
        reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USUAL: Quotas = Quotas { window: 10, phone: 5, elder: 5, referral: 10 };

    #[test]
    fn of_forty_numbers_each_channel_has_its_share() {
        let reserved = USUAL.reserve(40);
        let counts: Vec<_> = Channel::RESERVABLE.map(|channel| reserved.get(&channel).map_or(0, BTreeSet::len)).into();
        assert_eq!(counts, [4, 2, 2, 4]);
        assert!(reserved.values().all(|numbers| !numbers.contains(&1)), "the first number is the pool's");
        assert_eq!(Quotas::NONE.reserve(40), Reserved::new());
    }

    #[test]
    fn no_more_than_everything() {
        assert_eq!(Quotas { window: 60, elder: 41, ..Quotas::NONE }.check(), Err(QuotasError));
        assert_eq!(Quotas { window: 255, elder: 255, ..Quotas::NONE }.check(), Err(QuotasError));
        assert_eq!(Quotas { window: 60, elder: 40, ..Quotas::NONE }.check(), Ok(()));
    }

    proptest! {
        /// After any number every channel has its share, but for less than one number per channel.
        #[test]
        fn every_part_of_a_clinic_has_its_share(window in 0..30_u8, phone in 0..20_u8, elder in 0..20_u8, referral in 0..30_u8, count in 1..400_u16) {
            let quotas = Quotas { window, phone, elder, referral };
            let reserved = quotas.reserve(count);
            for channel in Channel::RESERVABLE {
                let has = reserved.get(&channel).map_or(0, BTreeSet::len) * 100;
                let due = usize::from(count) * usize::from(quotas.percent(channel));
                prop_assert!(has.abs_diff(due) < 500, "{channel:?} has {has} of {due} hundredths");
            }
            let all: Vec<u16> = reserved.values().flatten().copied().collect();
            let distinct: BTreeSet<u16> = all.iter().copied().collect();
            prop_assert_eq!(all.len(), distinct.len());
        }
    }
}
