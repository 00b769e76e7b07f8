//! `attest`: a person's statement that a check is done. Kept in the journal for ever.

use towpath_core::reason::Next;
use towpath_server::requests::{AttestRequest, AttestedView};

use crate::args::AttestArguments;
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::{Symbol, printable};
use crate::{person, report};

/// Runs `attest`. Safe to repeat: a second statement says the same.
pub(crate) async fn run(
    arguments: &AttestArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let title = &arguments.title;
    let quoted = report::usage::quoted(title);
    let retry = |name: &str| format!("towpath attest {name} {quoted}");
    let (lane, _) = session.lane(&arguments.environment, retry)?;
    let request = AttestRequest {
        release: arguments.release.clone(),
        title: title.clone(),
        by: person::current(),
        note: arguments.note.clone(),
        link: arguments.link.clone(),
    };
    let accepted: AttestedView =
        session.client.post(&lane_path(&lane, "/attestations"), &request).await?;
    let about = format!("{} {}", lane.service, accepted.release);
    let text = format!(
        "{} {} attested \"{}\" for {about} {} {}\n",
        context.out.symbol(Symbol::Passed),
        request.by,
        printable(title),
        context.out.arrow(),
        lane.environment
    );
    let why = Next::new(format!("towpath why {}", lane.environment), "what is still open");
    context.either(&accepted, (text, report::block::next(&[why])));
    Ok(ExitCode::Done)
}
