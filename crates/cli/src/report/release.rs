//! Releases: one kept, all of them, one of them, two compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use towpath_core::ids::{Digest, Name};
use towpath_core::reason::Next;
use towpath_core::release::{Artifact, ArtifactForm, Brought, Migration, Release};
use towpath_engine::ReleaseView;
use towpath_engine::views::Status;

use crate::report::block::{Block, next, table};
use crate::report::style::{Style, Symbol, counted, grouped, printable, stamp};

/// What `release create` answers. `root`: the first environment that it may enter.
pub(crate) fn created(
    release: &Release,
    changed: bool,
    root: Option<&str>,
    style: &Style,
) -> (String, String) {
    let mark = style.symbol(Symbol::Passed);
    let name = format!("{} {}", release.service, style.bold(release.version.as_str()));
    let head = if changed {
        format!("{mark} kept {name}\n")
    } else {
        format!("{mark} {name} was kept before, with the same bytes\n")
    };
    let text = head + &facts(release, style).written(4, style);
    let helps = root.map(|root| {
        let command = format!("towpath promote {root} --release {}", release.version);
        next(&[style.naming(Next::new(command, "start it"))])
    });
    (text, helps.unwrap_or_default())
}

/// What `release create` adds when other versions have the same content.
pub(crate) fn same_content(release: &Release, known: &[ReleaseView]) -> Option<String> {
    let is_other = |one: &&ReleaseView| {
        let other = &one.release;
        other.service == release.service
            && other.digest == release.digest
            && other.version != release.version
    };
    let others: Vec<_> =
        known.iter().filter(is_other).map(|one| one.release.version.as_str()).collect();
    (!others.is_empty()).then(|| {
        format!(
            "note: {} has exactly the content of {}; what one is verified or quarantined for, the other \
             is too, and neither can be gone back to from the other\n",
            release.version,
            others.join(", ")
        )
    })
}

/// What `release create --dry-run` answers.
pub(crate) fn would_keep(release: &Release, style: &Style) -> (String, String) {
    let head = format!("would keep {} {}; nothing was kept\n", release.service, release.version);
    (head + &facts(release, style).written(4, style), String::new())
}

fn facts(release: &Release, style: &Style) -> Block {
    let mut block = Block::default();
    block.row("digest", short(&release.digest));
    block.lines("artefacts", release.artifacts.iter().map(artifact).collect());
    let settings: Vec<String> = release.settings.keys().map(|key| printable(key)).collect();
    block.optional("settings", (!settings.is_empty()).then(|| settings.join(", ")));
    block.lines("migrations", release.migrations.iter().map(migration).collect());
    block.lines("brings", release.evidence.iter().map(brought).collect());
    let mut change = release.change_type.as_str().to_owned();
    if let Some(by) = &release.type_by {
        let _ = write!(change, " (by {})", printable(by));
    }
    if let Some(author) = &release.author {
        let _ = write!(change, " by {author}");
    }
    if let Some(commit) = &release.commit {
        let _ = write!(change, ", commit {}", short_commit(commit));
    }
    if let Some(branch) = &release.branch {
        let _ = write!(change, " on {}", printable(branch));
    }
    if release.snapshot {
        change.push_str(", a snapshot: enters development environments only");
    }
    block.row("change", change);
    block.row("created", style.minute(&stamp(release.created_at)));
    block
}

/// The first digits of a commit, and that the tree was changed since if it was.
fn short_commit(commit: &str) -> String {
    let (digits, changed) = match commit.strip_suffix("-dirty") {
        Some(digits) => (digits, " with changes"),
        None => (commit, ""),
    };
    format!("{}{changed}", printable(digits.get(..12).unwrap_or(digits)))
}

fn artifact((name, kept): (&Name, &Artifact)) -> String {
    let form = match kept.form {
        ArtifactForm::File => "file",
        ArtifactForm::Directory => "folder",
        ArtifactForm::Image => "image",
    };
    let size =
        if kept.size == 0 { String::new() } else { format!(", {} bytes", grouped(kept.size)) };
    format!("{name}   {form} {}{size}, from {}", short(&kept.digest), printable(&kept.source))
}

fn brought((name, one): (&Name, &Brought)) -> String {
    let (size, source) = (grouped(one.size), printable(&one.source));
    format!("{name}   {}, {size} bytes, from {source}", short(&one.digest))
}

fn migration(one: &Migration) -> String {
    let way = if one.reversible { "" } else { ", going back loses data" };
    format!("{}{way}", printable(&one.name))
}

fn short(digest: &Digest) -> String {
    format!("sha256:{}", digest.short())
}

