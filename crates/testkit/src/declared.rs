//! Matrices and releases from a few words, for tests. Reads no YAML and checks little: the real
//! matrix file belongs to the config crate.

mod people;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use towpath_core::calendar::Calendar;
use towpath_core::change_types::TypeRules;
use towpath_core::debts::Owes;
use towpath_core::guarding::GuardRules;
use towpath_core::ids::{Digest, LaneId, Name, Person, Version};
use towpath_core::matrix::{
    AdapterSpec, CheckSpec, DEFAULT_HOLD_LIMIT, DEFAULT_LEASE, Decider, Environment, Gate, Health,
    HoldbackRule, LaneSpec, Matrix, OnBlind, OnLapse, Predecessors, RollbackPolicy, Rollout,
    Service, Signal, Step, Strategy, Supersede, Tier, Unenforced,
};
use towpath_core::notices::NotifyRules;
use towpath_core::release::{Artifact, ArtifactForm, ChangeType, Migration, Release};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{DEFAULT_MINIMUM_SAMPLE, LatencyLimit, Limits, Quantile};

mod calendar;

pub(crate) use calendar::{moment, of_moment, types};

/// The service of a matrix that names none.
pub const ONLY_SERVICE: &str = "app";

/// Reads lines such as `staging: after dev, steps 10%/5m 100%/10m, check soak`. A line
/// `services: api web` names the services, all of which are declared alike; one `people: ada developer;
/// bob qa` says who we are.
///
/// # Errors
/// One sentence that names the line or word which is not understood.
pub fn matrix(text: &str) -> Result<Matrix, String> {
    let mut services = vec![name(ONLY_SERVICE)?];
    let (mut environments, mut people) = (Vec::new(), BTreeMap::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, rest) = line.split_once(':').ok_or_else(|| format!("no `:` in `{line}`"))?;
        if key == "services" {
            services = rest.split_whitespace().map(name).collect::<Result<_, _>>()?;
            continue;
        }
        if key == "people" {
            people = people::people(rest)?;
            continue;
        }
        environments.push(environment(key, rest, &services)?);
    }
    let services = services.into_iter().map(|name| (name, Service::default())).collect();
    Ok(Matrix {
        project: name("project")?,
        services,
        environments,
        people,
        who_may: BTreeMap::new(),
        approvals: Vec::new(),
        notifiers: BTreeMap::new(),
        audit: towpath_core::matrix::AuditRules::default(),
        declared: BTreeMap::new(),
    })
}

/// `SERVICE/ENVIRONMENT`, or the environment of [`ONLY_SERVICE`] alone.
///
/// # Errors
/// One sentence when it is neither.
pub fn lane(text: &str) -> Result<LaneId, String> {
    let full = if text.contains('/') { text.to_owned() } else { format!("{ONLY_SERVICE}/{text}") };
    LaneId::try_from(full).map_err(|error| error.to_string())
}

/// A name.
///
/// # Errors
/// One sentence when it is none.
pub fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

/// What makes one release differ from another in a test.
#[derive(Clone, Debug, Default)]
pub struct ReleaseWords {
    /// What its content is made from; releases with the same word share a digest.
    pub content: String,
    /// What kind of change it is.
    pub change_type: ChangeType,
    /// Who wrote it.
    pub author: Option<Person>,
    /// Whether going back from it would lose data.
    pub irreversible: bool,
    /// Whether it was taken from a working tree.
    pub snapshot: bool,
    /// Who created it, where that is to count.
    pub creator: Option<Person>,
    /// Settings that come with it.
    pub settings: BTreeMap<String, String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
}

