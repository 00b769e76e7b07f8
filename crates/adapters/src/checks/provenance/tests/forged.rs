//! Fifty forged bundles, none of which may pass (T16 of the threat model).

use super::*;

/// A forged file, and what must be said of it.
struct Forged {
    what: &'static str,
    text: String,
    wanted: &'static str,
}

/// The statement with one thing changed, signed by the trusted key.
fn changed(
    what: &'static str,
    wanted: &'static str,
    of: Value,
    change: impl FnOnce(&mut Value),
) -> Forged {
    let mut statement = of;
    change(&mut statement);
    let text = enveloped(&Signer::edwards(1), &statement.to_string()).to_string();
    Forged { what, text, wanted }
}

/// The envelope with one thing changed after it was signed.
fn tampered(what: &'static str, wanted: &'static str, change: impl FnOnce(&mut Value)) -> Forged {
    let mut envelope = enveloped(&Signer::edwards(1), &statement().to_string());
    change(&mut envelope);
    Forged { what, text: envelope.to_string(), wanted }
}

/// A payload as it stands, signed by the trusted key.
fn payload(what: &'static str, wanted: &'static str, text: &str) -> Forged {
    Forged { what, text: enveloped(&Signer::edwards(1), text).to_string(), wanted }
}

fn definition(statement: &mut Value) -> &mut Value {
    &mut statement["predicate"]["buildDefinition"]
}

fn subjects() -> Vec<Forged> {
    let other = Digest::of(b"another program").hex().to_owned();
    let foreign = json!({ "name": "program", "digest": { "sha256": other } });
    let none = "it speaks of no artefact of the release";
    let without = "one of its subjects has no SHA-256";
    vec![
        changed("another digest", none, statement(), |it| it["subject"][0] = foreign.clone()),
        changed("another digest of 0.2", none, older(), |it| it["subject"][0] = foreign.clone()),
        changed("one foreign among them", "it speaks of sha256:", statement(), |it| {
            it["subject"].as_array_mut().unwrap().push(foreign.clone());
        }),
        changed("no subject", "it speaks of nothing", statement(), |it| it["subject"] = json!([])),
        changed("subjects are null", "its statement:", statement(), |it| {
            it["subject"] = Value::Null;
        }),
        changed("the name alone", "its statement:", statement(), |it| {
            it["subject"] = json!([{ "name": "program" }]);
        }),
        changed("no hash", without, statement(), |it| it["subject"][0]["digest"] = json!({})),
        changed("an empty hash", without, statement(), |it| {
            it["subject"][0]["digest"]["sha256"] = "".into();
        }),
        changed("the beginning of the hash", without, statement(), |it| {
            it["subject"][0]["digest"]["sha256"] = Digest::of(ARTIFACT).short().into();
        }),
        changed("the hash with its algorithm", without, statement(), |it| {
            it["subject"][0]["digest"]["sha256"] = Digest::of(ARTIFACT).to_string().into();
        }),
        changed("the hash under another algorithm", without, statement(), |it| {
            it["subject"][0]["digest"] = json!({ "sha512": Digest::of(ARTIFACT).hex() });
        }),
        changed("a hash that is a list", without, statement(), |it| {
            it["subject"][0]["digest"]["sha256"] = json!([Digest::of(ARTIFACT).hex()]);
        }),
    ]
}

