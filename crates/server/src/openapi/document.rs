//! The document itself: the table laid out as OpenAPI 3.1 says. Knows no URL and no type by name.

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use towpath_ports::answers::{KEPT_FOR, MOST_ANSWERS};

use crate::ends;
use crate::openapi::forms::Forms;
use crate::openapi::told::JSON;
use crate::paging::{MOST, USUAL};
use crate::requests::Problem;
use crate::route::{Effect, Route, Rule};
use crate::routes::{LARGEST_BODY, routes};

/// Answers that end a request early: status, the name of the component, when.
const PROBLEMS: [(u16, &str, &str); 13] = [
    (400, "BadRequest", "The request cannot be read: its body, query, path or headers."),
    (
        401,
        "NobodyKnown",
        "Nobody is known to have sent it: the bearer or the session opens nothing.",
    ),
    (403, "NotAllowed", "Whoever sent it may not do that there."),
    (404, "NotFound", "There is nothing of the name that whoever sent it may see."),
    (409, "Conflict", "What is there now does not go with it; or it is so already, or under way."),
    (412, "Changed", "What was looked at has changed since (`If-Match`)."),
    (413, "TooLarge", "The body is larger than what is read."),
    (415, "NotJson", "The body is no JSON, does not say so, or is packed."),
    (422, "Refused", "A gate refuses it, or the key of the request belongs to another one."),
    (
        429,
        "TooMany",
        "There were too many of this kind lately; `Retry-After` says when there may be more.",
    ),
    (500, "Broken", "The program broke off; the log has it under the request's id."),
    (503, "Unavailable", "The journal cannot be read or written now."),
    (507, "DiskFull", "There is no space for anything new."),
];

const DESCRIPTION: &str = "A program that runs a team's environment promotion matrix.\n\n\
    **Who asks.** Over the network each request carries a bearer token (`towpath token create`), or the \
    cookie of a session for `GET`; the user of the unix socket is known by the system. Each operation \
    states its rule under `x-towpath-rule`.\n\n\
    **Errors** are problem documents (RFC 9457) with a stable `code`, pointers to what is wrong in the \
    request, the commands that help, and the id of the request (`X-Request-Id`).\n\n\
    **Orders** have an `Idempotency-Key`. Sent again with the same key, an order is answered the same, also \
    after a restart, for 24 hours: 409 `under-way` while it is carried out, 422 `key-reused` for another order, \
    and 409 `outcome-lost` where the engine ended before it answered, for then nobody knows whether the order \
    was taken, and it is not given again.\n\n\
    **Lists** come page by page: `limit` says how many entries, and `Link: <…>; rel=\"next\"` where the next \
    page is, until there is none. A cursor belongs to one list and what chooses among its entries.\n\n\
    **Races.** What is looked at has an `ETag`. An order with `If-Match` is taken only while the lane, the \
    promotion or the matrix is as it was looked at (412 `changed`); what is measured meanwhile changes nothing of \
    that. With `If-None-Match` an answer that would be the same is 304.\n\n\
    **Waiting.** What is ordered goes on after the answer (202). `?wait=30s`, or `Prefer: wait=30`, answers when the \
    promotion has ended (200), or after that time.\n\n\
    **Times** are RFC 3339 in UTC, durations of answers seconds, durations of requests milliseconds, shares \
    fractions of 1. What is unknown is null.";

/// The API as OpenAPI 3.1. The same each time.
pub fn document() -> Value {
    let mut forms = Forms::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for route in routes() {
        let operation = laid_out(&route, &mut forms);
        let path = route.path;
        if !order.contains(&path) {
            order.push(path);
        }
        paths.entry(path).or_default().insert(route.method.as_str().to_lowercase(), operation);
    }
    let paths: Map<String, Value> = order
        .into_iter()
        .map(|path| (path.to_owned(), Value::from(paths.remove(path).unwrap_or_default())))
        .collect();
    let problem = forms.given(SchemaGenerator::subschema_for::<Problem>);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Towpath",
            "version": "1",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "x-limits": limits(),
        },
        "servers": [
            { "url": "/v1", "description": "A server that holds one project" },
            {
                "url": "/v1/projects/{project}",
                "description": "Any server",
                "variables": { "project": { "default": "project", "description": "Its name" } },
            },
        ],
        "paths": paths,
        "components": {
            "responses": problems(&problem),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "towpath_session",
                    "description": "Somebody who signed in; for looking alone",
                },
            },
        },
    });
    forms.into_components(&mut document);
    document
}

