//! What a program of one's own is asked and answers as JSON. Owns both forms; the program's life and its
//! status are its parent's.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::units::Span;
use towpath_ports::Site;
use towpath_ports::check::CheckRequest;

use super::ASK_AGAIN_AFTER;
use crate::question;
use crate::reports::{Report, Reports, Tally, Wrong, json::strict, short};

/// The form of the question and of the answer.
const VERSION: u64 = 1;
/// Most files that one answer names.
const MOST_FILES: usize = 20;
/// The soonest and the latest that a program may ask to be asked again.
const SOONEST: Span = Span::seconds(1);
const LATEST: Span = Span::hours(1);

/// What the program reads on its input: one object, in one line.
///
/// # Errors
/// The answer of a check that cannot be asked: the journal does not know the release.
pub(super) async fn question(request: &CheckRequest) -> Result<String, CheckAnswer> {
    let release = request.evidence.release(&request.lane.service, &request.release).await;
    let release = release.map_err(|why| {
        CheckAnswer::inconclusive(format!("what is asked about cannot be read: {why}"))
    })?;
    let green: Vec<String> = request.green.iter().map(|one| question::url(one.address)).collect();
    let release = release.as_ref();
    let artifacts: serde_json::Map<String, Value> = release
        .into_iter()
        .flat_map(|release| &release.artifacts)
        .map(|(name, artifact)| (name.to_string(), json!(artifact.digest)))
        .collect();
    let asked = json!({
        "version": VERSION,
        "question": request.title,
        "service": request.lane.service,
        "environment": request.lane.environment,
        "promotion": request.promotion,
        "release": request.release.version,
        "digest": request.release.digest,
        "commit": release.and_then(|release| release.commit.as_ref()),
        "author": release.and_then(|release| release.author.as_ref()),
        "type": release.map(|release| release.change_type),
        "artifacts": artifacts,
        "green": green,
        "timeout_seconds": request.timeout.milliseconds() / 1000,
    });
    Ok(format!("{asked}\n"))
}

/// What the program prints: one object, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    result: Word,
    sentence: String,
    #[serde(default)]
    ask_again_in: Option<String>,
    #[serde(default)]
    evidence: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Pass,
    Fail,
    Pending,
    Inconclusive,
}

/// The answer in what the program printed, with the files that it names kept as evidence. What is not the
/// documented form is no answer.
pub(super) async fn answer(
    printed: &[u8],
    program: &str,
    request: &CheckRequest,
    site: &Site,
) -> CheckAnswer {
    let told = match read(printed) {
        Ok(told) => told,
        Err(why) => {
            return CheckAnswer::inconclusive(format!("`{program}` printed {why}"));
        }
    };
    let sentence = short(&told.sentence);
    let answer = match told.result {
        Word::Pass => CheckAnswer::pass(sentence),
        Word::Fail => CheckAnswer::fail(sentence),
        Word::Inconclusive => CheckAnswer::inconclusive(sentence),
        Word::Pending => {
            let after = told.ask_again_in.as_deref().and_then(|text| text.parse().ok());
            let after: Span = after.unwrap_or(ASK_AGAIN_AFTER);
            CheckAnswer::pending(request.now.plus(after.faster(site.speed)), sentence)
        }
    };
    let keeping = async {
        for path in &told.evidence {
            kept(path, request, site).await.map_err(|lost| lost.sentence)?;
        }
        Ok(())
    };
    let late = |_| Err(format!("it took longer than {}", request.timeout));
    let kept = tokio::time::timeout(question::patience(request), keeping).await;
    match kept.unwrap_or_else(late) {
        Err(why) if answer.result == CheckResult::Pass => {
            CheckAnswer::inconclusive(format!("what `{program}` rests on cannot be kept: {why}"))
        }
        _ => answer,
    }
}

