//! Every fixture gives a starter that passes the check, and says what it comes from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use towpath_config::{
    StarterHealth, StarterInput, StarterMigration, StarterService, StarterTarget, StarterValue,
    starter,
};
use towpath_core::ids::Name;

use super::{Findings, FoundEnvironment, FoundLane, Said, Source, complete, read};
use crate::commands::init::guess::Guess;
use crate::exit_code::{CliError, ExitCode, Trouble};
use crate::wiring;

/// Where the fixtures are: tests of a package run in its folder.
fn fixture(name: &str) -> PathBuf {
    Path::new("fixtures/init").join(name)
}

fn guess() -> Guess {
    Guess {
        found: String::new(),
        project: Name::new("folder").unwrap(),
        project_from: "the folder's name",
        command: vec!["./start".to_owned()],
        command_from: None,
        port: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of several ways to choose")]
fn never(_: &[String]) -> Result<Option<usize>, CliError> {
    Ok(None)
}

fn found(source: Source, path: &Path) -> Findings {
    read(source, Some(path), &guess().project, &mut never)
        .unwrap_or_else(|error| panic!("{:?}", error.trouble()))
}

fn refused(source: Source, path: &Path) -> Trouble {
    read(source, Some(path), &guess().project, &mut never)
        .expect_err("it is refused")
        .trouble()
        .clone()
}

/// What is said and written, once it is right.
fn told(found: Findings) -> String {
    let (input, said) = complete(found, &guess());
    right(&input);
    let mut text = String::new();
    for (label, list) in
        [("read", &said.read), ("assumed", &said.assumed), ("not carried over", &said.left_out)]
    {
        for sentence in list {
            let _ = writeln!(text, "{label}: {sentence}");
        }
    }
    text + "\n" + &starter(&input)
}

fn right(input: &StarterInput) {
    let text = starter(input);
    let checked = towpath_config::parse("towpath.yaml", text.as_bytes(), &wiring::catalogue());
    assert_eq!(checked.errors, [], "{text}");
    assert_eq!(checked.warnings, [], "{text}");
}

fn temporary(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

#[test]
fn a_compose_service_for_each_environment_becomes_the_environments() {
    let found = found(Source::Compose, &fixture("compose-multienv"));
    insta::assert_snapshot!(told(found));
}

#[test]
fn compose_services_become_services_and_what_they_stand_on() {
    let found = found(Source::Compose, &fixture("compose-services"));
    insta::assert_snapshot!(told(found));
}

#[test]
fn everything_that_a_compose_file_says_is_carried_over_or_told() {
    let text = told(found(Source::Compose, &fixture("compose-whole")));
    for secret in ["room-of-music-1", "not-a-real-key"] {
        assert!(!text.contains(secret), "{secret} is a secret");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn functions_of_a_sam_template_have_the_limits_of_each_environment() {
    let text = told(found(Source::Sam, &fixture("sam")));
    assert!(!text.contains("not-a-real-secret"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn aliases_of_synthesised_functions_have_the_steps_of_their_deployment_groups() {
    insta::assert_snapshot!(told(found(Source::Cdk, &fixture("cdk-functions"))));
}

#[test]
fn stacks_that_cdk_synthesised_are_sorted_into_environments() {
    insta::assert_snapshot!(told(found(Source::Cdk, &fixture("cdk-out"))));
}

#[test]
fn without_a_synthesised_assembly_the_words_of_the_app_are_read_and_that_is_said() {
    insta::assert_snapshot!(told(found(Source::Cdk, &fixture("cdk-source"))));
}

#[test]
fn scripts_name_the_environments_and_the_compose_file_beside_them_says_the_rest() {
    insta::assert_snapshot!(told(found(Source::Scripts, &fixture("scripts"))));
}

#[test]
fn scripts_alone_say_environments_ports_and_what_is_asked() {
    insta::assert_snapshot!(told(found(Source::Scripts, &fixture("scripts-alone"))));
}

#[test]
fn variables_loops_and_sleeps_of_scripts_are_settings_starts_and_steps() {
    let text = told(found(Source::Scripts, &fixture("scripts-deploy")));
    assert!(!text.contains("not-a-real-key"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn scripts_that_name_no_environment_leave_the_usual_ones_and_a_folder_without_scripts_is_refused() {
    let one = temporary(&[("scripts/build.sh", "echo hello\n"), ("scripts/odd.sh", "case é in\n")]);
    let (input, said) = complete(found(Source::Scripts, one.path()), &guess());
    right(&input);
    assert_eq!(input.environments.len(), 3);
    assert!(said.left_out[0].ends_with("no two environments are named in one of them"), "{said:?}");
    let none = temporary(&[("readme", "")]);
    let trouble = refused(Source::Scripts, none.path());
    assert_eq!((trouble.code.as_str(), trouble.exit), ("source-not-found", ExitCode::NotFound));
}

#[test]
fn a_template_without_environments_or_resources_and_a_folder_without_an_app_are_told_apart() {
    let empty = temporary(&[("template.yaml", "Parameters: {}\n")]);
    let trouble = refused(Source::Sam, empty.path());
    assert_eq!((trouble.code.as_str(), trouble.exit), ("source-empty", ExitCode::Usage));
    assert_eq!(refused(Source::Cdk, empty.path()).code, "source-not-found");
    assert_eq!(refused(Source::Cdk, &empty.path().join("template.yaml")).code, "source-empty");
    let text = "Resources:\n  Handler: { Type: AWS::Serverless::Function, Properties: !Ref Odd }\n";
    let one = temporary(&[("template.yaml", text)]);
    let (input, said) = complete(found(Source::Sam, one.path()), &guess());
    right(&input);
    assert!(said.assumed.contains(&"environments dev, staging, production".to_owned()), "{said:?}");
    let wrong = temporary(&[("template.yaml", text), ("samconfig.toml", "[dev\n")]);
    let trouble = refused(Source::Sam, wrong.path());
    assert!(trouble.cause.unwrap().starts_with("this is not TOML: "));
    let wrong = temporary(&[("cdk.out/A.template.json", "{")]);
    assert!(refused(Source::Cdk, wrong.path()).cause.unwrap().starts_with("this is not JSON: "));
}

#[test]
fn a_compose_file_that_says_nothing_is_refused_with_the_reason() {
    for (text, cause) in [
        ("", "a compose file has a map `services:` with at least one entry"),
        ("services: {}\n", "a compose file has a map `services:` with at least one entry"),
        ("services: [a, b]\n", "a compose file has a map `services:` with at least one entry"),
        ("just a text\n", "a compose file has a map `services:` with at least one entry"),
    ] {
        let folder = temporary(&[("compose.yaml", text)]);
        let trouble = refused(Source::Compose, folder.path());
        assert_eq!(trouble.cause.as_deref(), Some(cause), "{text}");
        assert_eq!(trouble.code, "source-empty");
    }
    let folder = temporary(&[("compose.yaml", "services: [\n")]);
    let trouble = refused(Source::Compose, folder.path());
    assert_eq!(trouble.code, "source-unreadable");
    assert!(trouble.cause.unwrap().starts_with("this is not YAML: "));
}

#[test]
fn nothing_found_says_where_it_was_looked_and_two_candidates_are_named() {
    let folder = temporary(&[("compose.multienv.txt", "")]);
    let trouble = refused(Source::Compose, folder.path());
    assert_eq!(trouble.code, "source-not-found");
    assert!(trouble.cause.unwrap().contains(&folder.path().display().to_string()));
    let service = "services: { staging: { image: a }, production: { image: a } }\n";
    let folder =
        temporary(&[("docker-compose.yml", service), ("docker-compose.multienv.yml", service)]);
    let trouble = refused(Source::Compose, folder.path());
    assert_eq!(trouble.code, "source-ambiguous");
    assert_eq!(trouble.next.len(), 2);
    let mut choose = |files: &[String]| Ok(files.iter().position(|it| it.contains("multienv")));
    let found = read(Source::Compose, Some(folder.path()), &guess().project, &mut choose).unwrap();
    assert!(found.said.read[0].contains("multienv"), "{:?}", found.said);
}

#[test]
fn sources_that_lie_in_a_folder_are_offered_by_name() {
    let folder = temporary(&[
        ("compose.yaml", "services: {}\n"),
        ("infra/cdk.json", "{}"),
        ("scripts/deploy.sh", ""),
        ("scripts/readme.md", ""),
    ]);
    let offered = super::beside(folder.path());
    let said: Vec<String> = offered.iter().map(|(file, it)| format!("{it} {file}")).collect();
    assert_eq!(said, ["compose compose.yaml", "cdk infra/cdk.json", "scripts scripts/deploy.sh"]);
    assert_eq!(super::beside(temporary(&[]).path()), []);
}

#[test]
fn whatever_names_ports_and_commands_are_the_starter_is_right() {
    let odd = "services:
  'Ärger & Co':
    build: .
    command: ['../run', '{artifact:no}']
    ports: ['99999:1', '3000:80']
    healthcheck: { test: [CMD, curl, 'http://x/a b'], interval: 0s, retries: 1000 }
  ärger-co: { build: ., command: 'a\"b', ports: ['3000:80'] }
  '---': { image: x }
  nowhere: { image: '${NOWHERE}' }
  many: { image: \"a\\nb: c\", ports: [3000, 3000] }
";
    let folder = temporary(&[("compose.yaml", odd)]);
    let (input, said) = complete(found(Source::Compose, folder.path()), &guess());
    right(&input);
    assert_ne!(said, Said::default());
    let services: String = (0..300).fold("services:\n".to_owned(), |mut text, number| {
        let _ = writeln!(text, "  s{number}: {{ build: ., ports: ['{}:80'] }}", 65_000 + number);
        text
    });
    let folder = temporary(&[("compose.yaml", &services)]);
    let (input, said) = complete(found(Source::Compose, folder.path()), &guess());
    right(&input);
    assert_eq!(input.services.len(), 50);
    assert!(said.left_out.contains(&"250 services beyond the first 50".to_owned()));
}

#[test]
fn texts_that_are_too_long_for_a_matrix_are_left_out_and_said() {
    let long = "b".repeat(100_000);
    let words = format!("[{}]", vec!["a"; 2000].join(", "));
    let text = format!(
        "services:
  staging: {{ image: {long}, healthcheck: {{ test: [CMD, curl, 'http://x/{long}'] }} }}
  prod: {{ build: ., command: {words}, ports: ['1:1'] }}
  db: {{ image: postgres, environment: {{ POSTGRES_DB: {long} }} }}
"
    );
    let folder = temporary(&[("compose.yaml", &text)]);
    let (input, said) = complete(found(Source::Compose, folder.path()), &guess());
    right(&input);
    assert!(starter(&input).len() < 20_000);
    let left: Vec<&String> =
        said.left_out.iter().filter(|it| it.ends_with("too long, or no text")).collect();
    assert_eq!(left.len(), 2, "{said:?}");
}

#[test]
fn a_variable_that_no_process_could_have_is_left_out_and_said() {
    let text = "services:
  api: { build: ., ports: ['1:1'], environment: { LEVEL: \"in\\0fo\", 'A=B': c, 'no': on, GOOD: x } }
";
    let folder = temporary(&[("compose.yaml", text)]);
    let (input, said) = complete(found(Source::Compose, folder.path()), &guess());
    right(&input);
    let settings: Vec<_> = input.environments[0].lanes[0].settings.keys().cloned().collect();
    assert_eq!(settings, ["GOOD", "no"]);
    let left = |what: &str| said.left_out.iter().any(|it| it.contains(what));
    assert!(left("`A=B` of api") && left("LEVEL of api"), "{said:?}");
}

#[test]
fn that_copies_are_the_same_everywhere_and_ports_are_those_of_this_machine_is_said_once() {
    let assumed = |text: &str, what: &str| {
        let folder = temporary(&[("compose.yaml", text)]);
        let (_, said) = complete(found(Source::Compose, folder.path()), &guess());
        said.assumed.into_iter().filter(|it| it.contains(what)).collect::<Vec<_>>()
    };
    let text = "services:
  api: { build: ., ports: ['1:1'], scale: 2 }
  web: { build: ., ports: ['2:2'], deploy: { replicas: 3 } }
  job: { build: . }
";
    assert_eq!(assumed(text, "copies"), ["as many copies of api, web in all environments"]);
    assert_eq!(assumed(text, "127.0.0.1").len(), 1);
    let folder = temporary(&[
        ("compose.yaml", text),
        ("compose.prod.yaml", "services: { web: { scale: 9 } }"),
    ]);
    let (_, said) = complete(found(Source::Compose, folder.path()), &guess());
    assert!(said.assumed.contains(&"as many copies of api in all environments".to_owned()));
    let local = "services: { api: { build: ., ports: ['127.0.0.1:1:1'], expose: [2] } }";
    assert_eq!((assumed(local, "copies"), assumed(local, "127.0.0.1")), (vec![], vec![]));
}

#[test]
fn what_holds_a_secret_is_left_out_and_said_and_the_rest_is_written() {
    let text = "services:
  api:
    image: api
    command: [node, a.js, --password, '${WORD:-hunter1}']
    healthcheck: { test: [CMD, curl, 'http://x/ghp_0123456789abcdefghijABCDEFGHIJ012345'] }
  web: { build: ., command: 'node b.js --password hunter2', ports: ['80:80'] }
  run: { build: run, command: 'node c.js' }
  migrate: { build: ., command: [migrate, up, --password, hunter3] }
";
    let docker = "CMD [\"node\", \"d.js\", \"--password=hunter4\"]";
    let folder = temporary(&[("compose.yaml", text), ("Dockerfile", docker)]);
    let all = told(found(Source::Compose, folder.path()));
    for secret in ["hunter1", "hunter2", "hunter3", "hunter4", "ghp_"] {
        assert!(!all.contains(secret), "{secret} is a secret\n{all}");
    }
    assert!(all.contains("command: [node, c.js]"), "{all}");
    for what in ["the command of api", "the command of web", "the command of migrate", "the CMD of"]
    {
        assert!(all.contains(&format!("not carried over: {what}")), "{what}\n{all}");
    }
}

#[test]
fn no_text_that_the_check_takes_for_a_secret_gets_into_a_starter() {
    const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let words = || ["a", "--password", "hunter1"].map(str::to_owned).to_vec();
    let texts = || StarterValue::Texts(words());
    let migration = StarterMigration { command: words(), note: String::new() };
    let lane = FoundLane {
        target: Some(StarterTarget::Process(words())),
        details: [("command", texts()), ("stop_within", StarterValue::Text(TOKEN.to_owned()))]
            .into(),
        health: Some(StarterHealth::at(&format!("/{TOKEN}"))),
        settings: [("DB_PASSWORD".to_owned(), "hunter1".to_owned())].into(),
        migration: Some(migration),
        ..FoundLane::default()
    };
    let name = |text: &str| Name::new(text).unwrap();
    let mut environment = FoundEnvironment::called(name("dev"));
    environment.url = Some("https://app:hunter1@example.com".to_owned());
    environment.lanes.insert(name("api"), lane);
    let mut findings = Findings { environments: vec![environment], ..Findings::default() };
    findings.services.push(StarterService { name: name("api"), purpose: "It".to_owned() });
    findings.said.read("start command `a --password hunter1` from x");
    let all = told(findings);
    assert!(!all.contains("hunter1") && !all.contains(TOKEN), "{all}");
    let left = all.matches("a secret stands in it").count();
    assert_eq!(left, 7, "{all}");
}

/// Files of a fixture that are changed, and as what they are read.
const CHANGED: [(Source, &str, &str); 10] = [
    (Source::Scripts, "scripts-deploy/scripts", "deploy.sh"),
    (Source::Cdk, "cdk-functions/cdk.out", "Shop-Production.template.json"),
    (Source::Compose, "compose-whole", "compose.yaml"),
    (Source::Compose, "compose-whole", ".env.api"),
    (Source::Compose, "compose-multienv", "docker-compose.multienv.yml"),
    (Source::Compose, "compose-services", "compose.yaml"),
    (Source::Sam, "sam", "template.yaml"),
    (Source::Sam, "sam", "samconfig.toml"),
    (Source::Cdk, "cdk-out/cdk.out", "manifest.json"),
    (Source::Scripts, "scripts-alone", "soundbite.sh"),
];

#[test]
fn a_damaged_file_is_refused_or_gives_a_starter_that_is_right() {
    let (mut refusals, mut starters) = (0, 0);
    for (source, folder, name) in CHANGED {
        let own = temporary(&[]);
        for entry in std::fs::read_dir(fixture(folder)).unwrap().flatten() {
            std::fs::copy(entry.path(), own.path().join(entry.file_name())).unwrap();
        }
        let text = std::fs::read(fixture(folder).join(name)).unwrap();
        // The generator of Knuth's MMIX; any would do.
        let mut state: u64 = 1;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..60 {
            let mut changed = text.clone();
            for _ in 0..=next(3) {
                let place = next(changed.len());
                match next(4) {
                    0 => changed.truncate(place.max(1)),
                    1 => changed[place] = b"{}[]:|-&*!'\"$\n\t a9\xc3\0"[next(20)],
                    2 => drop(changed.remove(place)),
                    _ => changed.insert(place, b"{}[]:|-&*!'\"$\n\t a9"[next(18)]),
                }
                if changed.len() < 2 {
                    changed = text.clone();
                }
            }
            std::fs::write(own.path().join(name), changed).unwrap();
            match read(source, Some(own.path()), &guess().project, &mut never) {
                Ok(found) => {
                    right(&complete(found, &guess()).0);
                    starters += 1;
                }
                Err(error) => {
                    assert!(!error.trouble().next.is_empty());
                    refusals += 1;
                }
            }
        }
    }
    assert!(refusals > 20 && starters > 100, "{refusals} refused, {starters} right");
}
