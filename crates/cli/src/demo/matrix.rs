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
    let [localstack, aws, deployed, staging, production] = addresses;
    format!(
        r#"# SoundBite's promotion matrix, as the demo runs it: five environments on one machine,
# {SPEED} times faster than declared.
version: 1
project: soundbite

services:
  api: {{ purpose: Takes text in and hands out audio jobs }}

defaults:
  all:
    target: {{ kind: process, command: ["{{artifact}}"] }}
    settings: {{ AUDIO_CACHE: memory, LOG_LEVEL: warn }}
  development:
    settings: {{ NODE_ENV: development }}
    rollout: {{ strategy: all-at-once }}

environments:
  dev-localstack:
    tier: development
    router: {{ kind: towpath, listen: {localstack} }}
    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }}

  dev-aws:
    after: dev-localstack
    tier: development
    router: {{ kind: towpath, listen: {aws} }}
    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [/health, /aws] }}
    gate:
      validation:
        - {{ check: http, name: AWS services accessible, url: "{{green}}/aws", expect: 200 }}

  dev-aws-deployed:
    after: dev-aws
    tier: development
    router: {{ kind: towpath, listen: {deployed} }}
    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [/health, /aws, /metrics] }}
    gate:
      validation:
        - {{ check: http, name: Application responding, url: "{{green}}/ready", expect: 200 }}

  staging:
    after: dev-aws-deployed
    promote: automatic
    tier: staging
    target: {{ instances: 2 }}
    settings: {{ NODE_ENV: staging }}
    router: {{ kind: towpath, listen: {staging} }}
    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [/health, /aws, /metrics, /status] }}
    gate:
      validation:
        - {{ check: http, name: Staging environment ready, url: "{{green}}/ready", expect: 200 }}
    rollout:
      strategy: blue-green
      steps:
        - {{ weight: 25%,  bake: 2m }}
        - {{ weight: 100%, bake: 1m }}
    standby: 1h
    rollback:
      mode: automatic
      when: {{ error_rate: "> 5%", latency_p99: "+20%", signals: [security-incident, business-impact] }}

  production:
    after: staging
    tier: production
    target: {{ instances: 2 }}
    # The one setting that no other environment has.
    settings: {{ NODE_ENV: production, AUDIO_CACHE: cluster }}
    router: {{ kind: towpath, listen: {production} }}
    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [/health, /aws, /metrics, /status, /ready] }}
    gate:
      prerequisites:
        - {{ check: soak, name: Staging is stable, in: staging, for: 1m, error_rate: "< 5%" }}
      validation:
        - {{ check: http, name: Production environment ready, url: "{{green}}/ready", expect: 200 }}
        - {{ check: http, name: Monitoring configured, url: "{{green}}/metrics", expect: 200 }}
    rollout:
      strategy: blue-green
      steps:
        - {{ weight: 10%,  bake: 3m }}
        - {{ weight: 50%,  bake: 2m }}
        - {{ weight: 100%, bake: 2m }}
      on_blind: rollback
    standby: 24h
    rollback:
      mode: automatic
      when: {{ error_rate: "> 5%", latency_p99: "+20%", signals: [security-incident, business-impact] }}
"#
    )
}
