//! The ways in which a change of a key can be judged, and which of them holds at a path. The keys
//! themselves are in `table` and `neutral`; judges nothing itself.

use super::neutral::NEUTRAL;
use super::path::{Path, Segment};
use super::table::{Row, WHOLE};

/// How a change of a key is judged. Where a key is left out, what it demands does not hold: a
/// demand that is removed is looser, one that is added stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// An amount of which more demands less.
    MoreIsLooser,
    /// An amount of which less demands less.
    LessIsLooser,
    /// A comparison that must hold; the more values meet it, the less it demands.
    Promise,
    /// A comparison at which something acts; the more values meet it, the sooner.
    Trigger,
    /// Words from the strictest to the loosest.
    Words(&'static [&'static str]),
    /// `true` demands something.
    OffIsLooser,
    /// `true` permits something; left out, it is not permitted.
    OnIsLooser,
    /// `false` forbids something; left out, it is not forbidden.
    Forbids,
    /// A part of the day in which something is permitted.
    MoreHoursAreLooser,
    /// A day from which on something is forbidden.
    LaterIsLooser,
    /// A day until which something is forbidden.
    EarlierIsLooser,
    /// A list or map of which each entry demands something; left out, none does.
    Demands,
    /// A list or map of which each entry permits something; left out, none does.
    Permits,
    /// A list of those to whom something is limited; left out, it is limited to nobody.
    LimitedTo,
    /// Something that helps when it is there, whatever it says.
    Said,
    /// A text that guards something: there is less to guard it when it is gone, and which of two
    /// texts guards it better cannot be told.
    Guards,
    /// What a change does cannot be told from the matrix, and somebody should look at it.
    Unclear,
    /// Neither direction is the looser one.
    Neutral,
    /// Steps of a rollout, rising.
    Steps,
    /// A map whose parts are told one by one, also where all of it is new or gone.
    Apart,
}

/// Maps whose keys and values are free: what stands in them is a text, whatever it is called.
const FREE: &[&str] = &["settings", "links", "tags"];

/// The rule for a path. What no table names is unclear, so that nothing new passes unseen.
pub(crate) fn find(path: &Path) -> Rule {
    let segments = path.segments();
    let is_neutral = || NEUTRAL.iter().any(|(pattern, _)| fits(pattern, segments).is_some());
    match row(path) {
        _ if is_free(segments) => Rule::Neutral,
        Some(((_, Some(rule), _), _)) => *rule,
        _ if is_neutral() => Rule::Neutral,
        _ => Rule::Unclear,
    }
}

/// What people call what stands at a path.
pub(crate) fn called(path: &Path) -> String {
    let Some((row, captured)) = row(path).filter(|(row, _)| !row.2.is_empty()) else {
        return path.words();
    };
    let places = captured.iter().enumerate();
    places.fold(row.2.to_owned(), |words, (at, captured)| {
        words.replace(&format!("{{{}}}", at + 1), captured)
    })
}

fn row(path: &Path) -> Option<(&'static Row, Vec<String>)> {
    let segments = path.segments();
    if is_free(segments) {
        return None;
    }
    let mut rows = WHOLE.iter().flat_map(|table| table.iter());
    rows.find_map(|row| Some((row, fits(row.0, segments)?)))
}

fn is_free(segments: &[Segment]) -> bool {
    let above = segments.split_last().map(|(_, above)| above).unwrap_or_default();
    above.iter().any(|it| FREE.contains(&it.key.as_str()))
        || segments.iter().any(|it| it.key.starts_with("x-"))
}

/// What stands for the parts of `pattern` that may differ, when the path is such a one.
fn fits(pattern: &str, segments: &[Segment]) -> Option<Vec<String>> {
    let (pattern, anywhere) = match pattern.strip_prefix("..") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let above = segments.len().checked_sub(pattern.split('.').count())?;
    if above > 0 && !anywhere {
        return None;
    }
    let mut captured = Vec::new();
    for (part, segment) in pattern.split('.').zip(&segments[above..]) {
        let mut choices = part.split('|');
        let fits = choices.any(|choice| match choice.strip_suffix('*') {
            Some(beginning) => segment.key.starts_with(beginning),
            None => segment.key == choice,
        });
        if !fits {
            return None;
        }
        if part.contains(['|', '*']) {
            captured.push(segment.words());
        }
    }
    Some(captured)
}

