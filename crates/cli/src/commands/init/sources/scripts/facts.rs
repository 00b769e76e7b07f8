//! What scripts say of one environment, and how that becomes a lane. Owns which of several facts is
//! believed: the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use towpath_config::{StarterHealth, StarterSecret};
use towpath_core::units::Span;

use super::super::findings::FoundLane;
use super::super::foreign::shown;
use super::super::names::{few, listed};
use super::shell::Fact;

/// Most paths that are asked of one service.
const MOST_ENDPOINTS: usize = 10;

/// What stands under one environment, or under none, and in which file.
#[derive(Default)]
pub(super) struct Facts {
    port: Option<(u16, PathBuf)>,
    paths: Vec<String>,
    paths_from: Option<PathBuf>,
    timeout: Option<u64>,
    pub(super) url: Option<(String, PathBuf)>,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, StarterSecret>,
}

impl Facts {
    /// Adds a fact that stands in `file`.
    pub(super) fn take(&mut self, fact: &Fact, file: &Path) {
        match fact {
            Fact::Port(port) => {
                self.port.get_or_insert_with(|| (*port, file.to_owned()));
            }
            Fact::Path(path) => {
                if self.paths.len() < MOST_ENDPOINTS && !self.paths.contains(path) {
                    self.paths.push(path.clone());
                    self.paths_from.get_or_insert_with(|| file.to_owned());
                }
            }
            Fact::Timeout(seconds) => {
                self.timeout.get_or_insert(*seconds);
            }
            Fact::Url(url) => {
                self.url.get_or_insert_with(|| (url.clone(), file.to_owned()));
            }
            Fact::Setting(name, value) => {
                self.settings.entry(name.clone()).or_insert_with(|| value.clone());
            }
            Fact::Secret(name) => {
                self.secrets.insert(name.clone(), StarterSecret::Variable);
            }
        }
    }

    /// Fills what the lane does not say; answers the sentences about it.
    pub(super) fn into_lane(self, lane: &mut FoundLane, whose: &str) -> Vec<String> {
        let mut sentences = Vec::new();
        if let (None, Some((port, file))) = (lane.port, self.port) {
            lane.port = Some(port);
            sentences.push(format!("port {port}{whose} from {}", shown(&file)));
        }
        if lane.health.is_none()
            && let Some((path, file)) = self.paths.first().zip(self.paths_from)
        {
            let mut health = StarterHealth::at(path);
            health.endpoints.clone_from(&self.paths);
            health.timeout = self.timeout.map_or(health.timeout, Span::seconds);
            lane.health = Some(health);
            let paths = listed(&self.paths);
            sentences.push(format!("health {paths}{whose} from the calls in {}", shown(&file)));
        }
        if !self.settings.is_empty() {
            sentences.push(format!("settings{whose}: {}", few(self.settings.keys())));
        }
        if !self.secrets.is_empty() {
            let names = few(self.secrets.keys());
            sentences.push(format!("secrets{whose}, by name alone: {names}"));
        }
        for (name, value) in self.settings {
            lane.settings.entry(name).or_insert(value);
        }
        for (name, secret) in self.secrets {
            lane.secrets.entry(name).or_insert(secret);
        }
        // What holds a secret somewhere is no setting elsewhere.
        lane.settings.retain(|name, _| !lane.secrets.contains_key(name));
        sentences
    }
}