fn limits() -> Value {
    json!({
        "body_bytes": LARGEST_BODY,
        "answers_kept_seconds": KEPT_FOR.milliseconds() / 1000,
        "answers_kept": MOST_ANSWERS,
        "page_entries": MOST,
    })
}

fn laid_out(route: &Route, forms: &mut Forms) -> Value {
    let told = &route.told;
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "description": said(route.rule),
        "tags": [tag(route.path)],
        "x-towpath-rule": rule(route.rule),
        "security": security(route),
        "parameters": parameters(route, forms),
    });
    if told.bytes {
        let bytes = json!({ "application/octet-stream": {} });
        operation["requestBody"] = json!({ "required": true, "content": bytes });
    }
    if let Some(shape) = told.body {
        let schema = forms.sent(shape);
        operation["requestBody"] =
            json!({ "required": true, "content": { JSON: { "schema": schema } } });
    }
    operation["responses"] = answers(route, forms);
    operation
}

/// The first word of a path: what it is about.
fn tag(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::Public => "public".to_owned(),
        Rule::Look => "look".to_owned(),
        Rule::Probe(verb) => format!("look; by a token: {}", verb.key()),
        Rule::Order(verb) => verb.key().to_owned(),
        Rule::Own => "own".to_owned(),
        Rule::Machine => "machine".to_owned(),
    }
}

fn said(rule: Rule) -> String {
    match rule {
        Rule::Public => "Open to everybody.".to_owned(),
        Rule::Look => "For whoever may see the project.".to_owned(),
        Rule::Probe(verb) => {
            format!("For whoever may see the project; a token must name `{}` there.", verb.key())
        }
        Rule::Order(verb) => format!("For whoever may `{}` there.", verb.key()),
        Rule::Own => {
            "For whoever the project knows, about no more than they may themselves.".to_owned()
        }
        Rule::Machine => "For the owner of the machine's socket alone.".to_owned(),
    }
}

fn security(route: &Route) -> Value {
    match (route.rule, route.effect) {
        (Rule::Public | Rule::Machine, _) => json!([]),
        (_, Effect::Looks) => json!([{ "bearer": [] }, { "session": [] }]),
        _ => json!([{ "bearer": [] }]),
    }
}

fn parameters(route: &Route, forms: &mut Forms) -> Value {
    let of_path = |name| path_parameter(name, route.told.bytes);
    let mut parameters: Vec<Value> = names(route.path).map(of_path).collect();
    let query = route.told.query.or_else(|| route.waits().then(ends::waiting_shape));
    if let Some(shape) = query {
        let schema = forms.sent_whole(shape);
        let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mut schema = schema.clone();
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let schema = never_null(schema);
            parameters.push(json!({
                "name": name, "in": "query", "required": required.contains(&json!(name)),
                "description": about, "schema": schema,
            }));
        }
    }
    if route.told.paged {
        parameters.extend(page_parameters());
    }
    if route.takes_condition() {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "`ETag` of the lane, the promotion or the matrix as it was looked at: the order is taken \
                only while nothing happened to it since (412 otherwise).",
            "schema": { "type": "string" },
        }));
    }
    if has_tag(route) {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "`ETag` of the answer that whoever asks has: 304 where it would be the same.",
            "schema": { "type": "string" },
        }));
    }
    if route.effect == Effect::Orders {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "Chosen by the client, another for each order. The same order with the same key is \
                answered the same for a day, and carried out once.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$" },
        }));
    }
    Value::from(parameters)
}

/// A parameter is left out or has a value: a query knows no null.
fn never_null(mut schema: Value) -> Value {
    let Some(fields) = schema.as_object_mut() else { return schema };
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
    if let Some(Value::Array(kinds)) = fields.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    schema
}

/// Which part of a list.
fn page_parameters() -> [Value; 2] {
    [
        json!({
            "name": "limit", "in": "query", "required": false,
            "description": format!("How many entries; {USUAL} where nobody says. There may be more although fewer \
                come: `Link` says so."),
            "schema": { "type": "integer", "minimum": 1, "maximum": MOST },
        }),
        json!({
            "name": "cursor", "in": "query", "required": false,
            "description": "Where to go on, from `Link` of the page before: of this list, with the same parameters.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" },
        }),
    ]
}

