//! Routes as data: a function declares `ROUTES`, the handler looks its request up, tests walk the whole list.

use std::str::FromStr;

use http::Method;
use percent_encoding::percent_decode_str;

pub use domain::staff::Scope;

use crate::problem::Problem;

/// Longest path looked at, in bytes; a longer one is not found.
pub const PATH_MAX_BYTES: usize = 512;
/// Longest decoded path parameter, in bytes; a longer one is not found.
pub const PARAM_MAX_BYTES: usize = 128;

/// What a caller must be before a route's action runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// A signed-in WeChat user.
    Account,
    /// A machine client whose token carries this scope, or a signed-in member of staff one of whose roles does.
    Staff(Scope),
    /// A signed-in member of staff, whatever their roles: what concerns their own account.
    StaffSession,
    /// The action verifies a signature of its own (WeChat callback, payment notification).
    Signed,
}

/// One route of a function. `A` is the function's own enum of actions.
#[derive(Debug)]
pub struct Route<A: 'static> {
    /// The HTTP method.
    pub method: Method,
    /// The path, with parameters in braces: `/appointments/{appointment}/cancel`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub action: A,
}

/// A route found, with what its path carried.
#[derive(Debug)]
pub struct Match<A: 'static> {
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub action: &'static A,
    /// The path parameters.
    pub params: Params,
}

/// Path parameters, percent-decoded and bounded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The decoded text of a parameter; empty when the route has none of that name.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The parameter as a type of the domain. What cannot be parsed names nothing, so it is simply not found.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.get(name).parse().map_err(|_| Problem::not_found())
    }
}

/// Why no route answers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No route has this path.
    #[error("no route for this path")]
    NotFound,
    /// The path exists under other methods, listed for the `Allow` header.
    #[error("method not allowed; allowed: {allow}")]
    MethodNotAllowed {
        /// Comma-separated methods.
        allow: String,
    },
}

impl From<RouteError> for Problem {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::NotFound => Self::not_found(),
            RouteError::MethodNotAllowed { allow } => Self::method_not_allowed(allow),
        }
    }
}

/// Finds the route of a request. A literal segment wins over a parameter, whatever the order of the list.
pub fn find<A>(routes: &'static [Route<A>], method: &Method, path: &str) -> Result<Match<A>, RouteError> {
    if path.len() > PATH_MAX_BYTES {
        return Err(RouteError::NotFound);
    }
    let mut fits: Vec<_> =
        routes.iter().filter_map(|route| params(route.path, path).map(|params| (route, params))).collect();
    let fewest_params = fits.iter().map(|(_, params)| params.0.len()).min().ok_or(RouteError::NotFound)?;
    fits.retain(|(_, params)| params.0.len() == fewest_params);
    let allow = fits.iter().map(|(route, _)| route.method.as_str()).collect::<Vec<_>>().join(", ");
    fits.into_iter()
        .find(|(route, _)| route.method == *method)
        .map(|(route, params)| Match { access: route.access, action: &route.action, params })
        .ok_or(RouteError::MethodNotAllowed { allow })
}

/// The parameters of `path` under `pattern`, or nothing when it does not fit.
fn params(pattern: &'static str, path: &str) -> Option<Params> {
    let mut found = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let segment = given.next()?;
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => found.push((name, decode(segment)?)),
            None if wanted == segment => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(Params(found))
}

fn decode(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let bounded = !text.is_empty() && text.len() <= PARAM_MAX_BYTES;
    (bounded && !text.chars().any(char::is_control)).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Action {
        List,
        New,
        Show,
        Create,
        Cancel,
    }

    static ROUTES: [Route<Action>; 5] = [
        Route { method: Method::GET, path: "/patients", access: Access::Account, action: Action::List },
        Route { method: Method::GET, path: "/patients/{patient}", access: Access::Account, action: Action::Show },
        Route { method: Method::GET, path: "/patients/new", access: Access::Account, action: Action::New },
        Route { method: Method::POST, path: "/patients", access: Access::Account, action: Action::Create },
        Route {
            method: Method::POST,
            path: "/appointments/{appointment}/cancel",
            access: Access::Account,
            action: Action::Cancel,
        },
    ];

    fn found(method: &Method, path: &str) -> Result<(&'static Action, Params), RouteError> {
        find(&ROUTES, method, path).map(|found| (found.action, found.params))
    }

    #[test]
    fn finds_by_method_and_path() {
        assert_eq!(found(&Method::GET, "/patients").unwrap().0, &Action::List);
        assert_eq!(found(&Method::POST, "/patients").unwrap().0, &Action::Create);
        let (action, params) = found(&Method::POST, "/appointments/a-1/cancel").unwrap();
        assert_eq!((action, params.get("appointment")), (&Action::Cancel, "a-1"));
    }

    #[test]
    fn a_literal_wins_over_a_parameter() {
        assert_eq!(found(&Method::GET, "/patients/new").unwrap().0, &Action::New);
        assert_eq!(found(&Method::GET, "/patients/newer").unwrap().0, &Action::Show);
    }

    #[test]
    fn parameters_are_decoded_and_bounded() {
        assert_eq!(found(&Method::GET, "/patients/%E5%BC%A0").unwrap().1.get("patient"), "张");
        for bad in ["/patients/", "/patients/%FF", "/patients/a%00b", "/patients/a/b", "/patients/a%0Ab"] {
            assert_eq!(found(&Method::GET, bad).unwrap_err(), RouteError::NotFound, "{bad}");
        }
        let long = format!("/patients/{}", "a".repeat(PARAM_MAX_BYTES + 1));
        assert_eq!(found(&Method::GET, &long).unwrap_err(), RouteError::NotFound);
        let too_long = format!("/{}", "a".repeat(PATH_MAX_BYTES));
        assert_eq!(found(&Method::GET, &too_long).unwrap_err(), RouteError::NotFound);
    }

    #[test]
    fn a_known_path_with_another_method_says_which_are_allowed() {
        let refused = found(&Method::DELETE, "/patients").unwrap_err();
        assert_eq!(refused, RouteError::MethodNotAllowed { allow: "GET, POST".into() });
        let refused = found(&Method::GET, "/appointments/a/cancel").unwrap_err();
        assert_eq!(refused, RouteError::MethodNotAllowed { allow: "POST".into() });
    }

    #[test]
    fn a_parameter_that_does_not_parse_is_not_found() {
        let (_, params) = found(&Method::GET, "/patients/12").unwrap();
        assert_eq!(params.parse::<u8>("patient").unwrap(), 12);
        let (_, params) = found(&Method::GET, "/patients/x").unwrap();
        assert_eq!(params.parse::<u8>("patient").unwrap_err().code, "not_found");
    }
}
