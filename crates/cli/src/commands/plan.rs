//! `plan`: what a promotion would do. Changes nothing but the matrix in force.

use towpath_core::ids::Name;
use towpath_core::promotion::input::PromotionOrder;
use towpath_engine::views::PlanView;

use crate::args::{Edge, PlanArguments};
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report::plan::Asked;
use crate::{person, report};

/// Runs `plan`.
pub(crate) async fn run(
    arguments: &PlanArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::planning(context).await?;
    let order = PromotionOrder {
        release: arguments.release.clone(),
        from: arguments.edge.from().cloned(),
        accept_unenforced: arguments.accept_unenforced.clone(), // The reason is owed when it is carried out, not when one looks.
        reason: (!arguments.accept_unenforced.is_empty() || arguments.override_window)
            .then(String::new),
        override_window: arguments.override_window,
        ..PromotionOrder::of(person::current())
    };
    let retry = |to: &str| command("plan", arguments.edge.from().map(Name::as_str), to);
    let (lane, _) = session.lane(arguments.edge.to(), retry)?;
    let plan: PlanView = session.client.ask(&lane_path(&lane, "/plan"), &order).await?;
    let asked =
        Asked { release: arguments.release.is_some(), accepted: &arguments.accept_unenforced };
    print(&plan, asked, context);
    Ok(ExitCode::Done)
}

/// Prints a plan and how it is carried out.
pub(crate) fn print(plan: &PlanView, asked: Asked<'_>, context: &Context) {
    context.either(plan, report::plan::text(plan, asked, &context.out));
}

/// `towpath VERB [FROM] TO`.
pub(crate) fn command(verb: &str, from: Option<&str>, to: &str) -> String {
    match from {
        Some(from) => format!("towpath {verb} {from} {to}"),
        None => format!("towpath {verb} {to}"),
    }
}

/// The same with the names that were typed.
pub(crate) fn typed(verb: &str, edge: &Edge) -> String {
    command(verb, edge.from().map(Name::as_str), edge.to().as_str())
}
