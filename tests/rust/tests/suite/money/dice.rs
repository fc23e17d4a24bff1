//! Chance that can be had again: `SplitMix64`.

pub(crate) struct Dice(u64);

/// What the state grows by with each throw.
const STRIDE: u64 = 0x9E37_79B9_7F4A_7C15;
/// Throws, as a power of two, that lie between two seeds: neighbours would otherwise be the same but for one throw.
const STREAM_BITS: u32 = 20;

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self((seed << STREAM_BITS).wrapping_mul(STRIDE))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STRIDE);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `n`, without `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}