/// A release of `service` with one artefact.
///
/// # Errors
/// One sentence when `version` is no version.
pub fn release(
    service: &Name,
    version: &str,
    words: &ReleaseWords,
    created_at: Timestamp,
) -> Result<Release, String> {
    let digest = Digest::of(words.content.as_bytes());
    let artifact = Artifact {
        digest,
        form: ArtifactForm::File,
        source: "a test".to_owned(),
        size: words.content.len() as u64,
    };
    let artifacts = BTreeMap::from([(name("program")?, artifact)]);
    let migrations = if words.irreversible {
        let digest = Digest::of(b"drop column");
        vec![Migration { name: "0001-drop".to_owned(), digest, reversible: false }]
    } else {
        Vec::new()
    };
    let settings = words.settings.clone();
    Ok(Release {
        service: service.clone(),
        version: Version::new(version).map_err(|error| error.to_string())?,
        digest: Release::content_digest(&artifacts, &settings, &migrations),
        artifacts,
        settings,
        migrations,
        commit: words.commit.clone(),
        branch: None,
        author: words.author.clone(),
        change_type: words.change_type,
        type_by: None,
        evidence: std::collections::BTreeMap::new(),
        snapshot: words.snapshot,
        created_by: words.creator.clone(),
        behind: Vec::new(),
        created_at,
    })
}

fn environment(key: &str, words: &str, services: &[Name]) -> Result<Environment, String> {
    let mut environment = Environment {
        name: name(key)?,
        tier: Tier::Development,
        title: None,
        purpose: None,
        url: None,
        after: Predecessors::Root,
        promote: Decider::Manual,
        notify: NotifyRules::default(),
        promises: Vec::new(),
        lanes: BTreeMap::new(),
        who_may: BTreeMap::new(),
        declared: BTreeMap::new(),
    };
    let mut lane = plain_lane()?;
    for item in words.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (word, rest) = item.split_once(' ').unwrap_or((item, ""));
        let known = environment_word(&mut environment, word, rest.trim())?
            || gate_word(&mut lane, word, rest.trim())?
            || rollout_word(&mut lane.rollout, word, rest.trim())?
            || lane_word(&mut lane, word, rest.trim())?
            || type_word(&mut lane, word, rest.trim())?
            || agreed_word(&mut lane, environment.tier, word, rest.trim())?;
        if !known {
            return Err(format!("`{item}` is not known in a matrix"));
        }
    }
    if environment.tier == Tier::Production && !words.contains("on_blind") {
        lane.rollout.on_blind = OnBlind::Rollback;
    }
    environment.lanes = services.iter().map(|name| (name.clone(), lane.clone())).collect();
    Ok(environment)
}

fn plain_lane() -> Result<LaneSpec, String> {
    Ok(LaneSpec {
        target: adapter("model"),
        router: Some(adapter("model")),
        instances: 1,
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
        health: Health {
            every: None,
            timeout: Span::seconds(5),
            retries: 3,
            endpoints: Vec::new(),
        },
        gate: Gate::default(),
        approvals: None,
        change_types: BTreeMap::new(),
        branches: Vec::new(),
        owes: None,
        rollout: Rollout {
            strategy: Strategy::BlueGreen,
            steps: steps("10%/1m 100%/1m")?,
            proof_required: false,
            hold_limit: DEFAULT_HOLD_LIMIT,
            on_blind: OnBlind::Pause,
            on_lapse: OnLapse::Resume,
            lease: DEFAULT_LEASE,
            rescue: None,
            mirror: None,
            harm_budget: None,
        },
        standby: Span::ZERO,
        holdback: None,
        rollback: RollbackPolicy {
            mode: Decider::Automatic,
            within: None,
            limits: Limits {
                error_rate: Some(0.05),
                latency: Vec::new(),
                minimum_sample: DEFAULT_MINIMUM_SAMPLE,
            },
            signals: Signal::ALL.to_vec(),
            alarms: Vec::new(),
        },
        guard: GuardRules::default(),
        calendar: Calendar::default(),
        supersede: Supersede::Newest,
        hotfix_preempts: false,
        unenforced: Vec::new(),
    })
}

fn adapter(kind: &str) -> AdapterSpec {
    AdapterSpec { kind: kind.to_owned(), settings: Value::Null }
}

