//! `evidence list`, `evidence show` and `evidence withdraw`: what gates opened by. Asks nothing: to
//! withdraw is the safe act, and who may is a right.

use std::io::Write as _;
use std::path::Path;

use towpath_core::ids::{Digest, Name};
use towpath_engine::kept::EvidenceView;
use towpath_engine::views::FORMAT;
use towpath_server::requests::{WithdrawRequest, WithdrawnAnswer};

use crate::args::{
    EvidenceCommand, EvidenceListArguments, EvidenceShowArguments, EvidenceWithdrawArguments,
};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::{new_file, person, report};

/// Runs `evidence …`.
pub(crate) async fn run(
    command: &EvidenceCommand,
    context: &Context,
) -> Result<ExitCode, CliError> {
    match command {
        EvidenceCommand::List(arguments) => list(arguments, context).await,
        EvidenceCommand::Show(arguments) => show(arguments, context).await,
        EvidenceCommand::Withdraw(arguments) => withdraw(arguments, context).await,
    }
}

async fn list(arguments: &EvidenceListArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let mut query = Vec::new();
    match &arguments.of {
        Some(number) if number.parse::<u64>().is_ok() => query.push(format!("promotion={number}")),
        Some(name) => {
            let environment = Name::new(name).map_err(|error| {
                CliError::new(ExitCode::Usage, "bad-name", error.to_string())
                    .next("towpath evidence list", "all of it")
            })?;
            session.knows(&environment, |name| format!("towpath evidence list {name}"))?;
            query.push(format!("environment={environment}"));
        }
        None => {}
    }
    if let Some(service) = &context.global.service {
        query.push(format!("service={service}"));
    }
    if let Some(release) = &arguments.release {
        // Of what a version is made of, only the plus means something in a query.
        query.push(format!("release={}", release.as_str().replace('+', "%2B")));
    }
    let path = format!("/v1/evidence?{}", query.join("&"));
    let found: Vec<EvidenceView> = session.client.list(&path).await?;
    let view = serde_json::json!({ "format": FORMAT, "evidence": found });
    context.either(&view, report::evidence::list(&found, &context.out));
    Ok(ExitCode::Done)
}

/// Writes the bytes as they were kept, after they were compared with their digest.
async fn show(arguments: &EvidenceShowArguments, context: &Context) -> Result<ExitCode, CliError> {
    let digits = named(&arguments.digest)?;
    let session = Session::reading(context).await?;
    let bytes = session.client.bytes(&format!("/v1/evidence/{digits}")).await?;
    let digest = Digest::of(&bytes);
    if !digest.hex().starts_with(&digits) {
        let message = format!("what came is not the evidence {digits}");
        let error = CliError::new(ExitCode::Failed, "other-bytes", message);
        return Err(error
            .because(format!("it is {digest}"))
            .next("towpath doctor", "what is wrong"));
    }
    if let Some(path) = &arguments.output {
        write(path, &bytes)?;
        let view = serde_json::json!({
            "format": FORMAT, "digest": digest, "size": bytes.len(), "file": path,
        });
        context.either(&view, (report::evidence::written(path, bytes.len()), String::new()));
    } else if context.global.json {
        let text = String::from_utf8_lossy(&bytes);
        let view = serde_json::json!({
            "format": FORMAT, "digest": digest, "size": bytes.len(), "text": text,
        });
        context.object(&view);
    } else {
        context.raw(&bytes);
    }
    Ok(ExitCode::Done)
}

/// What goes into an address: digits, and nothing that could lead elsewhere.
fn named(digest: &str) -> Result<String, CliError> {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    if !digits.is_empty() && digits.len() <= 64 && digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    let message = format!("`{}` is no digest", digest.escape_debug());
    Err(CliError::new(ExitCode::Usage, "bad-digest", message)
        .because("a digest is written in the digits 0 to 9 and a to f")
        .next("towpath evidence list", "the digests of what is kept"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let written = new_file::create(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| {
        CliError::new(ExitCode::Failed, "not-written", "the evidence was not written")
            .because(error.to_string())
            .at(path.display().to_string())
            .next("towpath evidence show DIGEST --output ANOTHER-FILE", "a file that is not there")
    })
}

/// Safe to repeat: a second time it is withdrawn already (exit 0).
async fn withdraw(
    arguments: &EvidenceWithdrawArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = WithdrawRequest {
        digest: named(&arguments.digest)?,
        by: person::current(),
        reason: arguments.reason.clone(),
    };
    let answer: WithdrawnAnswer =
        session.client.patient().post("/v1/evidence/withdraw", &request).await?;
    context.either(&answer, report::evidence::withdrawn(&answer, &context.out));
    Ok(ExitCode::Done)
}
