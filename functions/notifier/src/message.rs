//! What a message says: the hospital's template filled with the values of what it is about.

use domain::notice::{About, NoticeKind};
use domain::profile::HospitalProfile;
use wechat::api::TemplateMessage;
use wechat::template::TemplateData;

/// The message, or why there is none to send: a stable code for the ledger.
pub(crate) fn compose(
    kind: NoticeKind,
    about: &About,
    profile: &HospitalProfile,
    public_url: &str,
    followed: bool,
) -> Result<TemplateMessage, &'static str> {
    if !about.bears_out(kind) {
        return Err("no_longer_true");
    }
    if !followed {
        return Err("not_following");
    }
    let template = profile.templates.get(&kind).ok_or("no_template")?;
    let mut data = TemplateData::new();
    for (keyword, field) in &template.fields {
        let text = about.field_text(kind, *field);
        if let Err(error) = data.set(keyword, &text) {
            tracing::error!(%error, keyword, "template of the profile does not take its value");
            return Err("bad_value");
        }
    }
    Ok(TemplateMessage {
        to: about.account().to_string(),
        template_id: template.template_id.clone(),
        url: Some(format!("{public_url}{}", about.path())),
        client_msg_id: format!("{}-{}", kind.code(), about.ledger_id(kind)),
        data,
    })
}
