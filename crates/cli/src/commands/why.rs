//! `why`: what blocks an environment, who can unblock it, and how. Changes nothing.

use towpath_core::ids::Name;
use towpath_engine::views::LaneView;

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `why`.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath why {name}"))?;
    let view: LaneView = session.client.get(&lane_path(&lane, "")).await?;
    context.either(&view, report::why::text(&view, &session.status.at, &context.out));
    Ok(ExitCode::Done)
}
