//! `adapters`: the kinds that this program knows. Needs no project and no engine.

use towpath_engine::views::FORMAT;

use crate::commands::Context;
use crate::exit_code::ExitCode;
use crate::{report, wiring};

/// Runs `adapters`.
pub(crate) fn run(context: &Context) -> ExitCode {
    let catalogue = wiring::catalogue();
    let view = serde_json::json!({ "format": FORMAT, "kinds": catalogue.kinds });
    context.either(&view, report::adapters::text(&catalogue, &context.out));
    ExitCode::Done
}
