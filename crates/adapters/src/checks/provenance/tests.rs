//! Statements as builders sign them, and such as nobody may pass off as one.

mod forged;
mod logged;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;
use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass};
use towpath_core::ids::Digest;

use super::*;
use crate::question::testing::{Evidence, problems};
use crate::reports::testing::ask_with;

const ARTIFACT: &[u8] = b"the program";
const TYPE: &str = "application/vnd.in-toto+json";

/// Who signs in tests: Ed25519, or ECDSA on P-256.
enum Signer {
    Edwards(Ed25519KeyPair),
    Nist(EcdsaKeyPair),
}

impl Signer {
    fn edwards(seed: u8) -> Self {
        Self::Edwards(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn nist() -> Self {
        Self::Nist(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Edwards(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Nist(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }

    /// The public key as it is written to files.
    fn pem(&self) -> String {
        let (prefix, bytes) = match self {
            Self::Edwards(pair) => (keys::ED25519, pair.public_key().as_ref()),
            Self::Nist(pair) => (keys::P256, pair.public_key().as_ref()),
        };
        let whole = [prefix, bytes].concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(whole)
        )
    }
}

fn known() -> Evidence {
    Evidence {
        artifacts: vec![("program", ARTIFACT)],
        commit: Some("c0ffee".repeat(6) + "abcd"),
        ..Evidence::default()
    }
}

/// Of SLSA 1, as it should be.
fn statement() -> Value {
    let commit = "c0ffee".repeat(6) + "abcd";
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "program", "digest": { "sha256": Digest::of(ARTIFACT).hex() } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://ci.example.com/build/v1",
                "externalParameters": { "source": "git+https://git.example.com/shop/api@refs/heads/main" },
                "resolvedDependencies": [
                    { "uri": "git+https://git.example.com/shop/api@refs/heads/main", "digest": { "gitCommit": commit } },
                    { "uri": "pkg:docker/rust@1.95" },
                ],
            },
            "runDetails": {
                "builder": { "id": "https://ci.example.com/builder@v1" },
                // Two hours before the question.
                "metadata": { "invocationId": "17", "finishedOn": "1970-01-05T02:00:00Z" },
            },
        },
    })
}

/// The same of SLSA 0.2.
fn older() -> Value {
    let uri = "git+https://git.example.com/shop/api.git@refs/heads/main";
    let digest = json!({ "sha1": "c0ffee".repeat(6) + "abcd" });
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{ "name": "program", "digest": { "sha256": Digest::of(ARTIFACT).hex().to_uppercase() } }],
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": {
            "builder": { "id": "https://ci.example.com/builder@v1" },
            "buildType": "https://ci.example.com/build/v1",
            "invocation": { "configSource": { "uri": uri, "digest": digest, "entryPoint": "ci.yaml" }, "parameters": {} },
            "metadata": { "buildFinishedOn": "1970-01-05T02:00:00Z" },
            "materials": [{ "uri": uri, "digest": digest }],
        },
    })
}

/// A text, signed as it stands.
fn enveloped(signer: &Signer, payload: &str) -> Value {
    let sig = signer.sign(&towpath_audit::dsse::encoding(TYPE, payload.as_bytes()));
    json!({
        "payloadType": TYPE,
        "payload": STANDARD.encode(payload),
        "signatures": [{ "keyid": "", "sig": STANDARD.encode(sig) }],
    })
}

fn settings() -> Value {
    json!({
        "path": "proof/*",
        "keys": ["keys/builder.pub"],
        "builders": ["https://ci.example.com/builder@v1"],
        "build_types": ["https://ci.example.com/build/v1"],
        "source": "https://git.example.com/shop/api",
        "refs": ["refs/heads/main", "refs/tags/v{version}"],
        "max_age": "24h",
        "parameters": ["configSource.entryPoint=ci.yaml"],
    })
}

/// What the check says of these files, where `signer` is the one that is trusted.
fn ask_about(signer: &Signer, more: &Value, texts: &[&str]) -> CheckAnswer {
    let mut settings = settings();
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let pem = signer.pem();
    let names: Vec<String> = (0..texts.len()).map(|index| format!("proof/{index}")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("keys/builder.pub", pem.as_bytes())];
    files.extend(names.iter().zip(texts).map(|(name, text)| (name.as_str(), text.as_bytes())));
    ask_with(known(), "provenance", &settings, &files)
}

/// What it says of one statement, signed as it should be.
fn ask(more: &Value, statement: &Value) -> CheckAnswer {
    let signer = Signer::edwards(1);
    let envelope = enveloped(&signer, &statement.to_string()).to_string();
    ask_about(&signer, more, &[&envelope])
}

#[test]
fn either_version_signed_by_either_sort_of_key_passes() {
    for signer in [Signer::edwards(1), Signer::nist()] {
        for statement in [statement(), older()] {
            let envelope = enveloped(&signer, &statement.to_string()).to_string();
            let answer = ask_about(&signer, &json!({}), &[&envelope]);
            assert_eq!(
                (answer.result, answer.sentence.as_str()),
                (
                    Pass,
                    "1 artefact built by https://ci.example.com/builder@v1 from \
                     https://git.example.com/shop/api, as 1 signed statement says"
                )
            );
        }
    }
}

