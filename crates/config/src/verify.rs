//! Checks what stands where: sections at the top, in environments, in shared sections and in
//! services. Owns nothing about what a section means.

use towpath_core::ids::Name;
use towpath_ports::catalogue::Catalogue;
use towpath_ports::settings;

use crate::acceptance;
use crate::codes::Code;
use crate::elsewhere;
use crate::lists;
use crate::pipeline::unknown_name;
use crate::problem::{Problem, Problems};
use crate::secrecy;
use crate::sections::{self, Where};
use crate::shape::{Default, Shape, described, expected};
use crate::source::Extent;
use crate::synonyms::nearest_key;
use crate::tree::{Entry, Node, Tree, printable};
use crate::value::{self, Against};

/// Most environments of one matrix; design.md counts on 2 to 8.
pub const MAX_ENVIRONMENTS: usize = 64;
/// Most services of one matrix; design.md counts on 2 to 50.
pub const MAX_SERVICES: usize = 100;
/// Most lanes of one matrix: 100 services in 10 environments.
pub const MAX_LANES: usize = 1000;

/// Bytes of one section of an environment, for every lane keeps a copy of it: 32 times the
/// longest of the seeds.
pub const MAX_SECTION: usize = 32 * 1024;

const SHARED_NAMES: [&str; 5] = ["all", "development", "testing", "staging", "production"];

/// Checks the shape of everything.
pub(crate) fn check(root: &Node, catalogue: &Catalogue, problems: &mut Problems) {
    let mut verify = Verify { catalogue, problems };
    if !verify.is_map(root, "the file") {
        return;
    }
    verify.sections(root, Where::Top, "the file", Extent { start: 0, end: 0 });
    let services: Vec<&str> = root
        .get("services")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|it| &*it.key)
        .collect();
    let project = root.get("project").and_then(Node::text).unwrap_or_default();
    let services = if services.is_empty() { vec![project] } else { services };
    verify.defaults(root);
    verify.environments(root, &services);
    acceptance::check_warnings(root.get("accept_warnings"), problems);
}

struct Verify<'a> {
    catalogue: &'a Catalogue,
    problems: &'a mut Problems,
}

