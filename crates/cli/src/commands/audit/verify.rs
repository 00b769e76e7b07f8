//! `audit verify`: whether the journal, or an export of it, is as it was written. Changes nothing; of an
//! export it needs neither the project nor an engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use towpath_adapters::notary::{LIST_FILE, PUBLIC_FILE, public_keys};
use towpath_audit::bundle;
use towpath_audit::note::{Note, PublicKey, split};
use towpath_audit::verify::{Finding, Known, MOST_FINDINGS, Report, What, checkpoints, verify};
use towpath_audit::words::Words;
use towpath_core::ids::Digest;
use towpath_ports::store::ChainReport;

use super::{Written, bytes_named, read_named};
use crate::args::VerifyArguments;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report;
use crate::report::audit::{Said, Whole};

/// Runs it. Failed (exit 1) when something is not as it was written.
pub(super) async fn run(
    arguments: &VerifyArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    match &arguments.export {
        Some(file) => of_export(file, arguments, context),
        None => of_journal(arguments, context).await,
    }
}

fn of_export(
    file: &Path,
    arguments: &VerifyArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let notes = notes_named(&arguments.checkpoints)?;
    let keys = keys_of(&arguments.keys)?;
    if !notes.is_empty() && keys.is_empty() {
        return Err(no_key("whose checkpoints are they?"));
    }
    let bytes = bytes_named(file)?;
    if bundle::is_one(&bytes) {
        return of_bundle(file, &bytes, &notes, &keys, context);
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = towpath_audit::export::lines(&text);
    let from = i64::try_from(arguments.from).unwrap_or(i64::MAX);
    let found = verify(&lines, from, &notes, &keys);
    let place = file.display().to_string();
    context.either(&found, report::audit::export(&found, &place, &context.out));
    Ok(if found.is_whole() { ExitCode::Done } else { ExitCode::Failed })
}

fn of_bundle(
    file: &Path,
    bytes: &[u8],
    notes: &[String],
    keys: &[PublicKey],
    context: &Context,
) -> Result<ExitCode, CliError> {
    let place = file.display().to_string();
    if keys.is_empty() {
        return Err(no_key("whose statement is it?"));
    }
    let files = bundle::unpack(bytes).map_err(|why| {
        CliError::new(ExitCode::Failed, "no-bundle", "that is no bundle of a promotion")
            .because(format!("it {why}"))
            .at(place.clone())
            .next("towpath audit evidence PROMOTION", "makes one")
    })?;
    let found = bundle::check(&files, notes, keys);
    context.either(&found, report::audit::bundle(&found, &place, &context.out));
    Ok(if found.is_true() { ExitCode::Done } else { ExitCode::Failed })
}

async fn of_journal(arguments: &VerifyArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    if let Some(server) = &session.project.server {
        return of_server(&server.shown(), &session, arguments, context).await;
    }
    // Before the chain is walked: what is signed meanwhile would know more than the walk has seen.
    let notes = notes_about(&session.project, arguments)?;
    let chain: ChainReport = session.client.patient().get("/v1/audit/verify").await?;
    let signed = signed(&session.project, &chain, notes, arguments, context).await?;
    let place = session.project.state.display().to_string();
    let words = words(&session.project, &chain, context).await?;
    let found = Whole { chain, signed, words };
    context.either(&found.object(), report::audit::text(&found, &place, &context.out));
    Ok(if found.is_whole() { ExitCode::Done } else { ExitCode::Failed })
}

/// The chain alone, which the server walks: what is signed of it is proved with files that are beside it.
async fn of_server(
    server: &str,
    session: &Session,
    arguments: &VerifyArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    if !arguments.checkpoints.is_empty() || !arguments.keys.is_empty() {
        session.project.ensure_here("a journal is held against checkpoints")?;
    }
    let chain: ChainReport = session.client.patient().get("/v1/audit/verify").await?;
    let found = Whole { chain, signed: None, words: Said::default() };
    context.aside("the server says this of its own journal; whether its end and people's words are signed is proved there\n");
    context.either(&found.object(), report::audit::text(&found, server, &context.out));
    Ok(if found.is_whole() { ExitCode::Done } else { ExitCode::Failed })
}

/// What people signed, as far as the chain holds.
async fn words(
    project: &ProjectFolder,
    chain: &ChainReport,
    context: &Context,
) -> Result<Said, CliError> {
    let mut said = Said::default();
    if chain.events == 0 {
        return Ok(said);
    }
    let written = Written::open(project, context).await?;
    let mut words = Words::of(written.project.as_str(), written.speed);
    let mut after = 0;
    while after < chain.events {
        let events = written.after(after).await?;
        let Some(last) = events.last() else { break };
        after = u64::try_from(last.seq).unwrap_or(u64::MAX);
        for event in &events {
            if let Some(sentence) = words.take(event)
                && said.findings.len() < MOST_FINDINGS
            {
                let (what, seq) = (What::Untrue, Some(event.seq));
                said.findings.push(Finding { what, seq, line: None, sentence });
            }
        }
    }
    said.counted = words.counted;
    Ok(said)
}

/// The checkpoints beside the journal and those that were named.
fn notes_about(
    project: &ProjectFolder,
    arguments: &VerifyArguments,
) -> Result<Vec<String>, CliError> {
    let own = project.state.join(LIST_FILE);
    let mut notes = if own.exists() { split(&read_named(&own)?) } else { Vec::new() };
    for note in notes_named(&arguments.checkpoints)? {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(notes)
}

/// What `notes` say of the journal; none where there is none.
async fn signed(
    project: &ProjectFolder,
    chain: &ChainReport,
    notes: Vec<String>,
    arguments: &VerifyArguments,
    context: &Context,
) -> Result<Option<Report>, CliError> {
    if notes.is_empty() {
        return Ok(None);
    }
    let keys = match keys_of(&arguments.keys)? {
        keys if keys.is_empty() => own_key(project)?,
        keys => keys,
    };
    let written = Written::open(project, context).await?;
    let mut hashes = BTreeMap::new();
    let said = notes.iter().filter_map(|note| Note::parse(note).ok());
    let said = said.filter_map(|note| towpath_audit::read(&note.text).ok());
    for seq in said.map(|checkpoint| checkpoint.events).chain([1]) {
        if let Some(event) = written.event(seq).await? {
            hashes.insert(event.seq, event.hash);
        }
    }
    // Behind a break in the chain nobody knows how many there were.
    let last = match &chain.broken {
        None => i64::try_from(chain.events).unwrap_or(i64::MAX),
        Some(_) => i64::MAX,
    };
    let known = Known {
        project: written.project.as_str(),
        speed: written.speed,
        range: (1, last),
        first: hashes.get(&1).and_then(|hash| Digest::new(hash).ok()),
        hash_at: &|seq| hashes.get(&seq).cloned(),
    };
    Ok(Some(checkpoints(&known, &notes, &keys)))
}

/// The checkpoints in files that somebody named. A file without any proves nothing, and whoever named
/// it believes that it does.
fn notes_named(files: &[PathBuf]) -> Result<Vec<String>, CliError> {
    let mut notes = Vec::new();
    for file in files {
        let found = split(&read_named(file)?);
        if found.is_empty() {
            let message = "there is no checkpoint in it";
            return Err(CliError::new(ExitCode::Failed, "no-checkpoint", message)
                .because("the file holds nothing, so that it proves nothing")
                .at(file.display().to_string())
                .next(
                    "towpath audit checkpoint",
                    "signs, and brings the lists outside up to date",
                ));
        }
        notes.extend(found);
    }
    Ok(notes)
}

/// Keys as they were typed: each the text of one, or a file with some.
fn keys_of(typed: &[String]) -> Result<Vec<PublicKey>, CliError> {
    let mut keys = Vec::new();
    for one in typed {
        if let Ok(key) = PublicKey::parse(one) {
            keys.push(key);
            continue;
        }
        let file = Path::new(one);
        if one.contains('+') && !file.exists() {
            let cause = public_keys(one).err().unwrap_or_default();
            return Err(no_key("that is no public key").because(cause));
        }
        let text = read_named(file)?;
        keys.extend(public_keys(&text).map_err(|cause| {
            no_key("that is no public key").because(cause).at(file.display().to_string())
        })?);
    }
    Ok(keys)
}

fn own_key(project: &ProjectFolder) -> Result<Vec<PublicKey>, CliError> {
    let file = project.state.join(PUBLIC_FILE);
    if !file.exists() {
        return Err(no_key("there are checkpoints, and no key that proves them")
            .at(file.display().to_string()));
    }
    let wrong = |cause: String| no_key("that is no public key").because(cause);
    public_keys(&read_named(&file)?).map_err(|cause| wrong(cause).at(file.display().to_string()))
}

fn no_key(message: &str) -> CliError {
    CliError::new(ExitCode::Usage, "no-key", message)
        .next("towpath audit verify --key FILE", "the public key that was handed out, audit.pub")
}
