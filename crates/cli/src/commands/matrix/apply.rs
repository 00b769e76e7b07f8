//! `matrix apply`, `approve` and `reject`: brings the file into force, or has people agree to it first.
//! Counts nobody; that is the engine's.

use std::fmt::Write as _;

use towpath_core::matrix::Matrix;
use towpath_core::reason::Next;
use towpath_core::speaking::{Says, Signed};
use towpath_engine::views::ProposalView;
use towpath_server::requests::{AcceptedView, MatrixRequest, MatrixWordRequest};

use super::{resolved, with_source};
use crate::args::{MatrixApplyArguments, MatrixWordArguments};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::commands::signing::{self, Speaker, Words};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::{Style, Symbol, printable};
use crate::{person, report};

/// Where what waits is found.
const PROPOSAL: &str = "/v1/matrix/proposal";
/// Changed places that are shown; the rest is counted.
const SHOWN: usize = 20;

/// Runs `matrix apply`. Safe to repeat: the same file a second time changes nothing.
pub(crate) async fn apply(
    arguments: &MatrixApplyArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking_with_engine(context).await?;
    // On one machine the file lies where the engine sees it; a server has nothing but what is sent.
    let (matrix, source) = match session.project.server {
        Some(_) => with_source(&session.project, context).map(|(it, file)| (it, Some(file)))?,
        None => (resolved(&session.project, context)?, None),
    };
    // Where nobody has to be asked and nothing has to be signed, that is all.
    let mut request =
        MatrixRequest { matrix, by: person::current(), unless_asked: true, signed: None, source };
    if arguments.dry_run {
        return dry_run(&session, &request, context).await;
    }
    let applied = match session.client.post::<_, AcceptedView>("/v1/matrix", &request).await {
        Err(error) if error.code() == "needs-agreement" => {
            request.unless_asked = false;
            request.signed = order(&session, &request.matrix, arguments).await?;
            session.client.post::<_, AcceptedView>("/v1/matrix", &request).await?
        }
        applied => applied?,
    };
    let waits = if applied.changed { proposal(&session).await? } else { None };
    if let Some(waiting) = waits {
        context
            .either(&waiting, (text(&waiting, &context.out), report::block::next(&next(&waiting))));
    } else {
        let what = if applied.changed { "is in force" } else { "was in force already" };
        let text = format!("{} the matrix {what}\n", context.out.symbol(Symbol::Passed));
        context.either(&applied, (text, String::new()));
    }
    Ok(ExitCode::Done)
}

/// The order as whoever has a key signs it: for this matrix and no other. Without one where it is in force, and
/// where whoever lost their key takes it out, to which somebody else with a key must agree.
async fn order(
    session: &Session,
    matrix: &Matrix,
    arguments: &MatrixApplyArguments,
) -> Result<Option<Signed>, CliError> {
    if arguments.without_key {
        return Ok(None);
    }
    let digest = matrix.clone().rehearsed(session.project.speed()).digest();
    let words = Words { matrix: Some(digest), ..Words::default() };
    signing::said(session, &arguments.by, Says::ApplyMatrix, words).await
}

/// Who would be asked; changes nothing.
async fn dry_run(
    session: &Session,
    request: &MatrixRequest,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let asked: Vec<String> = session.client.ask("/v1/matrix/asked", request).await?;
    let sentence = if asked.is_empty() {
        "nobody has to agree: it would be in force at once".to_owned()
    } else {
        format!("these would have to agree first: {}", asked.join(", "))
    };
    context.either(&asked, (format!("{sentence}\n"), String::new()));
    Ok(ExitCode::Done)
}

/// Runs `matrix approve` or `matrix reject`.
pub(crate) async fn word(
    arguments: &MatrixWordArguments,
    agrees: bool,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let note = arguments.note.clone();
    let plan = arguments.plan.clone();
    let signed = signed(&session, arguments, agrees).await?;
    let request = MatrixWordRequest { by: person::current(), plan, agrees, note, signed };
    let said: AcceptedView = session.client.post(PROPOSAL, &request).await?;
    let waits = if agrees { proposal(&session).await? } else { None };
    let text = match (&waits, agrees) {
        (_, false) => "the change of the matrix is off; what was in force stays".to_owned(),
        (None, true) => "everybody agreed: the changed matrix is in force".to_owned(),
        (Some(waiting), true) => {
            let open = open(waiting).join("; ");
            format!("your yes is kept; it still waits for {open}")
        }
    };
    let text = format!("{} {text}\n", context.out.symbol(Symbol::Passed));
    context.either(&said, (text, String::new()));
    Ok(ExitCode::Done)
}

/// The word as whoever has a key signs it; none of whoever has none.
async fn signed(
    session: &Session,
    arguments: &MatrixWordArguments,
    agrees: bool,
) -> Result<Option<Signed>, CliError> {
    let speaker = Speaker::of(session, arguments.by.key.as_deref()).await?;
    let (Some(speaker), Some(waiting)) = (speaker, proposal(session).await?) else {
        return Ok(None);
    };
    let shown = arguments.plan.trim_start_matches("sha256:");
    if !waiting.plan.trim_start_matches("sha256:").starts_with(shown) {
        // The engine says what waits in its place.
        return Ok(None);
    }
    let says = if agrees { Says::ApproveMatrix } else { Says::RejectMatrix };
    let (plan, note) = (signing::digest(&waiting.plan), arguments.note.clone());
    speaker.sign(says, Words { plan, note, ..Words::default() }).map(Some)
}

/// The change that waits for people; none where none does.
pub(crate) async fn proposal(session: &Session) -> Result<Option<ProposalView>, CliError> {
    match session.client.get(PROPOSAL).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.exit() == ExitCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Each role that has not agreed, and who could.
fn open(waiting: &ProposalView) -> Vec<String> {
    let open = waiting.approvals.iter().filter(|one| one.need as usize > one.by.len());
    open.map(|one| {
        let who = if one.who.is_empty() { "nobody could".to_owned() } else { one.who.join(", ") };
        format!("{} {} of {} ({who})", one.role, one.by.len(), one.need)
    })
    .collect()
}

/// What waits, as an entry of a list of what waits.
pub(crate) fn text(waiting: &ProposalView, style: &Style) -> String {
    let since = style.ago(&waiting.since).unwrap_or_else(|| style.moment(&waiting.since));
    let mut text = format!(
        "  {} the matrix   change {}   proposed by {} {since}\n",
        style.symbol(Symbol::Waits),
        short(waiting),
        printable(&waiting.by)
    );
    for line in open(waiting) {
        let _ = writeln!(text, "      {line}");
    }
    for change in waiting.changes.iter().take(SHOWN) {
        let _ = writeln!(text, "      changes {}", printable(change));
    }
    if waiting.changes.len() > SHOWN {
        let _ = writeln!(text, "      and {} more", waiting.changes.len() - SHOWN);
    }
    for line in report::block::commands(&next(waiting)) {
        let _ = writeln!(text, "      {line}");
    }
    text
}

fn short(waiting: &ProposalView) -> &str {
    waiting.plan.get(..12).unwrap_or(&waiting.plan)
}

fn next(waiting: &ProposalView) -> Vec<Next> {
    let plan = short(waiting);
    vec![
        Next::new(format!("towpath matrix approve {plan}"), "agrees to it"),
        Next::new(format!("towpath matrix reject {plan} --note \"WHY\""), "takes it off"),
    ]
}
