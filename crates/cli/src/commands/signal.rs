//! `signal`: a person's word that something is wrong. Asks nothing: it makes things safer.

use std::fmt::Write as _;

use towpath_server::requests::{AcceptedView, SignalRequest};

use crate::args::SignalArguments;
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// Runs `signal`. Safe to repeat: what goes back already goes back once.
pub(crate) async fn run(
    arguments: &SignalArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let word = arguments.signal.as_str();
    let retry = |name: &str| {
        let reason = report::usage::quoted(&arguments.reason);
        format!("towpath signal {name} {word} --reason {reason}")
    };
    let (lane, _) = session.lane(&arguments.environment, retry)?;
    let request = SignalRequest {
        signal: arguments.signal,
        by: person::current(),
        reason: arguments.reason.clone(),
    };
    let accepted: AcceptedView =
        session.client.post(&lane_path(&lane, "/signal"), &request).await?;
    let mark = context.out.symbol(Symbol::Passed);
    let environment = &lane.environment;
    let mut text = format!("{mark} {word} is recorded for {environment}, by {}\n", request.by);
    for note in &accepted.notes {
        let _ = writeln!(text, "    now  {note}");
    }
    let next = match accepted.promotion {
        Some(number) => (format!("towpath watch {number}"), "what follows from it"),
        None => (format!("towpath why {environment}"), "what follows from it"),
    };
    let next = towpath_core::reason::Next::new(next.0, next.1);
    context.either(&accepted, (text, report::block::next(&[next])));
    Ok(ExitCode::Done)
}
