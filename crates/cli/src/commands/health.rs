//! `health`: probes what serves, now. Changes nothing.

use towpath_core::ids::Name;
use towpath_engine::views::LaneView;

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `health`. Failed (exit 1) when an endpoint does not answer.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath health {name}"))?;
    let empty = serde_json::json!({});
    let view: LaneView = session.client.patient().post(&lane_path(&lane, "/probe"), &empty).await?;
    context.either(&view, report::health::text(&view, &context.out));
    Ok(if view.health.state == "unhealthy" { ExitCode::Failed } else { ExitCode::Done })
}
