//! Configuration from the environment: names are the contract of `infra/foundation.yaml`, values are never secrets.

use crate::StartError;

/// A required variable.
pub fn required(name: &'static str) -> Result<String, StartError> {
    let value = std::env::var(name).unwrap_or_default();
    if value.is_empty() { Err(format!("environment variable {name} is missing").into()) } else { Ok(value) }
}

/// A variable with a default.
pub fn or_default(name: &'static str, default: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// The origin patients see, without a trailing slash.
pub fn public_url() -> Result<String, StartError> {
    Ok(required("PUBLIC_URL")?.trim_end_matches('/').to_owned())
}

/// Where the account API answers.
pub fn wechat_api_url() -> String {
    or_default("WECHAT_API_URL", "https://api.weixin.qq.com")
}

/// Where WeChat's sign-in page is.
pub fn wechat_open_url() -> String {
    or_default("WECHAT_OPEN_URL", "https://open.weixin.qq.com")
}

/// Where the SMS service answers.
pub fn sms_api_url() -> String {
    or_default("SMS_API_URL", "https://sms.tencentcloudapi.com")
}

/// Where the hospital's front-end machine answers (`HIS_URL`): an https origin.
pub fn his_url() -> Result<String, StartError> {
    required("HIS_URL")
}

/// Where WeChat Pay answers: first and second host.
pub fn pay_hosts() -> wechat::pay::Hosts {
    wechat::pay::Hosts {
        primary: or_default("PAY_API_URL", "https://api.mch.weixin.qq.com"),
        fallback: or_default("PAY_API_FALLBACK_URL", "https://api2.mch.weixin.qq.com"),
    }
}
