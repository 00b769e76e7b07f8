//! The file that was kept with the matrix in force, and the repository that is followed. Reads the journal alone.

use maud::{Markup, html};
use serde::Deserialize as _;
use towpath_config::Beside;
use towpath_core::governing::MatrixSource;
use towpath_core::matrix::Matrix;
use towpath_engine::FollowingView;
use towpath_engine::views::time as written;

use super::written::{Read, Written};
use crate::error::Answer;
use crate::pages::frame::Look;
use crate::pages::marks::{As, sentence, state, time};

/// How many of them are looked through: after that a matrix has been proposed and applied again and again.
const LOOKED_AT: u32 = 20;

/// What was kept.
pub(super) struct Kept {
    source: MatrixSource,
    at: String,
    /// What it says.
    pub(super) file: Written,
}

/// The file that was kept with what is in force; none where nobody sent one.
pub(super) async fn of(look: &Look, force: &Matrix) -> Answer<Option<Kept>> {
    let setup = look.engine.setup();
    let Some(catalogue) = setup.adapters.catalogue() else { return Ok(None) };
    let digest = force.digest();
    let rows = look.engine.events_named("matrix-written", None, LOOKED_AT).await?;
    let found = rows.iter().find_map(|row| {
        let source = MatrixSource::deserialize(&row.body).ok()?;
        (source.matrix == digest).then(|| (source, written(row.at)))
    });
    let Some((source, at)) = found else { return Ok(None) };
    let now = setup.clock.now();
    // What was taken with it was checked then; its stars are read as any other text.
    let read = tokio::task::spawn_blocking(move || {
        let named = |name: &str| source.beside.get(name).map(|text| text.clone().into_bytes());
        let absent = || "it was not kept".to_owned();
        let beside = Beside { read: &|name| named(name).ok_or_else(absent), now };
        let text = source.text.as_bytes();
        let checked = towpath_config::parse_beside(&source.file, text, &catalogue, &beside);
        (source, checked)
    });
    let Ok((source, checked)) = read.await else { return Ok(None) };
    let Some(matrix) = checked.matrix.clone() else { return Ok(None) };
    let file = Written::Read(Box::new(Read {
        is_in_force: true,
        lines: towpath_config::resolved_lines(&checked),
        text: source.text.clone(),
        warnings: checked.warnings.iter().map(|one| (one.line, one.message.clone())).collect(),
        matrix,
    }));
    Ok(Some(Kept { source, at, file }))
}

/// Where what is in force comes from.
pub(super) fn standing(kept: &Kept, look: &Look) -> Markup {
    let at = || time(&kept.at, As::Clock, look.now());
    html! {
        p { (state("ok", "", "the file of what is in force is kept")) " "
            @match &kept.source.commit {
                None => span.q { code { (kept.source.file) } ", sent " (at()) "." },
                Some(from) => span.q { code { (from.path) } " of commit " code { (from.commit.get(..12).unwrap_or(&from.commit)) }
                    " in " code { (from.repository) } " (" (from.branch) "), written by " (from.author) ", taken " (at()) "." },
            }
        }
    }
}

/// How the repository is followed.
pub(super) fn following(view: &FollowingView, look: &Look) -> Markup {
    let (icon, class, words) = if view.state.is_trouble() {
        ("warn", "wait", "the repository is not followed")
    } else {
        ("ok", "", "the repository is followed")
    };
    html! {
        p { (state(icon, class, words)) " "
            span.q { code { (view.repository) } " (" (view.branch) "): " (sentence(&view.sentence))
                @if let Some(at) = &view.answered_at { " It answered last " (time(at, As::Clock, look.now())) "." }
                @if let Some(next) = &view.next { " " code { (next) } }
            }
        }
    }
}
