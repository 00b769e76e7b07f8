//! `settle`: says that a review or a backport that a promotion owes is done. Looks at nothing itself.

use towpath_core::reason::Next;
use towpath_core::speaking::Says;
use towpath_engine::views::PromotionView;
use towpath_server::requests::{AcceptedView, SettleRequest};

use crate::args::SettleArguments;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::commands::signing::{self, Words};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// Runs it. Safe to repeat: the second time nothing is owed any more (exit 5).
pub(crate) async fn run(
    arguments: &SettleArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let (number, kind) = (arguments.number, arguments.what);
    let promotion: PromotionView = session.client.get(&format!("/v1/promotions/{number}")).await?;
    let (note, link) = (Some(arguments.note.trim().to_owned()), arguments.link.clone());
    let title = Some(kind.as_str().to_owned());
    let words = Words { title, note, link, ..Words::of_promotion(&promotion) };
    let request = SettleRequest {
        by: person::current(),
        kind,
        note: words.note.clone(),
        link: words.link.clone(),
        signed: signing::said(&session, &arguments.by, Says::Settle, words).await?,
    };
    let path = format!("/v1/promotions/{number}/settle");
    let accepted: AcceptedView = session.client.post(&path, &request).await?;
    let symbol = context.out.symbol(Symbol::Passed);
    let text = format!("{symbol} promotion {number} owes no {} any more\n", kind.as_str());
    let next = [Next::new("towpath waiting", "what else is owed")];
    context.either(&accepted, (text, report::block::next(&next)));
    Ok(ExitCode::Done)
}
