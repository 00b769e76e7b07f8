//! The page of the measures: names, kinds, units and labels, as the program itself writes them. Owns how that is laid out.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::reference;

const HEAD: &str = "\
# Metrics

Written by the program. `GET /metrics` has them as Prometheus and OpenMetrics read them, for whoever may look, and
`towpath serve --metrics-listen ADDRESS` openly at an address of its own; [Serve a team](../how-to/serve-a-team.md) says how.

No label holds what has no bound: neither the number of a promotion nor the version of a release. `project`, `service` and
`environment` are the names of the matrix; `result` is how a promotion ended (`succeeded`, `rolled_back`, `rejected`,
`superseded`, `aborted`, `failed`), `kind` is `promote` or `rollback`, `arm` is `blue`, `green` or `standby`.

| name | kind | unit | labels | what it is |
|---|---|---|---|---|
";

/// The whole page.
///
/// # Errors
/// When the program cannot be built or run, or says something that is no list of measures.
pub(crate) fn page(root: &Path) -> Result<String> {
    let told = reference::towpath(root, &["measures"])?;
    let mut text = HEAD.to_owned();
    let mut count = 0;
    for name in told.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = name.split_once(' ').context("a measure without a kind")?;
        let said = |what: &str| {
            let mark = format!("# {what} {name} ");
            told.lines().find_map(|line| line.strip_prefix(&mark)).unwrap_or_default()
        };
        let sample = told.lines().find(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['_', '{', ' ']))
        });
        let sample = sample.with_context(|| format!("no sample of {name} shows its labels"))?;
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            shown(name, kind),
            if kind == "info" { "gauge, always 1" } else { kind },
            if said("UNIT").is_empty() { unit(name) } else { said("UNIT") },
            labels(sample),
            said("HELP").trim_end_matches('.'),
        );
        count += 1;
    }
    ensure!(count > 10, "the program lists no measures");
    text.push_str(
        "\nA histogram has `_bucket` (with `le`), `_sum` and `_count` behind its name.\n",
    );
    Ok(text)
}

/// The name of what is read: of a counter that of its only sample.
fn shown(name: &str, kind: &str) -> String {
    match kind {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name.to_owned(),
    }
}

fn unit(name: &str) -> &'static str {
    if name.ends_with("_ratio") { "0 to 1" } else { "" }
}

fn labels(sample: &str) -> String {
    let Some((_, rest)) = sample.split_once('{') else { return String::new() };
    let inside = rest.split('}').next().unwrap_or_default();
    let names = inside.split(',').filter_map(|pair| pair.split('=').next());
    let names = names.filter(|name| *name != "le" && !name.is_empty());
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_names_are_those_of_the_samples() {
        assert_eq!(labels("a_bucket{le=\"1.0\",project=\"…\",arm=\"…\"} 0"), "`project`, `arm`");
        assert_eq!(labels("a 1"), "");
        assert_eq!(
            [shown("a", "counter"), shown("a", "info"), shown("a", "gauge")],
            ["a_total", "a_info", "a"]
        );
    }
}