#[test]
fn envelopes_stand_alone_in_lines_or_in_a_bundle() {
    let signer = Signer::nist();
    let one = enveloped(&signer, &statement().to_string());
    let mut other = one.clone();
    let payload = STANDARD.decode(one["payload"].as_str().unwrap()).unwrap();
    other["payload"] = URL_SAFE.encode(payload).into();
    let lines = format!("{one}\n\n{other}\n");
    let answer = ask_about(&signer, &json!({}), &[&lines]);
    assert_eq!(answer.result, Pass, "{answer:?}");
    assert!(answer.sentence.ends_with("as 2 signed statements say"), "{answer:?}");
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": "x" }, "tlogEntries": [] },
        "dsseEnvelope": one,
    });
    let pretty = serde_json::to_string_pretty(&bundle).unwrap();
    assert_eq!(ask_about(&signer, &json!({}), &[&pretty]).result, Pass);
    // A second signature by somebody unknown takes nothing away.
    let mut both = one;
    both["signatures"].as_array_mut().unwrap().insert(0, json!({ "sig": STANDARD.encode(b"x") }));
    assert_eq!(ask_about(&signer, &json!({}), &[&both.to_string()]).result, Pass);
}

#[test]
fn what_the_matrix_allows_may_be_and_nothing_else() {
    let mut tagged = statement();
    let source = "git+https://git.example.com/shop/api@refs/tags/v1.2.0";
    tagged["predicate"]["buildDefinition"]["externalParameters"]["source"] = source.into();
    tagged["predicate"]["buildDefinition"]["resolvedDependencies"][0]["uri"] = source.into();
    assert_eq!(ask(&json!({}), &tagged).result, Pass, "the tag of this very version");
    let mut given = statement();
    given["predicate"]["buildDefinition"]["externalParameters"]["flags"] = json!(["--fast"]);
    assert_eq!(ask(&json!({}), &given).result, Fail);
    assert_eq!(ask(&json!({ "parameters": ["flags"] }), &given).result, Pass);
    let mut several = statement();
    let other = json!({ "name": "program-arm", "digest": { "sha256": "ab".repeat(32) } });
    several["subject"].as_array_mut().unwrap().push(other);
    assert_eq!(ask(&json!({}), &several).result, Fail);
    assert_eq!(ask(&json!({ "other_subjects": true }), &several).result, Pass);
    assert_eq!(ask(&json!({ "max_age": "2h" }), &statement()).result, Pass);
    assert_eq!(ask(&json!({ "max_age": "119m" }), &statement()).result, Fail);
    let mut workflow = statement();
    workflow["predicate"]["buildDefinition"]["externalParameters"] = json!({ "workflow": {
        "repository": "https://git.example.com/shop/api", "ref": "refs/heads/main", "path": "ci.yaml",
    } });
    assert_eq!(ask(&json!({}), &workflow).result, Fail, "anybody may choose which workflow runs");
    assert_eq!(ask(&json!({ "parameters": ["workflow.path"] }), &workflow).result, Pass);
    let pinned = |path: &str| json!({ "parameters": [format!("workflow.path={path}")] });
    assert_eq!(ask(&pinned("ci.yaml"), &workflow).result, Pass);
    assert_eq!(ask(&pinned("release.yaml"), &workflow).result, Fail);
    let mut beside = statement();
    beside["predicate"]["buildDefinition"]["externalParameters"]["source"] =
        json!({ "uri": "git+https://git.example.com/shop/api", "hook": "curl | sh" });
    assert_eq!(
        ask(&json!({}), &beside).result,
        Fail,
        "nor is what stands beside a source looked past"
    );
}

#[test]
fn every_artefact_needs_a_statement() {
    let mut known = known();
    known.artifacts.push(("worker", b"another program"));
    let signer = Signer::edwards(1);
    let (pem, envelope) = (signer.pem(), enveloped(&signer, &statement().to_string()).to_string());
    let files: [(&str, &[u8]); 2] =
        [("keys/builder.pub", pem.as_bytes()), ("proof/a", envelope.as_bytes())];
    let answer = ask_with(known, "provenance", &settings(), &files);
    assert_eq!(answer.result, Fail);
    assert_eq!(answer.sentence, "no signed statement says where worker is from");
}

#[test]
fn a_key_that_cannot_be_read_leaves_it_open() {
    let signer = Signer::edwards(1);
    let envelope = enveloped(&signer, &statement().to_string()).to_string();
    let with = |pem: &[u8]| {
        let files: [(&str, &[u8]); 2] =
            [("keys/builder.pub", pem), ("proof/a", envelope.as_bytes())];
        ask_with(known(), "provenance", &settings(), &files)
    };
    let rsa = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(b"another kind of key")
    );
    let private = signer.pem().replace("PUBLIC", "PRIVATE");
    for (pem, wanted) in [
        (b"".as_slice(), "holds no public key in PEM"),
        (rsa.as_bytes(), "is neither a key of Ed25519 nor one of ECDSA on P-256"),
        (private.as_bytes(), "holds no public key in PEM"),
        (&vec![b'x'; 20_000], "is larger than 16 KiB"),
    ] {
        let answer = with(pem);
        assert_eq!(answer.result, Inconclusive, "{answer:?}");
        assert!(answer.sentence.contains(wanted), "{answer:?}");
    }
    let answer = ask_about(&signer, &json!({ "keys": ["keys/none.pub"] }), &[&envelope]);
    assert!(answer.sentence.starts_with("the key keys/none.pub cannot be read"), "{answer:?}");
    assert_eq!(answer.result, Inconclusive);
}

#[test]
fn what_is_set_wrongly_is_told_when_the_matrix_is_checked() {
    let mut given = settings();
    assert!(problems("provenance", &given).is_empty());
    given["keys"] = json!([]);
    given["builders"] = json!([" "]);
    given["refs"] = json!(["main", "refs/heads/main"]);
    assert_eq!(problems("provenance", &given), ["keys", "builders[0]", "refs[0]"]);
}
