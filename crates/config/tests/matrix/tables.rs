//! The tables of the sections keep their word: their examples parse, the schema takes what the
//! check takes.

use boon::{Compiler, Schemas};
use serde_json::Value;
use towpath_config::{Code, Diagnostic, schema, to_json};

use crate::{SOUNDBITE, catalogue, check};

/// Every section of a part of the schema with its documented example.
fn examples(schema: &Value, of: &Value) -> Vec<(String, String)> {
    let properties = of["properties"].as_object().expect("a map of sections");
    let example = |(name, section): (&String, &Value)| {
        let section = section["$ref"].as_str()?.strip_prefix("#/$defs/")?;
        Some((name.clone(), schema["$defs"][section]["x-example"].as_str()?.to_owned()))
    };
    properties.iter().filter_map(example).collect()
}

#[test]
fn the_documented_example_of_every_section_is_right() {
    let schema = schema(&catalogue::catalogue());
    for (name, example) in examples(&schema, &schema) {
        let rest =
            ["version: 1\n", "project: shop\n"].into_iter().filter(|it| !it.starts_with(&name));
        let environments = "environments:\n  dev:\n    tier: development\n    target: { kind: process, command: [./app] }\n";
        let environments = if name == "environments" { "" } else { environments };
        let text = rest.collect::<String>() + &example + environments;
        assert_eq!(errors(&text), [], "{text}");
    }
    let environment = examples(&schema, &schema["$defs"]["environment"]);
    assert!(environment.len() > 30, "the tables are in the schema");
    for (name, example) in environment {
        let needed = [
            "tier: production\n",
            "target: { kind: process, command: [./app] }\n",
            "router: { kind: towpath, listen: 127.0.0.1:3000 }\n",
        ];
        let needed = needed.into_iter().filter(|it| !it.starts_with(&format!("{name}:")));
        let inside: Vec<String> = needed
            .flat_map(str::lines)
            .chain(example.lines())
            .map(|line| format!("    {line}\n"))
            .collect();
        // Only what comes after something can be promoted into automatically.
        let live = if name == "after" { "x-none: 1" } else { "after: dev" };
        let live = if name == "after_any" { "x-none: 1" } else { live };
        let others = ["dev", "dev-aws"].map(|it| {
            format!("  {it}:\n    tier: development\n    target: {{ kind: process, command: [./app] }}\n")
        });
        let text = format!(
            "version: 1\nproject: shop\nenvironments:\n{}  live:\n    {live}\n{}",
            others.concat(),
            inside.concat()
        );
        assert_eq!(errors(&text), [], "{text}");
    }
}

/// What is wrong with a section that stands alone. It may name what other sections declare.
fn errors(text: &str) -> Vec<Diagnostic> {
    let errors = check(text).errors.into_iter();
    errors.filter(|it| it.code != Code::UnknownName).collect()
}

#[test]
fn a_section_says_where_it_may_stand_and_what_becomes_of_it() {
    let schema = schema(&catalogue::catalogue());
    let definitions = schema["$defs"].as_object().expect("definitions");
    let sections: Vec<_> =
        definitions.iter().filter(|(name, _)| name.starts_with("section-")).collect();
    assert!(sections.len() > 50, "the tables are in the schema");
    for (name, section) in sections {
        assert!(section["x-where"].as_array().is_some_and(|it| !it.is_empty()), "{name}");
        let standing = section["x-standing"].as_str().expect("a word");
        assert!(["enforced", "for people", "kept", "refuses"].contains(&standing), "{name}");
        assert_ne!(section["x-type"], Value::Null, "{name}");
        let said = section["description"].as_str().expect("a sentence");
        assert_eq!(said.contains(" nothing acts on it yet."), standing == "kept", "{name}: {said}");
        assert_eq!(said.contains(" refuses promotions"), standing == "refuses", "{name}: {said}");
    }
    let costs = &definitions["section-costs"];
    assert_eq!((&costs["x-listed"], &costs["x-in-plans"]), (&"budget".into(), &false.into()));
    assert_eq!(costs["x-where"], serde_json::json!(["top", "environment", "defaults"]));
    let mode = &definitions["section-scaling"]["properties"]["mode"];
    assert_eq!(mode["x-standing"], "refuses when automatic");
}

#[test]
fn a_default_stands_in_the_schema_as_it_is_written_and_as_the_value_it_is() {
    let schema = schema(&catalogue::catalogue());
    let budget = &schema["$defs"]["section-error_budget"]["properties"];
    assert_eq!(
        (&budget["window"]["default"], &budget["window"]["x-default"]),
        (&"30d".into(), &"30d".into())
    );
    assert_eq!(budget["tracked"]["default"], true);
    let standby = &schema["$defs"]["section-standby"];
    assert_eq!(standby.get("default"), None, "it depends on the place");
    assert!(standby["x-default"].as_str().is_some_and(|rule| rule.contains("24h in production")));
    let retries = &schema["$defs"]["section-health"]["properties"]["retries"];
    assert_eq!(retries["default"], 3);
}

/// What JSON Schema says against a value; none when it fits.
fn refused(schema: &Value, value: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("towpath.schema.json", schema.clone()).expect("a resource");
    let index = compiler.compile("towpath.schema.json", &mut schemas).expect("a schema");
    schemas.validate(value, index).err().map(|error| error.to_string())
}

fn json_of(text: &str) -> Value {
    to_json(text).expect("the text is YAML")
}

#[test]
fn the_schema_takes_the_example_and_refuses_its_mistakes() {
    let schema = schema(&catalogue::catalogue());
    assert_eq!(refused(&schema, &json_of(SOUNDBITE)), None);
    let wrong = json_of(include_str!("fixtures/three-mistakes.yaml"));
    let told = refused(&schema, &wrong).expect("`timout` is not a key");
    assert!(told.contains("timout"), "{told}");
    let misplaced = SOUNDBITE.replace("listen: 127.0.0.1:3000", "listn: 127.0.0.1:3000");
    let told = refused(&schema, &json_of(&misplaced)).expect("`listn` is no key");
    assert!(told.contains("listn"), "{told}");
}

#[test]
fn the_schema_takes_a_section_whose_parts_stand_in_two_places() {
    let text = "version: 1\nproject: shop\ndefaults:\n  all:\n    database: { kind: dynamodb, backup: true }\n    \
                scaling: { mode: automatic, min: 2 }\nenvironments:\n  dev:\n    tier: development\n    \
                target: { kind: process, command: [./app] }\n    database: { table: shop }\n    \
                scaling: { max: 4 }\n";
    assert_eq!(check(text).errors, [], "the check asks for what is needed where both are joined");
    let schema = schema(&catalogue::catalogue());
    let value = to_json(text).expect("it is plain YAML");
    assert_eq!(refused(&schema, &value), None);
    let missing = check(&text.replace("    database: { table: shop }\n", ""));
    assert!(missing.errors.iter().any(|it| it.code == Code::MissingKey), "{:?}", missing.errors);
}
