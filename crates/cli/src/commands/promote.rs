//! `promote` and `break-glass`: asks for the plan, asks the person, orders it, watches it. The engine carries it out.

use std::fmt::Write as _;

use towpath_core::ids::{LaneId, Name};
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::speaking::{Says, Signed};
use towpath_engine::views::PlanView;
use towpath_server::requests::AcceptedView;

use crate::args::{PromoteArguments, Signing};
use crate::commands::confirm::{self, Question};
use crate::commands::session::{Session, lane_path};
use crate::commands::signing::{self, Speaker, Words};
use crate::commands::{Context, plan, watch};
use crate::exit_code::{CliError, ExitCode};
use crate::report::plan::Asked;
use crate::{person, report};

/// Runs `promote`, or `break-glass` where `breaks` says so. Not safe to repeat in general; while the same release is on its way, a second
/// order is refused with the number of the first.
pub(crate) async fn run(
    arguments: &PromoteArguments,
    breaks: bool,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let verb = if breaks { "break-glass" } else { "promote" };
    let session = if arguments.dry_run {
        Session::planning(context).await?
    } else {
        Session::following(context).await?
    };
    let edge = &arguments.edge;
    let retry = |to: &str| plan::command(verb, edge.from().map(Name::as_str), to);
    let (lane, _) = session.lane(edge.to(), retry)?;
    let mut order = PromotionOrder {
        release: arguments.release.clone(),
        from: edge.from().cloned(),
        plan: arguments.plan.clone(),
        accept_unenforced: arguments.accept_unenforced.clone(),
        reason: arguments.reason.clone(),
        override_window: arguments.override_window,
        break_glass: breaks,
        ..PromotionOrder::of(person::current())
    };
    let planned: PlanView = session.client.ask(&lane_path(&lane, "/plan"), &order).await?;
    if arguments.dry_run {
        let asked =
            Asked { release: arguments.release.is_some(), accepted: &arguments.accept_unenforced };
        plan::print(&planned, asked, context);
        return Ok(ExitCode::Done);
    }
    let asked = context.asks && planned.tier == "production" && !arguments.yes;
    if asked {
        context.aside(&report::plan::line(&planned, &context.err));
        // The person agrees to what was shown, and to nothing else.
        order.plan = Some(planned.hash.trim_start_matches("sha256:").to_owned());
    }
    confirm::ask(
        &Question {
            environment: &planned.to,
            tier: &planned.tier,
            yes: arguments.yes,
            command: again(verb, arguments),
            otherwise: "nothing was started",
        },
        context,
    )?;
    if let Some(says) = order.goes_past() {
        order.signed = signed(&session, &lane, (says, &arguments.by), &planned, &mut order).await?;
    }
    let accepted: AcceptedView =
        session.client.post(&lane_path(&lane, "/promotions"), &order).await?;
    let Some(number) = accepted.promotion else {
        return Err(nothing_followed(&accepted, &planned));
    };
    watch::started(&session, number.0, arguments.no_wait, arguments.timeout, context).await
}

/// The order as whoever has a key signs it, where it goes past the rules: for the plan that was looked at.
async fn signed(
    session: &Session,
    lane: &LaneId,
    (says, by): (Says, &Signing),
    planned: &PlanView,
    order: &mut PromotionOrder,
) -> Result<Option<Signed>, CliError> {
    let Some(speaker) = Speaker::of(session, by.key.as_deref()).await? else { return Ok(None) };
    order.plan = Some(planned.hash.trim_start_matches("sha256:").to_owned());
    let words = Words {
        release: Some(signing::digest_of(session, &lane.service, &planned.release).await?),
        plan: signing::digest(&planned.hash),
        note: order.reason.clone(),
        ..Words::about(lane)
    };
    speaker.sign(says, words).map(Some)
}

/// The command as it was typed, complete.
fn again(verb: &str, arguments: &PromoteArguments) -> String {
    let mut command = plan::typed(verb, &arguments.edge);
    if let Some(release) = &arguments.release {
        let _ = write!(command, " --release {release}");
    }
    if let Some(plan) = &arguments.plan {
        let _ = write!(command, " --plan {plan}");
    }
    for name in &arguments.accept_unenforced {
        let _ = write!(command, " --accept-unenforced {}", report::usage::quoted(name));
    }
    if arguments.override_window {
        command.push_str(" --override-window");
    }
    if let Some(reason) = &arguments.reason {
        let _ = write!(command, " --reason {}", report::usage::quoted(reason));
    }
    command
}

fn nothing_followed(accepted: &AcceptedView, plan: &PlanView) -> CliError {
    let error = CliError::new(ExitCode::Failed, "nothing-followed", "nothing was started");
    let error = match accepted.notes.as_slice() {
        [] => error.because("the engine took the order and began no promotion"),
        notes => error.because(notes.join("; ")),
    };
    error.next(format!("towpath why {}", plan.to), "what is so now")
}
