//! `audit evidence`: one file with all that an auditor needs to check one promotion without Towpath.
//! Changes nothing but that the end of the journal is signed; what the file holds is `towpath_audit`'s.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use towpath_audit::bundle::{self, Files};
use towpath_audit::export::{Format, Line};
use towpath_audit::note::PublicKey;
use towpath_audit::statement::{PLAN_FILE, file_of};
use towpath_audit::verify::What;
use towpath_core::ids::Digest;
use towpath_core::journal::Event;
use towpath_core::release::Release;
use towpath_engine::{CheckpointView, SignedAccount, SignedEnd};

use super::Written;
use super::export::holds_secrets;
use crate::args::EvidenceBundleArguments;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report::audit::Bundled;
use crate::{new_file, report};

/// What stands in every bundle for whoever has nothing but it.
const README: &str = include_str!("evidence_readme.txt");

/// Runs it. Failed (exit 1) when a piece is not kept any more; the file is written all the same.
pub(super) async fn run(
    arguments: &EvidenceBundleArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    if arguments.with_secrets {
        session.project.ensure_here("what holds secrets is bundled")?;
    }
    let client = session.client.patient();
    let number = arguments.promotion;
    let path = format!("/v1/promotions/{number}/attestation");
    let signed: SignedAccount = client.post(&path, &json!({})).await?;
    // Covers its end, if nothing did.
    let _: CheckpointView = client.post("/v1/audit/checkpoint", &json!({})).await?;
    let end: SignedEnd =
        client.get(&format!("/v1/audit/checkpoint?covers={}", signed.events.1)).await?;
    let covers = i64::try_from(end.events).unwrap_or(i64::MAX);
    let written = Written::of(&session, context).await?;
    let mut bundle = Bundle { files: Files::new(), withheld: Vec::new(), lost: Vec::new() };
    bundle.put(bundle::README, README);
    bundle.put(bundle::STATEMENT, &signed.statement);
    if let Some(summary) = &signed.summary {
        bundle.put(bundle::SUMMARY, summary);
    }
    bundle.put(bundle::CHECKPOINT, &end.note);
    bundle.journal(&written, &signed, covers, arguments.with_secrets).await?;
    for digest in &signed.evidence {
        bundle.piece(&session, digest).await?;
    }
    if written.is_elsewhere() {
        proven(&bundle, &end.key)?;
    }
    let name = || format!("evidence-{}-{number}.tar", written.project);
    let file = arguments.output.clone().unwrap_or_else(|| PathBuf::from(name()));
    let ended = signed.ended_at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let bytes = bundle::pack(&bundle.files, u64::try_from(ended).unwrap_or(0));
    let made = new_file::create(&file).and_then(|mut made| made.write_all(&bytes));
    made.map_err(|error| {
        CliError::new(ExitCode::Failed, "not-written", "the bundle was not written")
            .because(error.to_string())
            .at(file.display().to_string())
            .next(
                format!("towpath audit evidence {number} --output FILE"),
                "a file that is not there",
            )
    })?;
    let told = Bundled {
        promotion: number,
        file: file.display().to_string(),
        files: bundle.files.len(),
        events: (signed.events.0, covers),
        withheld: bundle.withheld,
        lost: bundle.lost,
    };
    context.either(&told.object(), report::audit::bundled(&told, &context.out));
    Ok(if told.lost.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}

/// Nothing is kept of a server's that is not what it signed. Whose key that is only whoever was handed one can say.
fn proven(made: &Bundle, key: &str) -> Result<(), CliError> {
    let wrong = |cause: String| {
        CliError::new(ExitCode::Failed, "not-proven", "the server sent no proof of what it says")
            .because(cause)
            .next("towpath audit verify", "what the server says of its journal")
    };
    let key = PublicKey::parse(key).map_err(|error| wrong(error.to_string()))?;
    let checked = bundle::check(&made.files, &[], &[key]);
    // A piece that is not kept any more is told, and is no lie; nor is an account that rests on what was withheld.
    let is_told =
        |what: What| what == What::Missing || (what == What::Untrue && !made.withheld.is_empty());
    let own = checked.findings.iter().filter(|finding| !is_told(finding.what));
    match own.chain(&checked.journal.findings).next() {
        Some(finding) => Err(wrong(finding.sentence.clone())),
        None => Ok(()),
    }
}

/// What is being put together.
struct Bundle {
    files: Files,
    withheld: Vec<i64>,
    lost: Vec<Digest>,
}

impl Bundle {
    fn put(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), text.as_bytes().to_vec());
    }

    /// The events from the first that it rests on to the checkpoint, its plan and its release. What
    /// holds secrets as text is left out.
    async fn journal(
        &mut self,
        written: &Written,
        signed: &SignedAccount,
        covers: i64,
        with_secrets: bool,
    ) -> Result<(), CliError> {
        let first = first_needed(written, signed).await?;
        let (mut text, mut plan) = (String::new(), None);
        let (mut releases, mut release) = (Vec::new(), None);
        let mut reading = written.lines(1).await?;
        'all: loop {
            let lines = reading.next().await?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                if line.seq > covers {
                    break 'all;
                }
                if line.kind == "release-created" {
                    releases.extend(created(&line));
                }
                if let Some(found) = planned(&line, signed) {
                    release = Some(found.release.digest.clone());
                    plan = Some(found);
                }
                if line.seq >= first {
                    text.push_str(&self.line(line, with_secrets).written(Format::Jsonl));
                }
            }
        }
        self.put(bundle::JOURNAL, &text);
        if let Some(plan) = plan {
            self.json(PLAN_FILE, &plan, with_secrets);
        }
        let release = release.and_then(|digest| releases.iter().find(|one| one.digest == digest));
        if let Some(release) = release {
            self.json(bundle::RELEASE, &release.content(), with_secrets);
        }
        Ok(())
    }

    fn line(&mut self, mut line: Line, with_secrets: bool) -> Line {
        if !with_secrets && holds_secrets(&line) {
            line.body = None;
            self.withheld.push(line.seq);
        }
        line
    }

    /// A file whose digest was signed: exactly the bytes of which it was made.
    fn json(&mut self, name: &str, value: &impl serde::Serialize, with_secrets: bool) {
        let Ok(text) = serde_json::to_string(value) else { return };
        let mut shown: Value = serde_json::from_str(&text).unwrap_or_default();
        let whole = shown.clone();
        towpath_config::hide_secrets(&mut shown);
        if with_secrets || shown == whole {
            self.put(name, &text);
        }
    }

    async fn piece(&mut self, session: &Session, digest: &Digest) -> Result<(), CliError> {
        match session.client.bytes(&format!("/v1/evidence/{}", digest.hex())).await {
            Ok(bytes) if Digest::of(&bytes) == *digest => {
                self.files.insert(file_of(digest), bytes.to_vec());
            }
            Ok(_) => self.lost.push(digest.clone()),
            Err(error) if error.exit() == ExitCode::NotFound => self.lost.push(digest.clone()),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The event with which its part of the journal begins: the first that it rests on, or, where people signed
/// words in it, the matrix that named their keys, unless what lies between holds secrets.
async fn first_needed(written: &Written, signed: &SignedAccount) -> Result<i64, CliError> {
    let (first, last) = signed.events;
    let number = i64::try_from(signed.promotion).ok();
    let (mut matrix, mut is_said) = (None, false);
    let mut reading = written.lines(1).await?;
    'all: loop {
        let lines = reading.next().await?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            if line.seq > last {
                break 'all;
            }
            let is_own = line.promotion == number || line.kind == "approval-given";
            if line.seq >= first {
                let holds = line.body.as_deref().is_some_and(|it| it.contains("\"signed\":{"));
                is_said |= is_own && holds;
                continue;
            }
            match (line.kind == "matrix-applied", holds_secrets(&line)) {
                (_, true) => matrix = None,
                (true, false) => matrix = Some(line.seq),
                (false, false) => {}
            }
        }
    }
    Ok(matrix.filter(|_| is_said).unwrap_or(first))
}

fn created(line: &Line) -> Option<Release> {
    match serde_json::from_str(line.body.as_deref()?).ok()? {
        Event::ReleaseCreated { release, .. } => Some(*release),
        _ => None,
    }
}

/// The plan of the promotion in one of its events: the last one before its end counts.
fn planned(line: &Line, signed: &SignedAccount) -> Option<towpath_core::plan::Plan> {
    let is_own = u64::try_from(line.promotion?).ok()? == signed.promotion;
    if !is_own || !matches!(line.kind.as_str(), "promotion-requested" | "plan-changed") {
        return None;
    }
    match serde_json::from_str(line.body.as_deref()?).ok()? {
        Event::PromotionRequested(requested) => Some(requested.plan),
        Event::PlanChanged { plan, .. } => Some(*plan),
        _ => None,
    }
}