fn read(printed: &[u8]) -> Result<Told, String> {
    let printed = std::str::from_utf8(printed).map_err(|_| "no text of UTF-8".to_owned())?;
    let wrong = |Wrong { place, why }| match place {
        Some((line, column)) => format!("no JSON object (line {line}, column {column}: {why})"),
        None => why,
    };
    let object = strict(printed.trim()).map_err(wrong)?;
    if !object.is_object() {
        return Err("no JSON object".to_owned());
    }
    let told = Told::deserialize(object)
        .map_err(|error| format!("another form: {}", short(&error.to_string())))?;
    if told.sentence.trim().is_empty() {
        return Err("a `sentence` that says nothing".to_owned());
    }
    if let Some(text) = &told.ask_again_in {
        let after: Option<Span> = text.parse().ok();
        if told.result != Word::Pending || after.is_none_or(|it| it < SOONEST || it > LATEST) {
            return Err(format!(
                "another `ask_again_in` than a time from {SOONEST} to {LATEST} such as 5m, of `pending` alone"
            ));
        }
    }
    let different: BTreeSet<&String> = told.evidence.iter().collect();
    if let Some(pattern) = told.evidence.iter().find(|path| path.contains(['*', '?', '[', '{'])) {
        return Err(format!("`evidence` that names no file but a pattern: {}", short(pattern)));
    }
    if told.evidence.len() > MOST_FILES || different.len() < told.evidence.len() {
        return Err(format!("other `evidence` than at most {MOST_FILES} different files"));
    }
    Ok(told)
}

/// Files are kept whatever they say.
struct Unread;

impl Tally for Unread {
    type Sum = ();
    const WHAT: &'static str = "evidence";

    fn add(&mut self, _: &Report<'_>) -> Result<String, Wrong> {
        Ok("kept".to_owned())
    }

    fn sum(self) {}
}