impl Verify<'_> {
    fn is_map(&mut self, node: &Node, name: &str) -> bool {
        let fits = matches!(node.tree, Tree::Map(_));
        if !fits && !node.is_broken() {
            self.problems.add(
                Problem::new(
                    Code::WrongType,
                    node.extent,
                    format!("{name} is {}", described(node)),
                )
                .expected("a map"),
            );
        }
        fits
    }

    /// Checks every section of one map; `place` decides which may stand there.
    fn sections(&mut self, node: &Node, place: Where, name: &str, extent: Extent) {
        for entry in node.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            let size = entry.value.extent.end.saturating_sub(entry.value.extent.start);
            if place != Where::Top && &*entry.key != "services" && size > MAX_SECTION {
                self.problems.add(
                    Problem::new(
                        Code::TooMuch,
                        entry.key_extent,
                        format!("the section `{}` has {size} bytes", printable(&entry.key)),
                    )
                    .expected(format!("at most {MAX_SECTION} bytes"))
                    .next("keep long lists in files of their own"),
                );
                continue;
            }
            match &*entry.key {
                "windows" => lists::windows(&entry.value, self.problems),
                "freezes" => lists::freezes(&entry.value, self.problems),
                "schedule" => lists::schedule(&entry.value, self.problems),
                _ => {}
            }
            match sections::find(&entry.key, place) {
                Some(section) => value::verify(
                    &entry.value,
                    section.key.shape,
                    section.key.name,
                    Against { catalogue: self.catalogue, part: section.may_stand(Where::Defaults) },
                    self.problems,
                ),
                None if place == Where::Environment && &*entry.key == "services" => {}
                None => self.unknown(entry, place, name),
            }
        }
        for section in sections::all() {
            // What a service or a shared section leaves out may stand elsewhere.
            let required = matches!(section.key.default, Default::Required)
                && section.may_stand(place)
                && !section.may_stand(Where::Defaults);
            // Of a key that was mistyped the mistake is told, and not that it is missing as well.
            let is_mistyped = || {
                let mut unknown =
                    node.entries().iter().filter(|it| sections::find(&it.key, place).is_none());
                unknown.any(|it| nearest_key(&it.key, [section.key.name]).is_some())
            };
            if required && node.get(section.key.name).is_none() && !is_mistyped() {
                let key = section.key.name;
                let example = section.example.lines().next().unwrap_or_default();
                self.problems.add(
                    Problem::new(Code::MissingKey, extent, format!("{name} has no `{key}`"))
                        .missing(node.extent, key)
                        .expected(format!("{key}: {}", expected(section.key.shape)))
                        .next(format!("add `{}`", example.trim_end())),
                );
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, place: Where, name: &str) {
        if self.problems.knows(entry.key_extent, Code::UnknownKey) {
            return;
        }
        let known: Vec<_> = sections::all()
            .filter(|section| section.may_stand(place))
            .map(|section| section.key.name)
            .collect();
        let nearest = nearest_key(&entry.key, known.iter().copied());
        let shown = printable(&entry.key);
        let problem = value::unknown(&shown, entry.key_extent, nearest, known.join(", "), name);
        let problem = match environment(entry, place, &problem) {
            Some(problem) => problem,
            None => value::elsewhere(&entry.key, problem, |it| {
                elsewhere::of_section(&entry.key, place, it)
            }),
        };
        let problem = secrecy::of_unknown(entry, problem, self.problems);
        self.problems.add(problem);
    }

    fn defaults(&mut self, root: &Node) {
        let Some(defaults) = root.get("defaults") else { return };
        for entry in defaults.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            if !SHARED_NAMES.contains(&&*entry.key) {
                self.unknown_tier(entry);
                continue;
            }
            let name = format!("`defaults.{}`", entry.key);
            if self.is_map(&entry.value, &name) {
                self.sections(&entry.value, Where::Defaults, &name, entry.key_extent);
            }
        }
    }

    fn unknown_tier(&mut self, entry: &Entry) {
        if self.problems.knows(entry.key_extent, Code::UnknownKey) {
            return;
        }
        let known = SHARED_NAMES.join(", ");
        let nearest = settings::nearest(&entry.key, SHARED_NAMES);
        let shown = printable(&entry.key);
        let mut problem = value::unknown(&shown, entry.key_extent, nearest, known, "`defaults`");
        if sections::find(&entry.key, Where::Defaults).is_some() {
            problem = problem
                .label("this belongs in `defaults.all`, or in that of a tier")
                .nearest(None)
                .next(format!(
                    "move `{shown}` into `defaults.all`, or below a tier such as `production`"
                ));
        }
        let problem = secrecy::of_unknown(entry, problem, self.problems);
        self.problems.add(problem);
    }

    fn environments(&mut self, root: &Node, services: &[&str]) {
        let Some(entry) = root.entry("environments") else { return };
        let environments: Vec<&Entry> = entry.value.entries().iter().collect();
        if environments.is_empty() && matches!(entry.value.tree, Tree::Map(_)) {
            self.problems.add(
                Problem::new(Code::MissingKey, entry.key_extent, "the matrix has no environment")
                    .expected("at least one environment")
                    .next("towpath init     writes a first matrix"),
            );
        }
        self.limit(&environments, services.len(), entry.key_extent);
        for environment in environments {
            self.name(&environment.key, environment.key_extent);
            let name = printable(&environment.key);
            if !self.is_map(&environment.value, &format!("`{name}`")) {
                continue;
            }
            self.sections(&environment.value, Where::Environment, &name, environment.key_extent);
            self.services(&environment.value, services);
            acceptance::check_warnings(environment.value.get("accept_warnings"), self.problems);
        }
    }

    fn name(&mut self, text: &str, extent: Extent) {
        if Name::new(text).is_err() {
            let message = format!("`{}` cannot be a name", printable(text));
            self.problems.add(
                Problem::new(Code::WrongValue, extent, message).expected(expected(Shape::Name)),
            );
        }
    }

    fn services(&mut self, environment: &Node, known: &[&str]) {
        let Some(services) = environment.get("services") else { return };
        if !self.is_map(services, "`services`") {
            return;
        }
        for entry in services.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            if !known.contains(&&*entry.key) {
                self.problems.add(unknown_name("service", &entry.key, entry.key_extent, known));
            }
            let name = format!("`services.{}`", printable(&entry.key));
            if self.is_map(&entry.value, &name) {
                self.sections(&entry.value, Where::Service, &name, entry.key_extent);
            }
        }
    }

    fn limit(&mut self, environments: &[&Entry], services: usize, extent: Extent) {
        let lanes = environments.len().saturating_mul(services);
        for (many, most, what) in [
            (environments.len(), MAX_ENVIRONMENTS, "environments"),
            (services, MAX_SERVICES, "services"),
            (lanes, MAX_LANES, "services times environments"),
        ] {
            if many > most {
                self.problems.add(
                    Problem::new(Code::TooMuch, extent, format!("the matrix has {many} {what}"))
                        .expected(format!("at most {most}"))
                        .next("split the project into several matrices"),
                );
            }
        }
    }
}

/// What to say of an environment at the top of the file: what is called like a tier, or says of which
/// it is.
fn environment(entry: &Entry, place: Where, problem: &Problem) -> Option<Problem> {
    let is_tier = SHARED_NAMES[1..].contains(&&*entry.key);
    let is_map = matches!(entry.value.tree, Tree::Map(_));
    let is_one = is_map && (is_tier || entry.value.get("tier").is_some());
    if place != Where::Top || !is_one {
        return None;
    }
    let problem = problem.clone().nearest(None).label("this belongs below `environments`");
    Some(problem.next(format!("move `{}` into `environments`", printable(&entry.key))))
}
