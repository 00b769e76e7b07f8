//! What each service of a compose file is: one of the project's own, something it stands on, or neither.
//! Owns the sentence about those that become no service.

use std::collections::BTreeMap;

use towpath_config::{StarterMigration, StarterSection};

use super::super::findings::Said;
use super::super::foreign::Value;
use super::super::names::{few, is_environment_word, shortened};
use super::Compose;
use super::filling::fill;
use super::images::{self, Image};
use super::once::{Once, once};
use super::service::Reader;

/// The services of a file.
pub(super) struct Sorted<'a> {
    /// What is released.
    pub(super) own: Vec<&'a str>,
    /// What that stands on.
    pub(super) stands: Vec<(&'a str, StarterSection)>,
    /// What changes stored data, by the service that waits for it.
    migrations: BTreeMap<&'a str, StarterMigration>,
}

impl Sorted<'_> {
    /// What changes stored data before this service starts.
    pub(super) fn migration(&self, name: &str) -> Option<StarterMigration> {
        self.migrations.get(name).cloned()
    }
}

impl Compose {
    /// The services of the file, each at its place.
    pub(super) fn sorted(&self, said: &mut Said) -> Sorted<'_> {
        let mut own: Vec<&str> = Vec::new();
        let mut stands: Vec<(&str, StarterSection)> = Vec::new();
        let ends: Vec<Once<'_>> = once(&self.services);
        for (name, service) in &self.services {
            let image = service.get("image").and_then(Value::text).unwrap_or_default();
            let image = fill(&image, &self.known).map_or(image, |filled| filled.text);
            let shown = shortened(name);
            if ends.iter().any(|it| it.name == name) {
                continue;
            }
            match images::known(&image, service, &self.plain_variables(service)) {
                Image::Own => own.push(name),
                Image::Stands(section) => stands.push((name, section)),
                Image::Proxy => {
                    said.left_out(format!(
                        "{shown}: a proxy; the router of towpath takes its place"
                    ));
                }
                Image::Tool => said.left_out(format!("{shown}: a tool beside the services")),
            }
        }
        self.hold_profiles(&mut own, said);
        if !stands.is_empty() {
            let names = few(stands.iter().map(|(name, _)| shortened(name)));
            said.left_out(format!(
                "the start of {names}: start it as before; it is declared alone"
            ));
        }
        let migrations = self.migrations(&ends, &own, said);
        Sorted { own, stands, migrations }
    }

    /// Services of a profile are started by those alone who ask for it.
    fn hold_profiles<'a>(&'a self, own: &mut Vec<&'a str>, said: &mut Said) {
        let profiles = |name: &str| {
            let of = self.service(name).and_then(|it| it.get("profiles"));
            of.map(Value::texts).unwrap_or_default()
        };
        let without = own.iter().any(|name| profiles(name).is_empty());
        own.retain(|name| {
            let profiles = profiles(name);
            if profiles.is_empty() {
                return true;
            }
            let (name, listed) = (shortened(name), few(&profiles));
            let named = profiles.iter().any(|profile| is_environment_word(profile));
            if named || !without {
                said.assumed(format!("{name} is released everywhere; compose starts it with {listed}"));
                return true;
            }
            said.left_out(format!(
                "{name}: started with profile {listed} alone; write it into `services` if it is released"
            ));
            false
        });
    }

    fn migrations<'a>(
        &'a self,
        ends: &[Once<'a>],
        own: &[&'a str],
        said: &mut Said,
    ) -> BTreeMap<&'a str, StarterMigration> {
        let mut found = BTreeMap::new();
        let folder = self.folder();
        let names: Vec<&str> = self.services.iter().map(|(name, _)| name.as_str()).collect();
        for one in ends {
            let Some(service) = self.service(one.name) else { continue };
            let shown = shortened(one.name);
            if !one.migrates {
                said.left_out(format!("{shown}: it runs once and ends; run it as before"));
                continue;
            }
            let (root, known) = (&self.root, &self.known);
            let mut reader = Reader { folder: &folder, root, known, services: &names, said };
            let migration = reader.migration(one.name, service);
            let mut before: Vec<&str> =
                one.before.iter().copied().filter(|name| own.contains(name)).collect();
            if let ([], [only]) = (before.as_slice(), own) {
                before.push(only);
            }
            let Some(migration) = migration.filter(|_| !before.is_empty()) else {
                said.left_out(format!(
                    "{shown}: it migrates and ends; write its command into `migrations` of what needs it"
                ));
                continue;
            };
            said.left_out(format!(
                "{shown}: it migrates and ends; a comment proposes `migrations` for {}",
                few(before.iter().map(|name| shortened(name)))
            ));
            for name in before {
                found.insert(name, migration.clone());
            }
        }
        found
    }

    /// What a person might miss that compose did between services.
    pub(super) fn say_order(&self, own: &[&str], said: &mut Said) {
        let waits = own.iter().filter(|name| {
            let on = self.service(name).and_then(|it| it.get("depends_on"));
            let on = on.map(|it| (it.texts(), it.entries().to_vec())).unwrap_or_default();
            own.iter().any(|other| {
                on.0.iter().any(|it| it == other) || on.1.iter().any(|(it, _)| it == other)
            })
        });
        let waiting: Vec<String> = waits.map(|name| shortened(name)).collect();
        if !waiting.is_empty() {
            said.left_out(format!(
                "depends_on of {}: services start in no order; each waits until what it needs answers",
                few(waiting)
            ));
        }
        let built = own.iter().filter(|name| {
            self.service(name).is_some_and(|service| service.get("build").is_some())
        });
        let built: Vec<String> = built.map(|name| shortened(name)).collect();
        if !built.is_empty() {
            said.left_out(format!(
                "the build of {}: build it before `towpath release create`",
                few(built)
            ));
        }
    }

    /// The variables whose values are known without a shell.
    fn plain_variables(&self, service: &Value) -> Vec<(String, String)> {
        let Some(given) = service.get("environment") else { return Vec::new() };
        let of_map =
            given.entries().iter().filter_map(|(key, value)| Some((key.clone(), value.text()?)));
        let of_list = given.items().iter().filter_map(Value::text);
        let pairs = of_list.filter_map(|text| {
            text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        });
        let filled = of_map
            .chain(pairs)
            .filter_map(|(name, value)| Some((name, fill(&value, &self.known).ok()?.text)));
        filled.collect()
    }
}