/// Keeps the file at `path`, from the matrix's folder on, by the rules for reports: none outside of it.
async fn kept(path: &str, request: &CheckRequest, site: &Site) -> Result<(), CheckAnswer> {
    let reports = Reports::new(path, None, site).map_err(CheckAnswer::inconclusive)?;
    reports.read(request, Unread).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use towpath_ports::evidence::Keeper;
    use towpath_ports::secret::Known;

    use super::*;
    use crate::evidence::KeptEvidence;
    use crate::question::testing::{Evidence, NOW, check, request, site};

    /// The answer to a script, and the names of what was kept.
    async fn ask_in(folder: &Path, script: &str) -> (CheckAnswer, Vec<String>) {
        let settings = json!({ "run": ["/bin/sh", "-c", script], "answer": "json" });
        let check = check("command", &settings, &site(folder, 1));
        let mut request = request(&["127.0.0.1:4000".parse().unwrap()], Evidence::default());
        let state = tempfile::tempdir().unwrap();
        let store = Arc::new(KeptEvidence::new(state.path()));
        request.keeper = Keeper::of(store, Known::default());
        let answer = check.ask(&request).await;
        let kept = request.keeper.finish().unwrap();
        (answer, kept.into_iter().map(|one| one.name).collect())
    }

    async fn ask(script: &str) -> CheckAnswer {
        let folder = tempfile::tempdir().unwrap();
        ask_in(folder.path(), script).await.0
    }

    async fn told(text: &str) -> CheckAnswer {
        ask(&format!("cat >&2; printf '%s\\n' '{text}'")).await
    }

    #[tokio::test]
    async fn the_program_is_asked_and_answers_in_the_documented_form() {
        let answer = told(r#"{ "result": "pass", "sentence": "all 41 journeys work" }"#).await;
        assert_eq!((answer.result, &*answer.sentence), (CheckResult::Pass, "all 41 journeys work"));
        let asked: Value = serde_json::from_str(&answer.output.unwrap()).unwrap();
        assert_eq!(asked["version"], 1);
        assert_eq!((&asked["release"], &asked["environment"]), (&json!("1.2.0"), &json!("live")));
        assert_eq!(asked["green"], json!(["http://127.0.0.1:4000"]));
        assert!(asked["question"].is_string() && asked["timeout_seconds"].is_u64(), "{asked}");
        let failed = told(r#"{ "result": "fail", "sentence": "checkout is broken" }"#).await;
        assert_eq!((failed.result, &*failed.sentence), (CheckResult::Fail, "checkout is broken"));
        let later =
            told(r#"{ "result": "pending", "sentence": "the scan runs", "ask_again_in": "5m" }"#)
                .await;
        let ask_again_at = NOW.plus(Span::minutes(5));
        assert_eq!(later.result, CheckResult::Pending { ask_again_at });
        let soon = told(r#"{ "result": "pending", "sentence": "the scan runs" }"#).await;
        let ask_again_at = NOW.plus(Span::minutes(1));
        assert_eq!(soon.result, CheckResult::Pending { ask_again_at });
        let odd =
            ask("printf '{ \"result\": \"pass\", \"sentence\": \"a\\302\\205b\" }\\r\\n'").await;
        assert_eq!((odd.result, &*odd.sentence), (CheckResult::Pass, "a\\u{85}b"));
        let unknown = told(r#"{ "result": "inconclusive", "sentence": "nobody answers" }"#).await;
        assert_eq!(unknown.result, CheckResult::Inconclusive);
    }

    #[tokio::test]
    async fn what_is_not_the_form_is_no_answer() {
        for (text, why) in [
            ("", "EOF"),
            ("ok", "line 1, column"),
            (r#"["pass"]"#, "no JSON object"),
            (r#"{ "result": "pass" }"#, "missing field `sentence`"),
            (r#"{ "result": "passed", "sentence": "x" }"#, "unknown variant"),
            (r#"{ "result": "pass", "sentence": " " }"#, "says nothing"),
            (r#"{ "result": "fail", "result": "pass", "sentence": "x" }"#, "result"),
            (r#"{ "result": "pass", "sentence": "x", "score": 1 }"#, "unknown field `score`"),
            (r#"{ "result": "pass", "sentence": "x" } { }"#, "trailing"),
            (r#"{ "result": "pass", "sentence": "x", "ask_again_in": "5m" }"#, "ask_again_in"),
            (r#"{ "result": "pending", "sentence": "x", "ask_again_in": "2h" }"#, "ask_again_in"),
            (r#"{ "result": "pass", "sentence": "x", "evidence": ["a", "a"] }"#, "different"),
            (r#"{ "result": "pass", "sentence": "x", "evidence": ["**/*"] }"#, "a pattern"),
            ("\u{feff}{}", "no JSON"),
        ] {
            let answer = told(text).await;
            assert_eq!(answer.result, CheckResult::Inconclusive, "{text}");
            assert!(answer.sentence.contains(why), "{text}: {}", answer.sentence);
        }
    }

    #[tokio::test]
    async fn a_status_or_a_flood_makes_no_pass_of_an_answer() {
        let pass = r#"echo '{ "result": "pass", "sentence": "x" }'"#;
        let failed = ask(&format!("{pass}; exit 3")).await;
        assert_eq!(failed.result, CheckResult::Inconclusive);
        assert!(failed.sentence.contains("status 3"), "{}", failed.sentence);
        let killed = ask(&format!("{pass}; kill -9 $$")).await;
        assert_eq!(killed.result, CheckResult::Inconclusive);
        let flood = ask(&format!("head -c 400000 /dev/zero | tr '\\0' ' '; {pass}")).await;
        assert_eq!(flood.result, CheckResult::Inconclusive);
        assert!(flood.sentence.contains("more than is read"), "{}", flood.sentence);
        let among = ask(&format!("echo note >&2; {pass}")).await;
        assert_eq!(among.result, CheckResult::Pass, "its second output is no part of the answer");
        assert_eq!(among.output.as_deref(), Some("note\n"));
    }

    #[tokio::test]
    async fn files_that_it_names_are_kept_and_none_that_lies_outside() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "hush").unwrap();
        std::fs::write(folder.path().join("scan.json"), "{}").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("link"))
            .unwrap();
        let says = |path: &str, result: &str| {
            format!(r#"echo '{{ "result": "{result}", "sentence": "x", "evidence": ["{path}"] }}'"#)
        };
        let (answer, kept) = ask_in(folder.path(), &says("scan.json", "pass")).await;
        assert_eq!(answer.result, CheckResult::Pass);
        assert_eq!(kept, ["command.json", "scan.json"]);
        let absolute = outside.path().join("secret");
        for path in ["absent", "link", "../secret", absolute.to_str().unwrap()] {
            let (answer, kept) = ask_in(folder.path(), &says(path, "pass")).await;
            assert_eq!(answer.result, CheckResult::Inconclusive, "{path}");
            assert!(answer.sentence.contains("cannot be kept"), "{}", answer.sentence);
            assert_eq!(kept, ["command.json"], "{path}");
            let (answer, _) = ask_in(folder.path(), &says(path, "fail")).await;
            assert_eq!(answer.result, CheckResult::Fail, "a no needs no evidence: {path}");
        }
    }
}