fn builders_and_sources() -> Vec<Forged> {
    let builder = "is none of the trusted builders";
    let set_builder = |it: &mut Value, id: &str| {
        it["predicate"]["runDetails"]["builder"]["id"] = id.into();
    };
    let from = "it was built from";
    let set_source = |it: &mut Value, uri: &str| {
        definition(it)["externalParameters"]["source"] = uri.into();
    };
    vec![
        changed("a builder that begins like it", builder, statement(), |it| {
            set_builder(it, "https://ci.example.com/builder@v1-evil");
        }),
        changed("the beginning of the builder", builder, statement(), |it| {
            set_builder(it, "https://ci.example.com/builder");
        }),
        changed("a builder that ends like it", builder, statement(), |it| {
            set_builder(it, "https://evil.example/https://ci.example.com/builder@v1");
        }),
        changed("the builder in capitals", builder, statement(), |it| {
            set_builder(it, "https://CI.example.com/builder@v1");
        }),
        changed("the builder and a space", builder, statement(), |it| {
            set_builder(it, "https://ci.example.com/builder@v1 ");
        }),
        changed("no builder", builder, statement(), |it| set_builder(it, "")),
        changed("another builder in 0.2", builder, older(), |it| {
            it["predicate"]["builder"]["id"] = "https://evil.example".into();
        }),
        changed("another type of builds", "are not understood", statement(), |it| {
            definition(it)["buildType"] = "https://ci.example.com/build/v2".into();
        }),
        changed("another repository", from, statement(), |it| {
            set_source(it, "git+https://git.example.com/evil/api@refs/heads/main");
        }),
        changed("a repository that begins like it", from, statement(), |it| {
            set_source(it, "git+https://git.example.com/shop/api-evil@refs/heads/main");
        }),
        changed("another repository behind an at sign", from, statement(), |it| {
            set_source(it, "git+https://git.example.com/shop/api@evil.example/x@refs/heads/main");
        }),
        changed("another repository in 0.2", from, older(), |it| {
            it["predicate"]["invocation"]["configSource"]["uri"] =
                "git+https://git.example.com/evil/api@refs/heads/main".into();
        }),
        changed("other materials than the source", from, older(), |it| {
            it["predicate"]["materials"][0]["uri"] = "git+https://evil.example/x".into();
        }),
        changed("resolved to another repository", from, statement(), |it| {
            definition(it)["resolvedDependencies"][0]["uri"] = "git+https://evil.example/x".into();
        }),
        changed("another branch", from, statement(), |it| {
            set_source(it, "git+https://git.example.com/shop/api@refs/heads/main-evil");
        }),
        changed("the tag of another version", from, statement(), |it| {
            set_source(it, "git+https://git.example.com/shop/api@refs/tags/v1.2.1");
        }),
        changed("another commit", from, statement(), |it| {
            definition(it)["resolvedDependencies"][0]["digest"]["gitCommit"] =
                "bad0".repeat(10).into();
        }),
        changed("no source", "it does not say from which source", statement(), |it| {
            definition(it)["externalParameters"] = json!({});
            definition(it)["resolvedDependencies"] = json!([]);
        }),
    ]
}

fn parameters_and_times() -> Vec<Forged> {
    let unknown = "nobody knows what its parameter";
    vec![
        changed("an unknown parameter", unknown, statement(), |it| {
            definition(it)["externalParameters"]["ldflags"] = "-X".into();
        }),
        changed("an unknown parameter in 0.2", unknown, older(), |it| {
            it["predicate"]["invocation"]["parameters"] = json!({ "ldflags": "-X" });
        }),
        changed("parameters that are a list", "its provenance:", statement(), |it| {
            definition(it)["externalParameters"] = json!(["source"]);
        }),
        changed("built long ago", "it was built", statement(), |it| {
            it["predicate"]["runDetails"]["metadata"]["finishedOn"] = "1970-01-03T00:00:00Z".into();
        }),
        changed("built in the future", "in the future", statement(), |it| {
            it["predicate"]["runDetails"]["metadata"]["finishedOn"] = "2999-01-01T00:00:00Z".into();
        }),
        changed("built at no time", "is no time", statement(), |it| {
            it["predicate"]["runDetails"]["metadata"]["finishedOn"] = "yesterday".into();
        }),
        changed("it says no time", "it does not say when", statement(), |it| {
            it["predicate"]["runDetails"]["metadata"] = json!({});
        }),
        changed("another statement", "is no statement of in-toto", statement(), |it| {
            it["_type"] = "https://in-toto.io/Statement/v2".into();
        }),
        changed("another predicate", "is no provenance", statement(), |it| {
            it["predicateType"] = "https://slsa.dev/verification_summary/v1".into();
        }),
        changed("nothing in the predicate", "its provenance", statement(), |it| {
            it["predicate"] = json!({});
        }),
        changed("the predicate of the other version", "its provenance", statement(), |it| {
            it["predicate"] = older()["predicate"].clone();
        }),
    ]
}

