//! Errors as clients see them (RFC 9457). Owns the one table from the kind of a refusal to a status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::EngineError;
use towpath_engine::conditions::CHANGED;
use towpath_ports::store::StoreError;

use crate::requests::{Fault, Problem};

/// Anything that ends a request early.
#[derive(Debug)]
pub(crate) struct ApiError {
    refusal: Box<Refusal>,
    status: StatusCode,
    /// What is wrong in the request.
    faults: Vec<Fault>,
}

/// The answer of a handler.
pub(crate) type Answer<T> = Result<T, ApiError>;

impl ApiError {
    /// With another status than that of its kind.
    pub(crate) fn of(refusal: Refusal, status: StatusCode) -> Self {
        Self { refusal: Box::new(refusal), status, faults: Vec::new() }
    }

    /// The same with one more place of the request that is wrong.
    pub(crate) fn because(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    pub(crate) fn not_found(what: &str, next: &str) -> Self {
        let refusal =
            Refusal::new(RefusalKind::NotFound, "not-found", what, "nothing has this name")
                .next(next, "what there is");
        refusal.into()
    }

    /// The answer to a bearer that opens nothing, the same for every cause: whoever tries tokens learns
    /// nothing from it.
    pub(crate) fn no_entry() -> Self {
        let message = "nothing was answered: the token opens nothing here";
        let cause = "it is none, is over, was revoked, or belongs elsewhere";
        let refusal = Refusal::new(RefusalKind::NotAllowed, "no-entry", message, cause)
            .at("TOWPATH_TOKEN, or --token-file")
            .next("unset TOWPATH_TOKEN", "act as yourself")
            .next("towpath token list", "as yourself: which tokens are in force");
        Self::of(refusal, StatusCode::UNAUTHORIZED)
    }

    /// The answer over the network to whoever does not say who they are.
    pub(crate) fn nobody() -> Self {
        let message = "nothing was answered: over the network nobody is known without a token";
        let cause = "the request brings none, and no session";
        let refusal = Refusal::new(RefusalKind::NotAllowed, "nobody", message, cause)
            .next("towpath login URL", "keeps a token for this server")
            .next("towpath token create NAME", "on its machine, or at its pages: makes one");
        Self::of(refusal, StatusCode::UNAUTHORIZED)
    }

    /// The answer to an address that sends too much.
    pub(crate) fn too_many(refusal: Refusal) -> Self {
        Self::of(refusal, StatusCode::TOO_MANY_REQUESTS)
    }

    /// The answer while others have all that there is of something; asking again later helps.
    pub(crate) fn busy(code: &str, cause: &str) -> Self {
        let refusal = Refusal::new(RefusalKind::Conflict, code, "nothing was answered", cause);
        Self::of(refusal.next("wait 1s", "then ask again"), StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The answer where answering broke down. What it was about is in the log, and whether anything was
    /// changed is not known.
    pub(crate) fn broken() -> Self {
        let message = "the server broke down while it answered: an order may have been taken";
        let refusal = Refusal::new(
            RefusalKind::Conflict,
            "broke-down",
            message,
            "this is a mistake in the program",
        );
        let refusal = refusal.next("towpath history", "whether it was taken");
        Self::of(refusal, StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What is refused, and the status that says so, for a page.
    pub(crate) fn into_parts(self) -> (Box<Refusal>, StatusCode) {
        (self.refusal, self.status)
    }

    fn disk_full(sentence: String) -> Self {
        let refusal = Refusal::new(
            RefusalKind::Conflict,
            "disk-full",
            "nothing was changed: there is no space for anything new",
            sentence,
        );
        let refusal = refusal.next("towpath rollback ENVIRONMENT", "still works");
        Self::of(refusal, StatusCode::INSUFFICIENT_STORAGE)
    }

    /// Nobody knows whether it was taken, so that its key is not free again.
    fn unsure(sentence: String) -> Self {
        let refusal = Refusal::new(
            RefusalKind::Conflict,
            "outcome-unknown",
            "the engine ended before it answered: an order may have been taken",
            sentence,
        );
        let refusal = refusal.next("towpath history", "whether it was");
        Self::of(refusal, StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn unavailable(sentence: String) -> Self {
        let refusal = Refusal::new(
            RefusalKind::Conflict,
            "unavailable",
            "nothing was changed: the journal cannot be written or read now",
            sentence,
        );
        let refusal = refusal.next("towpath doctor", "what is wrong with it");
        Self::of(refusal, StatusCode::SERVICE_UNAVAILABLE)
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal.kind {
        RefusalKind::Conflict if refusal.code == CHANGED => StatusCode::PRECONDITION_FAILED,
        RefusalKind::AlreadySo | RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Usage => StatusCode::BAD_REQUEST,
        RefusalKind::Gate => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::NotAllowed => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(&refusal);
        Self::of(refusal, status)
    }
}

impl From<Box<Refusal>> for ApiError {
    fn from(refusal: Box<Refusal>) -> Self {
        (*refusal).into()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(sentence) => Self::disk_full(sentence),
            StoreError::Unknown(sentence) => Self::unsure(sentence),
            error => Self::unavailable(error.to_string()),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Store(error) => error.into(),
            EngineError::Stopped => Self::unsure("the engine has stopped".to_owned()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { refusal, status, faults } = self;
        let problem = Problem {
            kind: format!("https://towpath.dev/problems/{}", refusal.code),
            title: refusal.message.clone(),
            status: status.as_u16(),
            detail: refusal.cause.clone(),
            code: refusal.code.clone(),
            errors: faults,
            help: refusal.next.clone(),
            request_id: String::new(),
            refusal: *refusal,
        };
        let mut answer = rendered(&problem);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        // Whoever knows what the request is called says so, and writes it again.
        answer.extensions_mut().insert(Box::new(problem));
        answer
    }
}

/// Whether one of the causes of an error is of this kind.
pub(crate) fn is_caused_by<Cause: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(<dyn std::error::Error>::is::<Cause>)
}

/// What a problem is on the way (RFC 9457).
pub(crate) const PROBLEM: &str = "application/problem+json";

/// A problem as an answer.
pub(crate) fn rendered(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [(header::CONTENT_TYPE, PROBLEM)];
    (status, json, Json(problem)).into_response()
}

pub(crate) async fn no_such_route() -> ApiError {
    ApiError::not_found("there is no such address", "towpath --help")
}

pub(crate) async fn no_such_method() -> ApiError {
    let message = "this address is not asked in that way";
    let cause = "the method of the request is none of those that `Allow` names";
    let refusal = Refusal::new(RefusalKind::Usage, "no-such-method", message, cause);
    let refusal = refusal.next("towpath --help", "what can be asked");
    ApiError::of(refusal, StatusCode::METHOD_NOT_ALLOWED)
}
