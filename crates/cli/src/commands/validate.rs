//! `validate`: asks the validation checks of what serves. Changes nothing.

use towpath_core::ids::Name;
use towpath_engine::views::{CheckView, FORMAT};

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `validate`. Refused (exit 3) unless every check passes.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath validate {name}"))?;
    let empty = serde_json::json!({});
    let checks: Vec<CheckView> =
        session.client.patient().post(&lane_path(&lane, "/validate"), &empty).await?;
    let passed = checks.iter().all(|check| check.state == "pass");
    let view = serde_json::json!({
        "format": FORMAT,
        "service": lane.service,
        "environment": lane.environment,
        "passed": passed,
        "checks": checks,
    });
    context.either(&view, report::health::checks(environment.as_str(), &checks, &context.out));
    Ok(if passed { ExitCode::Done } else { ExitCode::Refused })
}
