//! How every HTTP function answers: find the route, let in who may come in, run the action, show the outcome.

use crate::desk::{Desk, ProfileError};
use crate::refusal::Refusal;
use crate::secrets::{Secret, StaffTokens};
use domain::Timestamp;
use domain::id::OpenId;
use domain::profile::HospitalProfile;
use lambda_http::Request;
use std::convert::Infallible;
use std::sync::Arc;
use web::Response;
use web::form::Fields;
use web::problem::Problem;
use web::request::RequestMeta;
use web::route::{Access, Params, Route, Scope, find};
use web::session::{CsrfToken, IdempotencyKey, SessionSecret, check_csrf};
use web::view::{PageContext, Site, View, download, respond, see_other};

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody we know.
    Anyone,
    /// A signed-in WeChat user.
    Account {
        /// Who.
        openid: OpenId,
        /// The session's secret, for forms.
        secret: SessionSecret,
    },
    /// A staff member or machine client.
    Staff {
        /// Name of the token.
        name: String,
    },
}

/// A request that was let in.
pub struct Call<A: 'static> {
    /// What it asks for.
    pub action: &'static A,
    /// Path parameters.
    pub params: Params,
    /// Head of the request.
    pub meta: RequestMeta,
    /// The request with its body.
    pub request: Request,
    /// The one instant of this request.
    pub now: Timestamp,
    /// Who calls.
    pub caller: Caller,
    site: Site,
    csrf: Option<CsrfToken>,
    profile: Option<Arc<HospitalProfile>>,
}

impl<A> Call<A> {
    /// The signed-in WeChat user. Routes with [`Access::Account`] always have one.
    pub fn account(&self) -> Result<&OpenId, Refusal> {
        match &self.caller {
            Caller::Account { openid, .. } => Ok(openid),
            Caller::Anyone | Caller::Staff { .. } => Err(Problem::sign_in_required().into()),
        }
    }

    /// The name of the staff token. Routes with [`Access::Staff`] always have one.
    pub fn staff(&self) -> Result<&str, Refusal> {
        match &self.caller {
            Caller::Staff { name } => Ok(name),
            Caller::Anyone | Caller::Account { .. } => Err(Problem::forbidden().into()),
        }
    }

    /// The hospital profile.
    pub fn profile(&self) -> Result<&Arc<HospitalProfile>, Refusal> {
        self.profile.as_ref().ok_or_else(|| ProfileError::Missing.into())
    }

    /// The submitted fields. The forgery check has been made when the caller has a session.
    pub fn fields(&self) -> Result<Fields, Refusal> {
        Ok(Fields::read(&self.request)?)
    }

    /// The key under which this request takes effect once; without one it cannot be told from a repeat.
    pub fn idempotency_key(&self, fields: &Fields) -> Result<IdempotencyKey, Refusal> {
        IdempotencyKey::of(&self.meta, fields).ok_or_else(|| Problem::bad_request().into())
    }

    /// The deployment, for cookies.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What pages may know.
    pub fn context(&self) -> PageContext<'_> {
        PageContext { site: &self.site, request: &self.meta, csrf: self.csrf.as_ref() }
    }

    /// Answers with a view.
    pub fn show<V: View>(&self, view: &V) -> Response {
        respond(&self.context(), view)
    }

    /// Answers with a file to keep.
    pub fn download(&self, file_name: &str, bytes: Vec<u8>) -> Response {
        download(&self.context(), file_name, bytes)
    }

    /// 303 to a path of ours.
    pub fn go(&self, path: &str) -> Response {
        see_other(&self.context(), path)
    }
}

/// Answers a request by `routes`: who may not come in never reaches `run`. `staff` is needed by functions with staff
/// routes only.
pub async fn serve<A: 'static>(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    routes: &'static [Route<A>],
    request: Request,
    run: impl AsyncFnOnce(&Call<A>) -> Result<Response, Refusal>,
) -> Result<Response, Infallible> {
    let meta = RequestMeta::of(&request);
    let profile = desk.profile().await;
    let site = site_of(desk, profile.as_deref().ok());
    let refused = |problem: Problem, csrf: Option<&CsrfToken>| {
        tracing::info!(code = problem.code, status = problem.status.as_u16(), "refused");
        problem.respond(&PageContext { site: &site, request: &meta, csrf })
    };
    let found = match find(routes, &meta.method, &meta.path) {
        Ok(found) => found,
        Err(error) => return Ok(refused(error.into(), None)),
    };
    let caller = match admit(desk, staff, found.access, &site, &meta, &request).await {
        Ok(caller) => caller,
        Err(Refusal(problem)) => return Ok(refused(problem, None)),
    };
    let csrf = match &caller {
        Caller::Account { secret, .. } => Some(secret.csrf_token()),
        Caller::Anyone | Caller::Staff { .. } => None,
    };
    let call = Call {
        action: found.action,
        params: found.params,
        meta: meta.clone(),
        request,
        now: desk.clock.now(),
        caller,
        site: site.clone(),
        csrf,
        profile: profile.ok(),
    };
    Ok(match run(&call).await {
        Ok(response) => response,
        Err(Refusal(problem)) => refused(problem, call.csrf.as_ref()),
    })
}

fn site_of(desk: &Desk, profile: Option<&HospitalProfile>) -> Site {
    Site {
        public_url: desk.public_url.clone(),
        hospital_name: profile.map_or_else(|| "门诊".to_owned(), |profile| profile.name.clone()),
        hospital_phone: profile.map_or_else(String::new, |profile| profile.phone.clone()),
        frame_ancestors: desk.frame_ancestors.clone(),
    }
}

async fn admit(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    access: Access,
    site: &Site,
    meta: &RequestMeta,
    request: &Request,
) -> Result<Caller, Refusal> {
    match access {
        Access::Public | Access::Signed => Ok(Caller::Anyone),
        Access::Account => admit_account(desk, site, meta, request).await,
        Access::Staff(scope) => admit_staff(desk, staff, scope, meta).await,
    }
}

async fn admit_account(desk: &Desk, site: &Site, meta: &RequestMeta, request: &Request) -> Result<Caller, Refusal> {
    let secret = SessionSecret::of(meta, site).ok_or_else(Problem::sign_in_required)?;
    let session = desk.table.session(&secret.key(), desk.clock.now()).await?.ok_or_else(Problem::sign_in_required)?;
    if !meta.method.is_safe() {
        check_csrf(meta, site, &Fields::read(request)?, &secret)?;
    }
    Ok(Caller::Account { openid: session.account, secret })
}

async fn admit_staff(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    scope: Scope,
    meta: &RequestMeta,
) -> Result<Caller, Refusal> {
    let staff = staff.ok_or_else(Problem::not_found)?.get(desk.clock.now()).await?;
    let token = meta.bearer_token().and_then(|token| staff.find(token)).ok_or_else(no_staff_token)?;
    if token.scopes.iter().any(|held| held == scope.as_str()) {
        Ok(Caller::Staff { name: token.name.clone() })
    } else {
        Err(Problem::forbidden().into())
    }
}

/// 401 without a way to WeChat's sign-in: machines do not sign in there.
fn no_staff_token() -> Problem {
    Problem::new(web::StatusCode::UNAUTHORIZED, "staff_token_required", "需要有效的员工或接口令牌")
}
