//! Reads coverage in Cobertura's form (its coverage-04.dtd), as coverage.py, Istanbul, gcovr and
//! others write it. Counts lines themselves, not the rates a report says of itself.

use crate::reports::xml::{Element, Step, Xml};
use crate::reports::{Report, Wrong, short};

use super::Read;
use super::lines::{Lines, meant};

/// What the report says of each line; its own sums when it has no line at all.
pub(super) fn read(report: &Report<'_>) -> Result<Read, Wrong> {
    let mut xml = Xml::new(report.text, report.stop);
    let root = xml.root()?;
    if root.name != "coverage" {
        let name = short(&root.name);
        return Err(root.wrong(format!(
            "it begins with `{name}`, not with `coverage`; have it written as Cobertura or LCOV"
        )));
    }
    let mut reading =
        Reading { report, lines: Lines::default(), open: Vec::new(), sources: Vec::new() };
    loop {
        match xml.step()? {
            Step::Open(element) => reading.open(&element)?,
            Step::Text(text) => reading.text(&text),
            Step::Close => {
                reading.open.pop();
            }
            Step::End => break,
        }
    }
    if reading.lines.counts().1 > 0 {
        return Ok(Read::Lines(reading.lines));
    }
    let (covered, total) = (root.count("lines-covered")?, root.count("lines-valid")?);
    match (covered, total) {
        (Some(covered), Some(total)) if covered > total => Err(root.wrong(format!(
            "it says that {covered} of {total} lines are covered, and holds no line"
        ))),
        (Some(covered), Some(total)) if total > 0 => Ok(Read::Sums(covered, total)),
        _ => Ok(Read::Lines(reading.lines)),
    }
}

/// An open element that matters.
enum Open {
    Source,
    /// Where its lines are kept.
    Class(usize),
    Other,
}

struct Reading<'a> {
    report: &'a Report<'a>,
    lines: Lines,
    open: Vec<Open>,
    sources: Vec<String>,
}

impl Reading<'_> {
    fn open(&mut self, element: &Element<'_>) -> Result<(), Wrong> {
        let open = match element.name.as_str() {
            "source" => {
                self.sources.push(String::new());
                Open::Source
            }
            "class" => {
                self.report.stop.check()?;
                let name = element.get("filename").filter(|name| !name.is_empty());
                let name = name.ok_or_else(|| element.wrong("a `class` has no `filename`"))?;
                let sources: Vec<String> =
                    self.sources.iter().map(|source| source.trim().to_owned()).collect();
                Open::Class(self.lines.file(meant(self.report, &sources, name)))
            }
            "line" => {
                self.line(element)?;
                Open::Other
            }
            _ => Open::Other,
        };
        self.open.push(open);
        Ok(())
    }

    /// A line of a class or of one of its methods; both name the same lines.
    fn line(&mut self, element: &Element<'_>) -> Result<(), Wrong> {
        let class = self.open.iter().rev().find_map(|open| match open {
            Open::Class(file) => Some(*file),
            Open::Source | Open::Other => None,
        });
        let file = class.ok_or_else(|| {
            element.wrong("a `line` belongs to no `class`; have it written as Cobertura or LCOV")
        })?;
        let number = element.count("number")?.and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| element.wrong("a `line` has no `number` of a line"))?;
        let hits = element.count("hits")?.ok_or_else(|| element.wrong("a `line` has no `hits`"))?;
        self.lines.add(file, number, hits > 0);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let (Some(Open::Source), Some(source)) = (self.open.last(), self.sources.last_mut()) {
            source.push_str(text);
        }
    }
}
