//! The demo's matrix and releases. Declares only what is enforced.

use std::net::SocketAddr;

/// The five environments, in the order of the pipeline.
pub(super) const ENVIRONMENTS: [&str; 5] =
    ["dev-localstack", "dev-aws", "dev-aws-deployed", "staging", "production"];

/// How many times faster declared durations run.
pub(super) const SPEED: u32 = 60;

/// One release of the story.
pub(super) struct Chapter {
    /// Its version.
    pub(super) version: &'static str,
    /// Settings that come with it.
    pub(super) settings: &'static [(&'static str, &'static str)],
    /// Where it is caught; none when it goes all the way.
    pub(super) caught_in: Option<&'static str>,
    /// Told at the end of a release that was caught, after what the guard says.
    pub(super) moral: &'static str,
}

/// The story, in order.
pub(super) const CHAPTERS: [Chapter; 5] = [
    Chapter { version: "1.0.0", settings: &[], caught_in: None, moral: "" },
    Chapter { version: "1.1.0", settings: &[("TTS_VOICE", "bea")], caught_in: None, moral: "" },
    Chapter {
        version: "1.2.0",
        settings: &[("FAIL_RATE", "0.2"), ("FAIL_WHEN", "AUDIO_CACHE=cluster")],
        caught_in: Some("production"),
        moral: "It fails only with AUDIO_CACHE=cluster, a setting that only production has. The four \
                environments below could not see it.",
    },
    Chapter { version: "1.3.0", settings: &[("AUDIO_BITRATE", "96")], caught_in: None, moral: "" },
    Chapter {
        version: "1.4.0",
        settings: &[("LATENCY_MS", "120"), ("LATENCY_WHEN", "NODE_ENV=staging")],
        caught_in: Some("staging"),
        moral: "It is slow as soon as it has staging's settings, and was caught there. Production \
                never met it.",
    },
];

/// The matrix, with one address for each environment.
pub(super) fn text(addresses: &[SocketAddr; 5]) -> String {
    let mut text = include_str!("towpath.yaml").to_owned();
    for (place, address) in ["A", "B", "C", "D", "E"].iter().zip(addresses) {
        text = text.replace(&format!("LISTEN-{place}"), &address.to_string());
    }
    text
}