/// The names between braces in a path.
fn names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// A name of a path; `whole`: of bytes that are sent, and not of something that is there.
fn path_parameter(name: &str, whole: bool) -> Value {
    let named = json!({ "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" });
    let (about, schema) = match name {
        "service" => ("What runs", named),
        "environment" => ("Where", named),
        "number" => {
            ("Of a promotion", json!({ "type": "integer", "format": "uint64", "minimum": 0 }))
        }
        "digest" if whole => {
            ("Of the bytes", json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" }))
        }
        "digest" => (
            "Of a piece of evidence, or the beginning of it: 6 to 64 digits",
            json!({ "type": "string", "pattern": "^(sha256:)?[0-9a-f]{6,64}$" }),
        ),
        _ => ("Of what is meant", json!({ "type": "string", "pattern": "^[0-9a-f]{12}$" })),
    };
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema })
}

/// Whether its answers have a tag.
fn has_tag(route: &Route) -> bool {
    let gives = &route.told.gives;
    let is_json = |(status, media, _): &(u16, &str, _)| *status == 200 && *media == JSON;
    route.effect == Effect::Looks && gives.iter().any(is_json)
}

fn answers(route: &Route, forms: &mut Forms) -> Value {
    let mut answers = Map::new();
    let mut gives = route.told.gives.clone();
    if has_tag(route) {
        gives.push((304, JSON, None));
    }
    if route.waits() && !gives.iter().any(|(status, ..)| *status == 200) {
        // What was waited for has ended.
        gives.extend(route.told.gives.first().map(|(_, media, shape)| (200, *media, *shape)));
    }
    for (status, media, shape) in &gives {
        let entry = answers.entry(status.to_string()).or_insert_with(|| {
            let about = if *status == 304 { "Nothing has changed" } else { "Done" };
            json!({ "description": about, "headers": headers(route) })
        });
        if let Some(shape) = shape {
            entry["content"][*media] = json!({ "schema": forms.given(*shape) });
        }
    }
    for (status, name, _) in PROBLEMS {
        if is_possible(route, status) {
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            answers.insert(status.to_string(), reference);
        }
    }
    Value::from(answers)
}

fn headers(route: &Route) -> Value {
    let mut headers = Map::new();
    let own = route.told.headers.iter().copied();
    let own = own.chain(has_tag(route).then_some(("ETag", "The name of this answer")));
    for (name, about) in own.chain([("X-Request-Id", "What logs call the request")]) {
        headers.insert(
            name.to_owned(),
            json!({ "description": about, "schema": { "type": "string" } }),
        );
    }
    Value::from(headers)
}

/// Whether a request can end in that way.
fn is_possible(route: &Route, status: u16) -> bool {
    let has_body = route.told.body.is_some();
    let is_named = route.path.contains('{') || route.told.query.is_some();
    let sends = route.method == Method::POST;
    match status {
        400 => has_body || is_named || sends,
        401 | 429 | 500 => true,
        403 | 404 | 503 => route.rule != Rule::Public,
        412 => route.takes_condition(),
        413 => has_body || route.told.bytes,
        415 => has_body,
        409 | 422 | 507 => sends,
        _ => false,
    }
}

fn problems(problem: &Value) -> Value {
    let mut all = Map::new();
    for (status, name, about) in PROBLEMS {
        let example = json!({
            "type": "https://towpath.dev/problems/not-found", "title": "there is no promotion 7",
            "status": status, "code": "not-found", "detail": "nothing has this name", "errors": [],
            "help": [{ "command": "towpath history", "what": "what there is" }],
            "request_id": "5f0c2a9be1d34e77",
        });
        let mut content = json!({ "schema": problem });
        if status == 404 {
            content["example"] = example;
        }
        all.insert(
            name.to_owned(),
            json!({
                "description": about,
                "headers": { "X-Request-Id": {
                    "description": "What logs call the request", "schema": { "type": "string" },
                } },
                "content": { "application/problem+json": content },
            }),
        );
    }
    Value::from(all)
}