#[cfg(test)]
mod tests {
    use towpath_ports::catalogue::FieldType;

    use super::Rule::{MoreIsLooser, Neutral, OffIsLooser, OnIsLooser, Promise, Unclear, Words};
    use super::*;
    use crate::sections;
    use crate::shape::{Key, Shape};

    fn path(text: &str) -> Path {
        text.split('.').fold(Path::default(), |path, key| path.key(key))
    }

    #[test]
    fn the_first_row_that_fits_decides_and_a_section_is_known_only_at_its_place() {
        assert_eq!(find(&path("slo.latency_p99")), Promise);
        assert_eq!(find(&path("slo.window")), Unclear);
        assert_eq!(
            find(&path("tier")),
            Words(&["production", "staging", "testing", "development"])
        );
        assert_eq!(find(&path("target.tier")), Unclear, "no table names it");
        assert_eq!(find(&path("change_types.hotfix.rollout.lease")), MoreIsLooser);
        assert_eq!(find(&path("queue.encryption")), OffIsLooser);
    }

    #[test]
    fn a_variable_is_a_text_whatever_it_is_called() {
        assert_eq!(find(&path("settings.encryption")), Neutral);
        assert_eq!(find(&path("infrastructure.tags.backup")), Neutral);
        assert_eq!(find(&path("queue.x-backup")), Neutral);
    }

    #[test]
    fn a_key_is_called_by_its_words_or_by_its_path() {
        assert_eq!(called(&path("rollback.when.latency_p99")), "latency p99 trigger");
        assert_eq!(
            called(&path("approvals.hotfix.senior-developer")),
            "approvals for a hotfix by the role senior-developer"
        );
        assert_eq!(called(&path("storage.dead_letter_queue")), "storage dead letter queue");
    }

    /// The shapes that the rest of a pattern may mean below `shape`; none when it means nothing there.
    fn shapes(shape: Shape, parts: &[&str]) -> Vec<Shape> {
        let Some((part, rest)) = parts.split_first() else { return vec![shape] };
        let among = |keys: &[Key]| -> Vec<Shape> {
            let fits = |key: &&Key| {
                part.split('|').any(|choice| match choice.strip_suffix('*') {
                    Some(beginning) => key.name.starts_with(beginning),
                    None => key.name == choice,
                })
            };
            keys.iter().filter(fits).flat_map(|key| shapes(key.shape, rest)).collect()
        };
        match shape {
            Shape::Map(keys) | Shape::WordOrMap(_, keys) => among(keys),
            Shape::Kinds(kinds, common) => among(
                &kinds.iter().flat_map(|it| it.keys).chain(common).copied().collect::<Vec<_>>(),
            ),
            Shape::MapOf(_, inner) | Shape::List(inner) if *part == "*" => shapes(*inner, rest),
            // What a kind of adapter may hold is in its own table.
            Shape::Adapter(..) | Shape::Bake => vec![shape],
            _ => Vec::new(),
        }
    }

    fn of_pattern(pattern: &str) -> Vec<Shape> {
        let (pattern, anywhere) =
            pattern.strip_prefix("..").map_or((pattern, false), |it| (it, true));
        let parts: Vec<&str> = pattern.split('.').collect();
        let all: Vec<Key> = sections::all().map(|section| section.key).collect();
        let all: &'static [Key] = all.leak();
        let mut found = shapes(Shape::Map(all), &parts);
        if anywhere {
            found.extend(all.iter().flat_map(|key| shapes(key.shape, &parts)));
        }
        found
    }