fn signatures() -> Vec<Forged> {
    let nobody = "no key that is declared signed it";
    let foreign = Signer::edwards(2);
    let whole = statement().to_string();
    let bare = Signer::edwards(1).sign(whole.as_bytes());
    let mut nist = enveloped(&Signer::nist(), &whole);
    nist["signatures"][0]["alg"] = "Ed25519".into();
    vec![
        tampered("no signature", "nobody signed it", |it| it["signatures"] = json!([])),
        tampered("an empty signature", nobody, |it| it["signatures"][0]["sig"] = "".into()),
        tampered("a signature of zeros", nobody, |it| {
            it["signatures"][0]["sig"] = STANDARD.encode([0; 64]).into();
        }),
        tampered("signatures are missing", "missing field `signatures`", |it| {
            it.as_object_mut().unwrap().remove("signatures");
        }),
        tampered("another payload", nobody, |it| {
            it["payload"] = STANDARD.encode(older().to_string()).into();
        }),
        tampered("an empty payload", nobody, |it| it["payload"] = "".into()),
        tampered("another type of payload", "its payload is no", |it| {
            it["payloadType"] = "application/json".into();
        }),
        tampered("no Base64", "not in Base64", |it| it["payload"] = "{}".into()),
        Forged {
            what: "another key",
            text: enveloped(&foreign, &whole).to_string(),
            wanted: nobody,
        },
        Forged {
            what: "another algorithm, said to be ours",
            text: nist.to_string(),
            wanted: nobody,
        },
        tampered("signed without its type", nobody, |it| {
            it["signatures"][0]["sig"] = STANDARD.encode(&bare).into();
        }),
        Forged {
            what: "signed under another type",
            text: {
                let sig = Signer::edwards(1)
                    .sign(&towpath_audit::dsse::encoding("text/plain", whole.as_bytes()));
                let mut it = enveloped(&Signer::edwards(1), &whole);
                it["signatures"][0]["sig"] = STANDARD.encode(sig).into();
                it.to_string()
            },
            wanted: nobody,
        },
    ]
}

fn payloads() -> Vec<Forged> {
    let foreign = Signer::edwards(2);
    let whole = statement().to_string();
    let doubled = whole.replacen(
        "\"subject\":",
        &format!(
            "\"subject\":[{{\"digest\":{{\"sha256\":\"{}\"}}}}],\"subject\":",
            "ab".repeat(32)
        ),
        1,
    );
    let twice = whole.replacen("\"sha256\":", "\"sha256\":\"00\",\"sha256\":", 1);
    let hidden =
        whole.replacen("\"source\":", "\"source\":\"git+https://evil.example\",\"source\":", 1);
    vec![
        payload("subjects twice", "stands there twice", &doubled),
        payload("a hash twice", "stands there twice", &twice),
        payload("a source twice", "stands there twice", &hidden),
        payload("more after its end", "its payload", &format!("{whole}{{}}")),
        payload("a payload that is a list", "is no object", "[]"),
        Forged { what: "an empty bundle", text: "{}".to_owned(), wanted: "it is no DSSE envelope" },
        Forged { what: "an empty file", text: String::new(), wanted: "is no file of signed" },
        Forged {
            what: "the statement alone",
            text: whole.clone(),
            wanted: "it is no DSSE envelope",
        },
        Forged {
            what: "a payload twice in the envelope",
            text: enveloped(&foreign, &whole).to_string().replacen(
                "\"payload\":",
                "\"payload\":\"e30=\",\"payload\":",
                1,
            ),
            wanted: "stands there twice",
        },
    ]
}

#[test]
fn t16_of_fifty_forged_bundles_none_passes() {
    let mut all = subjects();
    all.extend(builders_and_sources());
    all.extend(parameters_and_times());
    all.extend(signatures());
    all.extend(payloads());
    assert!(all.len() >= 50, "{}", all.len());
    let good = enveloped(&Signer::edwards(1), &statement().to_string()).to_string();
    for Forged { what, text, wanted } in all {
        let alone = ask_about(&Signer::edwards(1), &json!({}), &[&text]);
        assert_ne!(alone.result, Pass, "{what}: {alone:?}");
        assert!(alone.sentence.contains(wanted), "{what}: {alone:?}");
        // Nor does a good one beside it make it good.
        let beside = ask_about(&Signer::edwards(1), &json!({}), &[&good, &text]);
        assert_ne!(beside.result, Pass, "{what}: {beside:?}");
    }
}