/// All releases, the newest first, with where each is verified.
pub(crate) fn list(releases: &[ReleaseView], status: &Status, style: &Style) -> (String, String) {
    if releases.is_empty() {
        let create =
            Next::new("towpath release create VERSION --artifact NAME=PATH", "keeps the first one");
        return ("no release yet\n".to_owned(), next(&[create]));
    }
    let mut services: Vec<&Name> = releases.iter().map(|one| &one.release.service).collect();
    services.sort();
    services.dedup();
    let several = services.len() > 1;
    let mut head =
        ["release", "created", "type", "by", "digest", "verified in"].map(str::to_owned).to_vec();
    if several {
        head.insert(0, "service".to_owned());
    }
    let rows = releases.iter().rev().map(|one| {
        let release = &one.release;
        let mut row = vec![
            release.version.to_string(),
            style.listed(&stamp(release.created_at)),
            release.change_type.as_str().to_owned(),
            release.author.as_ref().map(ToString::to_string).unwrap_or_default(),
            release.digest.short().to_owned(),
            standing(one, status, ""),
        ];
        if several {
            row.insert(0, release.service.to_string());
        }
        row
    });
    (table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()), String::new())
}

/// Where it is verified, and that it cannot be started again if so.
fn standing(one: &ReleaseView, status: &Status, nowhere: &str) -> String {
    let mut said = verified(&one.release, status);
    if said.is_empty() && !nowhere.is_empty() {
        said.push(nowhere.to_owned());
    }
    if one.bytes_gone {
        said.push("(its bytes are gone)".to_owned());
    }
    said.join(", ")
}

fn verified(release: &Release, status: &Status) -> Vec<String> {
    let lanes = status.lanes.iter().filter(|lane| lane.service == release.service.as_str());
    lanes
        .filter(|lane| lane.verified.iter().any(|version| version == release.version.as_str()))
        .map(|lane| lane.environment.clone())
        .collect()
}

/// One release.
pub(crate) fn show(one: &ReleaseView, status: &Status, style: &Style) -> (String, String) {
    let release = &one.release;
    let mut block = facts(release, style);
    block.row("verified in", standing(one, status, "nowhere yet"));
    let head = format!("{} {}\n", release.service, style.bold(release.version.as_str()));
    let again = one.bytes_gone.then(|| {
        let command = format!("towpath release create {} --artifact NAME=SOURCE", release.version);
        next(&[style.naming(Next::new(command, "from the same bytes, before it is promoted"))])
    });
    (head + &block.written(4, style), again.unwrap_or_default())
}

/// What differs between two releases.
pub(crate) fn diff(old: &Release, new: &Release, style: &Style) -> (String, String) {
    let arrow = style.arrow();
    if old.digest == new.digest {
        let text = format!(
            "{} {} and {} are the same: {}\n",
            style.symbol(Symbol::Passed),
            old.version,
            new.version,
            short(&old.digest)
        );
        return (text, String::new());
    }
    let artifacts = changes(&digests(old), &digests(new), arrow);
    let settings = settings_changed(old, new);
    let added: Vec<String> =
        new.migrations.iter().filter(|one| !old.migrations.contains(one)).map(migration).collect();
    let mut block = Block::default();
    let none = |lines: Vec<String>| if lines.is_empty() { vec!["none".to_owned()] } else { lines };
    block.lines("artefacts", none(artifacts.clone()));
    block.lines("settings", none(settings.clone()));
    block.lines("migrations", none(added.clone()));
    let head = format!(
        "{} {arrow} {}: {}, {}, {}\n",
        old.version,
        new.version,
        counted(artifacts.len(), "artefact"),
        counted(settings.len(), "setting"),
        counted(added.len(), "migration")
    );
    (head + &block.written(4, style), String::new())
}

fn digests(release: &Release) -> BTreeMap<String, String> {
    release.artifacts.iter().map(|(name, kept)| (name.to_string(), short(&kept.digest))).collect()
}

fn changes(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    arrow: &str,
) -> Vec<String> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    changed
        .map(|name| {
            let value = |side: &BTreeMap<String, String>| {
                side.get(name).map_or_else(|| "(none)".to_owned(), |value| printable(value))
            };
            format!("{}   {} {arrow} {}", printable(name), value(old), value(new))
        })
        .collect()
}

/// Names only: a value may be nobody's business.
fn settings_changed(old: &Release, new: &Release) -> Vec<String> {
    let mut names: Vec<&String> = old.settings.keys().chain(new.settings.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter_map(|name| {
        let said = match (old.settings.get(name), new.settings.get(name)) {
            (None, _) => "added",
            (_, None) => "removed",
            (before, after) if before == after => return None,
            _ => "changed",
        };
        Some(format!("{}   {said}", printable(name)))
    });
    changed.collect()
}