fn environment_word(to: &mut Environment, word: &str, rest: &str) -> Result<bool, String> {
    let names = || rest.split_whitespace().map(name).collect::<Result<Vec<_>, _>>();
    match word {
        "root" => to.after = Predecessors::Root,
        "after" => to.after = Predecessors::All(names()?),
        "after_any" => to.after = Predecessors::Any(names()?),
        "automatic" => to.promote = Decider::Automatic,
        "tier" => {
            to.tier = match rest {
                "development" => Tier::Development,
                "testing" => Tier::Testing,
                "staging" => Tier::Staging,
                "production" => Tier::Production,
                other => return Err(format!("`{other}` is not a tier")),
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn gate_word(to: &mut LaneSpec, word: &str, rest: &str) -> Result<bool, String> {
    match word {
        "check" => to.gate.prerequisites.push(check(rest, Weight::ZERO)),
        "validate" => {
            let (slug, at) = rest.split_once(" at ").unwrap_or((rest, "0%"));
            to.gate.validation.push(check(slug, at.trim().parse()?));
        }
        "unenforced" => to.unenforced.push(Unenforced {
            path: rest.to_owned(),
            reason: "it is planned".to_owned(),
            refuses: true,
        }),
        _ => return Ok(false),
    }
    Ok(true)
}

/// `SLUG`, or `SLUG by ROLE` of a word that somebody with the role has to give.
fn check(text: &str, at: Weight) -> CheckSpec {
    let (slug, role) =
        text.split_once(" by ").map_or((text, None), |(slug, role)| (slug, Some(role)));
    let slug = slug.trim().to_owned();
    // What passes by time alone, and what a person answers, is known by its kind.
    let kind = match slug.as_str() {
        "soak" => "soak",
        "attested" => "attested",
        _ => "model",
    };
    CheckSpec {
        title: slug.replace('-', " "),
        slug,
        check: AdapterSpec {
            settings: role.map_or(Value::Null, |role| json!({ "by": role.trim() })),
            ..adapter(kind)
        },
        timeout: Span::minutes(1),
        at,
    }
}

fn rollout_word(to: &mut Rollout, word: &str, rest: &str) -> Result<bool, String> {
    match (word, rest) {
        ("steps", _) => to.steps = steps(rest)?,
        ("adaptive", "") => to.strategy = Strategy::Adaptive,
        ("harm", _) => {
            to.harm_budget = Some(rest.parse().map_err(|_| format!("`{rest}` requests"))?);
        }
        ("proof", "required") => to.proof_required = true,
        ("hold", _) => to.hold_limit = rest.parse()?,
        ("lease", _) => to.lease = rest.parse()?,
        ("on_blind", "rollback") => to.on_blind = OnBlind::Rollback,
        ("on_blind", "pause") => to.on_blind = OnBlind::Pause,
        ("on_lapse", "resume") => to.on_lapse = OnLapse::Resume,
        ("on_lapse", "pause") => to.on_lapse = OnLapse::Pause,
        ("on_lapse", "rollback") => to.on_lapse = OnLapse::Rollback,
        _ => return Ok(false),
    }
    Ok(true)
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let step = |part: &str| {
        let (weight, bake) =
            part.split_once('/').ok_or_else(|| format!("`{part}` is not WEIGHT[+MIRROR]/BAKE"))?;
        let (weight, mirror) = match weight.split_once('+') {
            Some((weight, mirror)) => (weight, Some(mirror.parse()?)),
            None => (weight, None),
        };
        let (least, most) = bake.split_once("..").unwrap_or((bake, bake));
        Ok(Step {
            weight: weight.parse()?,
            mirror,
            bake_min: least.parse()?,
            bake_max: most.parse()?,
        })
    };
    text.split_whitespace().map(step).collect()
}

fn lane_word(to: &mut LaneSpec, word: &str, rest: &str) -> Result<bool, String> {
    match (word, rest) {
        ("instances", _) => {
            to.instances = rest.parse().map_err(|_| format!("`{rest}` instances"))?;
        }
        ("setting", _) => {
            let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
            to.settings.insert(key.to_owned(), value.to_owned());
        }
        ("standby", _) => to.standby = rest.parse()?,
        ("holdback", _) => to.holdback = Some(holdback(rest, to.standby)?),
        ("slower", _) => to.rollback.limits.latency.push(slower(rest)?),
        ("rollback", "automatic") => to.rollback.mode = Decider::Automatic,
        ("rollback", "manual") => to.rollback.mode = Decider::Manual,
        ("no", "router") => to.router = None,
        ("no", "signals") => to.rollback.signals.clear(),
        ("queue", "") => to.supersede = Supersede::Queue,
        ("hotfix", "preempts") => to.hotfix_preempts = true,
        ("window", _) => to.calendar.windows.push(calendar::window(rest)?),
        ("freeze", _) => to.calendar.freezes.push(calendar::freeze(rest)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// `by 20%` than blue, or `than 900ms`: both of the p99.
fn slower(text: &str) -> Result<LatencyLimit, String> {
    let p99 = Quantile(99);
    match text.split_once(' ') {
        Some(("by", share)) => {
            let share: Weight = share.parse()?;
            Ok(LatencyLimit::Factor(p99, 1.0 + f64::from(share.basis_points()) / 10_000.0))
        }
        Some(("than", most)) => {
            let most: Span = most.parse()?;
            Ok(LatencyLimit::AtMost(p99, most.milliseconds() * 1000))
        }
        _ => Err(format!("`{text}` is neither `by SHARE` nor `than SPAN`")),
    }
}

/// `type hotfix skips staging`, `type hotfix from main`, `type configuration steps 50%/1m 100%/1m`; the lane's own steps before it.
fn type_word(to: &mut LaneSpec, word: &str, rest: &str) -> Result<bool, String> {
    if word != "type" {
        return Ok(false);
    }
    let mut words = rest.splitn(3, ' ');
    let (of, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let of_type = ChangeType::ALL.into_iter().find(|one| one.as_str() == of);
    let of_type = of_type.ok_or_else(|| format!("`{of}` is not a type of change"))?;
    let shared = to.rollout.clone();
    let rules = to.change_types.entry(of_type).or_default();
    let rest = words.next().unwrap_or_default();
    match what {
        "skips" => rules.skip = rest.split_whitespace().map(name).collect::<Result<_, _>>()?,
        "steps" => rules.rollout = Some(Rollout { steps: steps(rest)?, ..shared }),
        "from" => rules.asks.push(check(&format!("made-from-{rest}"), Weight::ZERO)),
        "reviewed" => owes(rules).review_within = Some(rest.parse()?),
        "backported" => owes(rules).backport_to = Some(rest.to_owned()),
        "blocks" => {
            let words = rest.split_whitespace();
            let known = |word| ChangeType::ALL.into_iter().find(|one| one.as_str() == word);
            owes(rules).blocks = words.filter_map(known).collect();
        }
        other => return Err(format!("`{other}` is nothing that a type of change says")),
    }
    Ok(true)
}

fn owes(rules: &mut TypeRules) -> &mut Owes {
    rules.owes.get_or_insert_default()
}

/// `approvals feature developer 2 business 1`; the tier stands before it.
fn agreed_word(to: &mut LaneSpec, tier: Tier, word: &str, rest: &str) -> Result<bool, String> {
    if word != "approvals" {
        return Ok(false);
    }
    people::rule(&mut to.approvals, tier, rest)?;
    Ok(true)
}

/// `5%` for as long as the standby before it, or `5% for 10m`.
fn holdback(text: &str, standby: Span) -> Result<HoldbackRule, String> {
    let (share, lasts) = match text.split_once(" for ") {
        Some((share, lasts)) => (share, lasts.parse()?),
        None => (text, standby),
    };
    Ok(HoldbackRule { share: share.parse()?, lasts })
}
