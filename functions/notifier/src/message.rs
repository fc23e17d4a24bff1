//! What a message says: the hospital's template filled with the appointment's values.

use domain::appointment::Appointment;
use domain::notice::{NoticeKind, field_text};
use domain::profile::HospitalProfile;
use wechat::api::TemplateMessage;
use wechat::template::TemplateData;

/// The message, or why there is none to send: a stable code for the ledger.
pub(crate) fn compose(
    kind: NoticeKind,
    appointment: &Appointment,
    profile: &HospitalProfile,
    public_url: &str,
    followed: bool,
) -> Result<TemplateMessage, &'static str> {
    if !kind.still_true(appointment) {
        return Err("no_longer_true");
    }
    if !followed {
        return Err("not_following");
    }
    let template = profile.templates.get(&kind).ok_or("no_template")?;
    let mut data = TemplateData::new();
    for (keyword, field) in &template.fields {
        let text = field_text(kind, *field, appointment);
        if let Err(error) = data.set(keyword, &text) {
            tracing::error!(%error, keyword, "template of the profile does not take its value");
            return Err("bad_value");
        }
    }
    Ok(TemplateMessage {
        to: appointment.account.to_string(),
        template_id: template.template_id.clone(),
        url: Some(format!("{public_url}/appointments/{}", appointment.key())),
        client_msg_id: format!("{}-{}", kind.code(), appointment.id),
        data,
    })
}
