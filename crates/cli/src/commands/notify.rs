//! `notify test`, `notify list` and `notify retry`: whether people can be told, and what they were not
//! told. Changes no promotion.

use towpath_core::ids::Name;
use towpath_engine::views::{ChannelView, FORMAT, NoticesView, TestView};
use towpath_server::requests::{AcceptedView, NoticeRetryRequest, NoticeTestRequest};

use crate::args::{NotifyCommand, NotifyRetryArguments, NotifyTestArguments};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// Runs `notify …`.
pub(crate) async fn run(command: &NotifyCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        NotifyCommand::Test(arguments) => test(arguments, context).await,
        NotifyCommand::List => list(context).await,
        NotifyCommand::Retry(arguments) => retry(arguments, context).await,
    }
}

/// Sends one message to each channel, as the file has them now. Exit 1 when one did not take it.
async fn test(arguments: &NotifyTestArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::following(context).await?;
    let known: NoticesView = session.client.get("/v1/notices").await?;
    let channels = match &arguments.channel {
        Some(name) => vec![name.clone()],
        None => reachable(&known.channels),
    };
    let mut tried: Vec<TestView> = Vec::new();
    for channel in channels {
        let request = NoticeTestRequest { channel, by: person::current() };
        tried.push(session.client.patient().post("/v1/notices/test", &request).await?);
    }
    let all_arrived = tried.iter().all(|test| test.arrived);
    let view = serde_json::json!({ "format": FORMAT, "tests": tried });
    context.either(&view, report::notify::tests(&tried, &known.channels, &context.out));
    Ok(if all_arrived { ExitCode::Done } else { ExitCode::Failed })
}

fn reachable(channels: &[ChannelView]) -> Vec<Name> {
    let all = channels.iter().filter(|channel| channel.missing.is_none());
    all.filter_map(|channel| Name::new(&channel.name).ok()).collect()
}

async fn list(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let view: NoticesView = session.client.get("/v1/notices").await?;
    context.either(&view, report::notify::list(&view, &context.out));
    Ok(ExitCode::Done)
}

/// Safe to repeat: a second time no such notice is kept any more (exit 5).
async fn retry(arguments: &NotifyRetryArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = NoticeRetryRequest { id: arguments.id.clone(), by: person::current() };
    let accepted: AcceptedView = session.client.post("/v1/notices/retry", &request).await?;
    let mark = context.out.symbol(Symbol::Passed);
    let text = format!("{mark} {} is sent again\n", report::style::printable(&arguments.id));
    let next = towpath_core::reason::Next::new("towpath notify list", "whether it arrived");
    context.either(&accepted, (text, report::block::next(&[next])));
    Ok(ExitCode::Done)
}
