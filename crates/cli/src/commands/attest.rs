//! `attest`: a person's statement that a check is done. Kept in the journal for ever.

use towpath_core::ids::{LaneId, Version};
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::reason::Next;
use towpath_core::speaking::{Says, Signed};
use towpath_engine::views::PlanView;
use towpath_server::requests::{AttestRequest, AttestedView};

use crate::args::AttestArguments;
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::commands::signing::{self, Speaker, Words};
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
    let (release, signed) = signed(&session, &lane, arguments).await?;
    let request = AttestRequest {
        release,
        title: title.clone(),
        by: person::current(),
        note: arguments.note.clone(),
        link: arguments.link.clone(),
        signed,
    };
    let accepted: AttestedView =
        session.client.post(&lane_path(&lane, "/attestations"), &request).await?;
    let about = format!("{} {}", lane.service, accepted.release);
    let text = format!(
        "{} {} attested \"{}\" for {about} {} {}\n",
        context.out.symbol(Symbol::Passed),
        printable(accepted.by.as_str()),
        printable(title),
        context.out.arrow(),
        lane.environment
    );
    let why = Next::new(format!("towpath why {}", lane.environment), "what is still open");
    context.either(&accepted, (text, report::block::next(&[context.err.naming(why)])));
    Ok(ExitCode::Done)
}

/// The statement as whoever has a key signs it, and the release that it is about, which is named then.
async fn signed(
    session: &Session,
    lane: &LaneId,
    arguments: &AttestArguments,
) -> Result<(Option<Version>, Option<Signed>), CliError> {
    let release = arguments.release.clone();
    let speaker = Speaker::of(session, arguments.by.key.as_deref()).await?;
    let Some(speaker) = speaker else { return Ok((release, None)) };
    let release = match release {
        Some(release) => release,
        None => meant(session, lane).await?,
    };
    let words = Words {
        release: Some(signing::digest_of(session, &lane.service, release.as_str()).await?),
        title: Some(arguments.title.clone()),
        note: arguments.note.clone(),
        link: arguments.link.clone(),
        ..Words::about(lane)
    };
    Ok((Some(release), Some(speaker.sign(Says::Attest, words)?)))
}

/// The release that wants to enter, else the newest that may.
async fn meant(session: &Session, lane: &LaneId) -> Result<Version, CliError> {
    let here = session.status.lanes.iter().find(|one| {
        one.service == lane.service.as_str() && one.environment == lane.environment.as_str()
    });
    let open = here.and_then(|lane| lane.promotion.as_ref()).map(|one| one.release.clone());
    let release = if let Some(release) = open {
        release
    } else {
        let order = PromotionOrder::of(person::current());
        let plan: PlanView = session.client.ask(&lane_path(lane, "/plan"), &order).await?;
        plan.release
    };
    Version::new(&release).map_err(|_| {
        CliError::new(ExitCode::Usage, "release-needed", "about which release?")
            .next("towpath release list", "those that exist; name one with --release")
    })
}