    #[test]
    fn every_row_is_about_a_key_that_there_is_and_knows_its_words() {
        let mut wrong = Vec::new();
        for (pattern, rule, _) in WHOLE.iter().flat_map(|table| table.iter()) {
            let shapes = of_pattern(pattern);
            if shapes.is_empty() {
                wrong.push(format!("{pattern}: no such key"));
            }
            for shape in shapes {
                match (rule, shape) {
                    (
                        Some(Words(known)),
                        Shape::Of(FieldType::Word(words)) | Shape::WordOrMap(words, _),
                    ) => {
                        // What is not among them is unclear.
                        let unknown = words.iter().filter(|it| !known.contains(it));
                        let unknown = unknown.filter(|it| (pattern, **it) != (&"data.personal_data", "none"));
                        wrong.extend(unknown.map(|it| format!("{pattern}: {it}")));
                    }
                    (Some(OffIsLooser | OnIsLooser), Shape::Of(FieldType::Flag))
                    | (Some(Words(_) | OffIsLooser | OnIsLooser), Shape::Adapter(..))
                    // Words that are proposed, beside names that people choose.
                    | (Some(Words(_)), Shape::Of(FieldType::Texts)) => {}
                    (Some(Words(_) | OffIsLooser | OnIsLooser), other) => {
                        wrong.push(format!("{pattern}: {other:?}"));
                    }
                    _ => {}
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Every place below `path` where a value stands, with a key of its own for what people choose.
    fn leaves(path: &Path, shape: Shape) -> Vec<Path> {
        let of = |keys: &[Key]| -> Vec<Path> {
            keys.iter().flat_map(|key| leaves(&path.key(key.name), key.shape)).collect()
        };
        match shape {
            Shape::Map(keys) => of(keys),
            Shape::WordOrMap(_, keys) => std::iter::once(path.clone()).chain(of(keys)).collect(),
            Shape::MapOf(_, inner) => leaves(&path.key("any"), *inner),
            Shape::List(inner) if matches!(*inner, Shape::Map(_) | Shape::Adapter(..)) => {
                leaves(&path.named("any".to_owned(), "any"), *inner)
            }
            Shape::Kinds(kinds, common) => {
                let kind = std::iter::once(path.key("kind"));
                kind.chain(kinds.iter().flat_map(|it| of(it.keys))).chain(of(common)).collect()
            }
            Shape::Adapter(family, keys) => {
                let catalogue = towpath_adapters::catalogue();
                let kinds = catalogue.family(family);
                let own = kinds.flat_map(|it| it.fields).map(|it| path.key(it.name));
                own.chain(of(keys)).collect()
            }
            Shape::Sections => Vec::new(),
            _ => vec![path.clone()],
        }
    }

    fn is_among(path: &Path, patterns: impl Iterator<Item = &'static str>) -> bool {
        let mut patterns = patterns;
        patterns.any(|pattern| fits(pattern, path.segments()).is_some())
    }

    /// A new key has to be decided about: it gets a row in `table`, or a reason in `neutral`.
    #[test]
    fn every_key_of_every_section_and_adapter_is_judged_or_neutral_for_a_reason() {
        let all =
            sections::all().flat_map(|it| leaves(&Path::default().key(it.key.name), it.key.shape));
        let all: Vec<Path> = all.collect();
        assert!(all.len() > 400, "the tables are walked: {}", all.len());
        let judged = || WHOLE.iter().flat_map(|it| it.iter()).filter(|it| it.1.is_some());
        let forgotten: Vec<String> = all
            .iter()
            .filter(|it| !is_free(it.segments()))
            .filter(|it| !is_among(it, judged().map(|it| it.0)))
            .filter(|it| !is_among(it, NEUTRAL.iter().map(|it| it.0)))
            .map(ToString::to_string)
            .collect();
        assert!(forgotten.is_empty(), "{}", forgotten.join("\n"));
    }

    #[test]
    fn what_is_neutral_is_a_key_that_there_is_and_has_a_reason() {
        let mut wrong = Vec::new();
        for (pattern, reason) in NEUTRAL {
            if of_pattern(pattern).is_empty() || reason.is_empty() {
                wrong.push(*pattern);
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn words_of_the_table_name_only_parts_that_may_differ() {
        for (pattern, _, words) in WHOLE.iter().flat_map(|table| table.iter()) {
            let parts = pattern.split('.').filter(|part| part.contains(['|', '*'])).count();
            for number in parts + 1..9 {
                assert!(!words.contains(&format!("{{{number}}}")), "{pattern}: {words}");
            }
        }
    }
}
