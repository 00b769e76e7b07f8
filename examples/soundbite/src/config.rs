//! Everything the service is told from outside, read once at the start from environment
//! variables. All problems are reported together; nothing is looked up later.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use crate::faults::Faults;
use crate::log::Level;

/// What the service runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on: `HOST`, by default 127.0.0.1.
    pub host: IpAddr,
    /// Port to listen on: `PORT`, required; 0 lets the system choose.
    pub port: u16,
    /// Version that answers carry: `RELEASE`, else `TOWPATH_RELEASE`, else `unreleased`.
    pub release: String,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
}

/// What the environments differ in, apart from faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `NODE_ENV`, by default `development`.
    pub(crate) node_env: String,
    /// `LOG_LEVEL`: debug, info, warn or error; by default info.
    pub(crate) log_level: Level,
    /// `AUDIO_CACHE`: `none` makes every audio anew; any other name keeps the latest in memory.
    /// The name is shown, so that environments can differ in it; by default `memory`.
    pub(crate) audio_cache: String,
    /// `AUDIO_BITRATE` in kbit/s, [`BITRATE_MIN_KBPS`] to [`BITRATE_MAX_KBPS`]; by default 64.
    pub(crate) audio_bitrate_kbps: u32,
    /// `TTS_VOICE`, which sets the pitch; by default `ada`.
    pub(crate) tts_voice: String,
}

/// 4,000 samples of one byte per second: telephone tones can still be told apart.
const BITRATE_MIN_KBPS: u32 = 32;

/// 32,000 samples of one byte per second; keeps the longest audio below 400 KiB.
const BITRATE_MAX_KBPS: u32 = 256;

/// Longest value of a variable, in bytes; values are shown in answers.
const VALUE_BYTES_MAX: usize = 128;

/// A variable that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with its value and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.variable, self.message)
    }
}

impl Config {
    /// Reads the process's own environment.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn from_environment() -> Result<Self, Vec<Problem>> {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    /// Reads the variables that `lookup` knows. Empty values count as not set.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn from_variables(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Problem>> {
        let mut variables = Variables { lookup, problems: Vec::new() };
        let config = Self {
            host: variables.parsed("HOST", "an IP address").unwrap_or(Ipv4Addr::LOCALHOST.into()),
            port: variables.required("PORT", "a number from 0 to 65535"),
            release: variables.release(),
            settings: Settings::read(&mut variables),
            faults: Faults::read(&mut variables),
        };
        if variables.problems.is_empty() { Ok(config) } else { Err(variables.problems) }
    }
}

impl Settings {
    fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            node_env: variables.text("NODE_ENV", "development"),
            log_level: variables
                .parsed("LOG_LEVEL", "debug, info, warn or error")
                .unwrap_or(Level::Info),
            audio_cache: variables.text("AUDIO_CACHE", "memory"),
            audio_bitrate_kbps: variables.bitrate(),
            tts_voice: variables.text("TTS_VOICE", "ada"),
        }
    }
}

/// Variables being read, with the problems met so far.
pub(crate) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl Variables<'_> {
    /// The value of any variable, without judging it.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A value of the type asked for; one that is none is a problem and counts as not set.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let value = self.value(name)?;
        let parsed = value.trim().parse().ok();
        if parsed.is_none() {
            self.refuse(name, format!("`{value}` is not {expected}"));
        }
        parsed
    }

    /// Whether a switch is on: `1` or `true`, against `0` or `false`.
    pub(crate) fn switch(&mut self, name: &'static str) -> bool {
        match self.value(name).as_deref() {
            Some("1" | "true") => true,
            Some("0" | "false") | None => false,
            Some(other) => {
                let message = format!("`{other}` is neither 1 nor 0");
                self.refuse(name, message);
                false
            }
        }
    }

    /// Notes a problem.
    pub(crate) fn refuse(&mut self, variable: &'static str, message: String) {
        self.problems.push(Problem { variable, message });
    }

    fn required<T: FromStr + Default>(&mut self, name: &'static str, expected: &str) -> T {
        if self.value(name).is_none() {
            self.refuse(name, format!("is not set; it takes {expected}"));
        }
        self.parsed(name, expected).unwrap_or_default()
    }

    fn text(&mut self, name: &'static str, default: &str) -> String {
        let value = self.value(name).unwrap_or_else(|| default.to_owned());
        if value.len() > VALUE_BYTES_MAX
            || value.contains(|letter: char| !letter.is_ascii_graphic())
        {
            let message = format!("takes up to {VALUE_BYTES_MAX} printable ASCII characters");
            self.refuse(name, message);
        }
        value
    }

    fn release(&mut self) -> String {
        let inherited = self.text("TOWPATH_RELEASE", "unreleased");
        self.text("RELEASE", &inherited)
    }

    fn bitrate(&mut self) -> u32 {
        const NAME: &str = "AUDIO_BITRATE";
        let value = self.value(NAME).unwrap_or_else(|| "64".to_owned());
        let allowed = BITRATE_MIN_KBPS..=BITRATE_MAX_KBPS;
        let number = value.trim_end_matches('k').parse().ok();
        number.filter(|kbps| allowed.contains(kbps)).unwrap_or_else(|| {
            let (min, max) = (BITRATE_MIN_KBPS, BITRATE_MAX_KBPS);
            self.refuse(NAME, format!("`{value}` is not between {min} and {max} kbit/s"));
            min
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    /// A configuration from `NAME=value` pairs; `PORT` is 0 unless given.
    pub(crate) fn config(pairs: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::from_variables(&|name| {
            let given =
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
            given.or_else(|| (name == "PORT").then(|| "0".into()))
        })
    }

    #[test]
    fn defaults_are_those_of_a_development_machine() {
        let config = config(&[]).unwrap();
        assert!(config.host.is_loopback());
        assert_eq!(config.release, "unreleased");
        assert_eq!(config.settings.audio_bitrate_kbps, 64);
        assert_eq!(config.settings.log_level, Level::Info);
    }

    #[test]
    fn the_own_release_wins_over_the_one_of_the_promotion() {
        let both = [("RELEASE", "1.2.0"), ("TOWPATH_RELEASE", "1.1.0")];
        assert_eq!(config(&both).unwrap().release, "1.2.0");
        assert_eq!(config(&both[1..]).unwrap().release, "1.1.0");
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let problems = config(&[
            ("PORT", "70000"),
            ("LOG_LEVEL", "loud"),
            ("AUDIO_BITRATE", "9000"),
            ("FAIL_RATE", "2"),
            ("HEALTH_FAIL", "maybe"),
        ])
        .unwrap_err();
        let variables: Vec<_> = problems.iter().map(|problem| problem.variable).collect();
        assert_eq!(variables, ["PORT", "LOG_LEVEL", "AUDIO_BITRATE", "FAIL_RATE", "HEALTH_FAIL"]);
        assert_eq!(problems[0].to_string(), "PORT: `70000` is not a number from 0 to 65535");
    }

    #[test]
    fn a_missing_port_is_refused() {
        let problems = Config::from_variables(&|_| None).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().starts_with("PORT: is not set"), "{}", problems[0]);
    }

    #[test]
    fn the_readme_names_every_variable() {
        let readme = include_str!("../README.md");
        let asked = RefCell::new(BTreeSet::new());
        let _ = Config::from_variables(&|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        });
        assert!(asked.borrow().len() > 15);
        for name in asked.into_inner() {
            assert!(readme.contains(&format!("`{name}`")), "README.md does not name {name}");
        }
    }
}
