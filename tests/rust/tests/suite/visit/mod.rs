//! What the tests share: a proxy that fails calls on order, the stand-in WeChat, a small hospital.

pub(crate) mod crowd;
pub(crate) mod enrolled;
pub(crate) mod his;
pub(crate) mod hospital;
pub(crate) mod letters;
pub(crate) mod proxy;
pub(crate) mod wechat;
