//! `freeze` and `thaw`. Ask nothing: to stop is the safe act and is never delayed, and who may let things
//! go on is a right.

use towpath_core::freezing::Scope;
use towpath_core::ids::Name;
use towpath_core::reason::Next;
use towpath_core::speaking::Says;
use towpath_engine::views::{FreezeView, Status};
use towpath_server::requests::{AcceptedView, FreezeRequest, ThawRequest};

use crate::args::{FreezeArguments, ThawArguments};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::commands::signing::{self, Words};
use crate::exit_code::{CliError, ExitCode};
use crate::{person, report};

/// Runs `freeze`. Safe to repeat: the second takes the place of the first, if it is as strict.
pub(crate) async fn freeze(
    arguments: &FreezeArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let reason = &arguments.reason;
    let retry =
        |name: &str| format!("towpath freeze {name} --reason {}", report::usage::quoted(reason));
    let (session, scope) = scoped(arguments.environment.as_ref(), retry, context).await?;
    let request = FreezeRequest {
        environment: scope.environment.clone(),
        service: scope.service.clone(),
        by: person::current(),
        reason: reason.clone(),
        lasts: arguments.lasts,
        until: arguments.until.clone(),
        except: arguments.except.clone(),
    };
    let _: AcceptedView = session.client.post("/v1/freezes", &request).await?;
    let status: Status = session.client.get("/v1/status").await?;
    let frozen = status.frozen.into_iter().find(|view| is_of(view, &scope));
    let Some(frozen) = frozen else {
        let error = CliError::new(ExitCode::Failed, "over-already", "nothing is frozen any more");
        return Err(error.because("the freeze was over at once").next("towpath status", ""));
    };
    let next = [
        Next::new(format!("{} --reason \"REASON\"", scope.thaw_command()), "ends it"),
        Next::new("towpath waiting", "what it holds"),
    ];
    let text = report::frozen::answer(&frozen, &context.out);
    context.either(&frozen, (text, report::block::next(&next)));
    Ok(ExitCode::Done)
}

/// Runs `thaw`. Not safe to repeat: a second time nothing is frozen any more (exit 5).
pub(crate) async fn thaw(
    arguments: &ThawArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let retry = |name: &str| format!("towpath thaw {name}");
    let (session, scope) = scoped(arguments.environment.as_ref(), retry, context).await?;
    let words = Words {
        service: scope.service.clone(),
        environment: scope.environment.clone(),
        note: arguments.reason.clone(),
        ..Words::default()
    };
    let request = ThawRequest {
        environment: scope.environment.clone(),
        service: scope.service.clone(),
        by: person::current(),
        reason: arguments.reason.clone(),
        signed: signing::said(&session, &arguments.by, Says::Thaw, words).await?,
    };
    let accepted: AcceptedView = session.client.post("/v1/freezes/thaw", &request).await?;
    let text = report::frozen::thawed(&scope, &context.out);
    let next = Next::new("towpath status", "what goes on");
    context.either(&accepted, (text, report::block::next(&[next])));
    Ok(ExitCode::Done)
}

/// What was named, which the matrix in force must have.
async fn scoped(
    environment: Option<&Name>,
    retry: impl Fn(&str) -> String,
    context: &Context,
) -> Result<(Session, Scope), CliError> {
    let session = Session::looking(context).await?;
    if let Some(environment) = environment {
        session.knows(environment, retry)?;
    }
    let service = context.global.service.clone();
    let scope = Scope { environment: environment.cloned(), service };
    Ok((session, scope))
}

fn is_of(view: &FreezeView, scope: &Scope) -> bool {
    let same = |text: &Option<String>, name: &Option<Name>| {
        text.as_deref() == name.as_ref().map(Name::as_str)
    };
    same(&view.environment, &scope.environment) && same(&view.service, &scope.service)
}
